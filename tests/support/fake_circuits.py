"""The circuits of Apple's hosts in memory."""

from __future__ import annotations

from datetime import datetime
from threading import Lock

from rosterbridge.flows.circuits import CircuitRules, CircuitState, admitted, after_failure
from rosterbridge.flows.delivery_ports import Passage


class FakeCircuit:
    """Keeps the circuits by their hosts; raises ``error`` instead, if it is set."""

    def __init__(self, rules: CircuitRules | None = None) -> None:
        self.states: dict[str, CircuitState] = {}
        self.error: Exception | None = None
        self._rules = rules or CircuitRules()
        self._lock = Lock()

    def allows(self, host: str, now: datetime) -> Passage:
        with self._lock:
            passage, self.states[host] = admitted(self._state(host), now)
            return passage

    def failed(self, host: str, now: datetime, *, trial: bool) -> bool:
        with self._lock:
            before = self._state(host)
            self.states[host] = after_failure(before, now, self._rules, trial=trial)
            return before.open_until is None and self.states[host].open_until is not None

    def succeeded(self, host: str) -> bool:
        with self._lock:
            before = self._state(host)
            self.states[host] = CircuitState()
            return before.open_until is not None

    def _state(self, host: str) -> CircuitState:
        if self.error:
            raise self.error
        return self.states.get(host, CircuitState())
