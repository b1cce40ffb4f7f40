"""In-memory fakes of what tells people."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from rosterbridge.flows.notice_ports import HeldRun, Notice, Watch
from tests.support.fake_stores import FakeAccountStore


class FakeOutcomes:
    """Knows of which runs it was told, as often as it was."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def tell(self, run_id: str) -> None:
        self.told.append(run_id)


class FakeNotifications:
    """Keeps what was sent to whom, and who was subscribed; raises ``error`` instead of sending, if it is set."""

    def __init__(self) -> None:
        self.sent: list[tuple[tuple[str, ...], Notice]] = []
        self.subscribed: list[str] = []
        self.error: Exception | None = None

    def subscribe(self, address: str) -> None:
        self.subscribed.append(address)

    def unsubscribe(self, addresses: Collection[str]) -> int:
        gone = [address for address in self.subscribed if address in addresses]
        self.subscribed = [address for address in self.subscribed if address not in addresses]
        return len(gone)

    def send(self, addresses: Sequence[str], notice: Notice) -> None:
        if self.error:
            raise self.error
        self.sent.append((tuple(addresses), notice))


@dataclass(frozen=True)
class _Begun:
    about: str
    quiet_until: datetime
    sent_at: datetime | None = None


class FakeNoticeStore:
    """Keeps what was begun by flow and kind, and which runs wait; the watches are those of the accounts."""

    def __init__(self, accounts: FakeAccountStore) -> None:
        self._accounts = accounts
        self._begun: dict[tuple[str, str], _Begun] = {}
        self._held: dict[str, HeldRun] = {}

    def begin(self, flow_id: str, kind: str, about: str, now: datetime, quiet_until: datetime) -> bool:
        known = self._begun.get((flow_id, kind))
        if known is not None and (known.sent_at if known.about == about else known.quiet_until > now):
            return False
        self._begun[flow_id, kind] = _Begun(about, quiet_until)
        return True

    def sent(self, flow_id: str, kind: str, about: str, at: datetime) -> None:
        known = self._begun[flow_id, kind]
        if known.about == about:
            self._begun[flow_id, kind] = replace(known, sent_at=at)

    def watches(self) -> Sequence[Watch]:
        return list(self._accounts.watches.values())

    def judged(self, flow_id: str, day: date) -> None:
        if flow_id in self._accounts.watches:
            self._accounts.watches[flow_id] = replace(self._accounts.watches[flow_id], done_on=day)

    def note_held(self, held: HeldRun) -> None:
        self._held[held.run_id] = held

    def forget_held(self, run_id: str) -> None:
        self._held.pop(run_id, None)

    def held(self, before: datetime) -> Sequence[HeldRun]:
        return [held for held in self._held.values() if held.since <= before]
