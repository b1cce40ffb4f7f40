"""A circuit for each of Apple's hosts: while a host is away, nobody waits for it, and its outage is told once.

Deliveries that fail one after another open it; then none is let through until a time is over; then a single one tries,
and closes it or opens it for twice as long.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from rosterbridge.errors import RosterbridgeError, TransientError
from rosterbridge.flows.delivery_ports import Circuit, Delivery, Passage, Probe
from rosterbridge.flows.lanes import LEASE
from rosterbridge.flows.models import AsmAccount, Model

# What tells that a host is away; whoever refuses a password or a file is there
AWAY = frozenset({"asm-unreachable", "asm-connection-lost", "asm-timed-out"})
# For how long a delivery waits for the one that tries, instead of losing one of its own tries
PATIENCE = timedelta(minutes=1)
LOOK_SECONDS = 1.0


@dataclass(frozen=True)
class CircuitRules:
    """After how many failures within which time a circuit opens, for how long, and for how long at most."""

    failures: int = 3
    within: timedelta = timedelta(minutes=10)
    open_for: timedelta = timedelta(minutes=5)
    longest: timedelta = timedelta(hours=1)


class CircuitState(Model):
    """What is known of a host: its last failures, or until when it is open, and until when somebody tries."""

    failures: tuple[datetime, ...] = ()
    opened_at: datetime | None = None
    open_until: datetime | None = None
    trial_until: datetime | None = None


def admitted(state: CircuitState, now: datetime) -> tuple[Passage, CircuitState]:
    """Return whether a delivery may pass, and what is known from then on; a trial that died ends with its lease."""
    if state.open_until is None:
        return Passage.FREE, state
    if now < state.open_until:
        return Passage.BARRED, state
    if state.trial_until is not None and now < state.trial_until:
        return Passage.AWAITED, state
    return Passage.TRIAL, state.model_copy(update={"trial_until": now + LEASE})


def after_failure(state: CircuitState, now: datetime, rules: CircuitRules, *, trial: bool) -> CircuitState:
    """Return what is known after a delivery found the host away.

    One that was under way when the circuit opened changes nothing; one that tried opens it for twice as long.
    """
    if state.open_until is None:
        recent = (*(at for at in state.failures if at > now - rules.within), now)
        if len(recent) < rules.failures:
            return CircuitState(failures=recent)
        return CircuitState(opened_at=now, open_until=now + rules.open_for)
    if not trial or state.opened_at is None:
        return state
    twice = 2 * (state.open_until - state.opened_at)
    return CircuitState(opened_at=now, open_until=now + min(twice, rules.longest))


@dataclass(frozen=True)
class GuardedDelivery:
    """Delivers only while the host's circuit lets it; a probe, for which somebody waits, always goes.

    ``tell`` hears ``circuit-opened`` and ``circuit-closed`` with the host, each once. What keeps the circuits may fail:
    then the file is sent.
    """

    delivery: Delivery
    circuit: Circuit
    now: Callable[[], datetime]
    tell: Callable[[str, str], None]
    pause: Callable[[float], None] = time.sleep

    def send(self, path: Path, account: AsmAccount, password: str, remote_name: str) -> dict[str, object]:
        """Send the file as ``delivery`` does; raises TransientError ``asm-circuit-open`` without a connection."""
        host = f"{account.host}:{account.port}"
        passage = self._passage(host)
        if passage in {Passage.BARRED, Passage.AWAITED}:
            raise TransientError("asm-circuit-open")
        try:
            sent = self.delivery.send(path, account, password, remote_name)
        except Exception as error:
            if isinstance(error, TransientError) and error.code in AWAY:
                self._note_failure(host, trial=passage is Passage.TRIAL)
            else:
                self._note_success(host)
            raise
        self._note_success(host)
        return sent

    def probe(self, account: AsmAccount, password: str) -> Probe:
        """Test the connection as ``delivery`` does."""
        return self.delivery.probe(account, password)

    def _passage(self, host: str) -> Passage:
        """Return whether to send, when the one that tries is through; with all at their last try none is lost."""
        passage = Passage.FREE
        with suppress(RosterbridgeError):
            until = self.now() + PATIENCE
            while (passage := self.circuit.allows(host, self.now())) is Passage.AWAITED and self.now() < until:
                self.pause(LOOK_SECONDS)
        return passage

    def _note_failure(self, host: str, *, trial: bool) -> None:
        with suppress(RosterbridgeError):
            if self.circuit.failed(host, self.now(), trial=trial):
                self.tell("circuit-opened", host)

    def _note_success(self, host: str) -> None:
        with suppress(RosterbridgeError):
            if self.circuit.succeeded(host):
                self.tell("circuit-closed", host)
