"""What is measured every few minutes: whether runs wait too long for somebody, and how long ago flows succeeded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from rosterbridge.flows.models import RunStatus
from rosterbridge.flows.notice_ports import NoticeStore
from rosterbridge.flows.ports import LaneStore, RunStore

TOO_LONG = timedelta(hours=24)


@dataclass(frozen=True)
class Gauges:
    """Reads the gauges."""

    runs: RunStore
    notices: NoticeStore
    lanes: LaneStore
    now: Callable[[], datetime]

    def held_too_long(self) -> int:
        """Return how many runs wait for somebody for more than a day; a note that outlived its hold is removed."""
        count = 0
        for noted in self.notices.held(self.now() - TOO_LONG):
            run = self.runs.peek(noted.run_id)
            if run is not None and run.status is RunStatus.HELD:
                count += 1
            else:
                self.notices.forget_held(noted.run_id)
        return count

    def ages(self) -> Iterator[tuple[str, float]]:
        """Yield, for each flow that expects an upload by a time of day, the seconds since its last success.

        What was sent last is known by the time of its receipt. A flow without a success counts from when it is watched.
        """
        now = self.now()
        for watch in self.notices.watches():
            sent = self.lanes.get(watch.flow_id).sent
            since = datetime.fromisoformat(sent.position.partition("#")[0]) if sent else watch.since
            yield watch.flow_id, (now - since).total_seconds()
