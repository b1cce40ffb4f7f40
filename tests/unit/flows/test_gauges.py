from __future__ import annotations

from datetime import timedelta
from typing import Any

from rosterbridge.flows.gauges import Gauges
from rosterbridge.flows.lanes import position
from rosterbridge.flows.models import Hold, ObjectRef, RunStatus, Sent
from rosterbridge.flows.notice_ports import HeldRun, Watch
from tests.support import flows
from tests.support.fakes import FakeAccountStore, FakeLaneStore, FakeNoticeStore, FakeRunStore

HOUR = timedelta(hours=1)


class Place:
    """What the gauges read, and their clock."""

    def __init__(self) -> None:
        self.now = flows.AT
        self.accounts, self.runs, self.lanes = FakeAccountStore(), FakeRunStore(), FakeLaneStore()
        self.notices = FakeNoticeStore(self.accounts)
        self.gauges = Gauges(self.runs, self.notices, self.lanes, lambda: self.now)

    def hold(self, identity: str, **changes: Any) -> None:
        """Let a run wait for somebody from now on."""
        hold = Hold(reasons=(), sentence="Held.", since=self.now, until=self.now + 7 * 24 * HOUR)
        self.runs.create(flows.run(id=identity, **{"status": RunStatus.HELD, "hold": hold, **changes}))
        self.notices.note_held(HeldRun(identity, self.now))


def test_a_run_waits_too_long_after_a_day() -> None:
    place = Place()
    place.hold("r1")
    place.now += HOUR
    place.hold("r2")

    counts = []
    for hours in (22, 1, 1):
        place.now += hours * HOUR
        counts.append(place.gauges.held_too_long())

    assert counts == [0, 1, 2]


def test_what_waits_no_longer_is_not_counted_and_forgotten() -> None:
    place = Place()
    place.hold("r1", status=RunStatus.FORWARDING)
    place.notices.note_held(HeldRun("gone", place.now))
    place.now += 25 * HOUR

    assert place.gauges.held_too_long() == 0
    assert place.notices.held(place.now) == []


def test_the_age_of_a_success_counts_from_the_receipt_of_what_apple_has() -> None:
    place, run = Place(), flows.run(flow_id="flow-1")
    for flow in ("flow-1", "flow-2"):
        place.accounts.watches[flow] = Watch(flow, flows.ORGANIZATION, "UTC", "06:00", flows.AT - 2 * HOUR)
    fingerprints = ObjectRef(bucket="runs", key="lanes/flow-1/r/fingerprints.parquet")
    sent = Sent(position=position(run), run_id=run.id, fingerprints=fingerprints)
    place.lanes.claim("flow-1", (position(run), run.id), None, flows.AT, flows.AT + HOUR)
    assert place.lanes.note_sent("flow-1", sent)
    place.now += HOUR

    assert dict(place.gauges.ages()) == {"flow-1": 3600, "flow-2": 3 * 3600}
