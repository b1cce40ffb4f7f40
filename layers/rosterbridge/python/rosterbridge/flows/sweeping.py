"""What is made good later: what deleted accounts and flows left is removed, and runs are started that were not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from rosterbridge.errors import RosterbridgeError
from rosterbridge.flows.lanes import lane_folder
from rosterbridge.flows.models import RunStatus
from rosterbridge.flows.ports import AccountStore, LaneStore, ObjectStore, RunStore, Workflow
from rosterbridge.flows.signing_in import home_prefix

# Longer than any request takes, so that a start which goes on is left alone
START_TAKES = timedelta(minutes=15)


@dataclass(frozen=True)
class Swept:
    """What a sweep did: homes and lanes removed, versions of files in them, and runs started."""

    homes: int
    lanes: int
    files: int
    runs: int


@dataclass(frozen=True)
class Sweeper:
    """What sweeping needs; ``home_bucket`` holds the homes, ``run_bucket`` the lanes' files, ``now`` is the clock."""

    accounts: AccountStore
    objects: ObjectStore
    runs: RunStore
    lanes: LaneStore
    workflow: Workflow
    home_bucket: str
    run_bucket: str
    now: Callable[[], datetime]

    def sweep(self) -> Swept:
        """Do all that is due; a sweep may be repeated. What fails holds up nothing else, and is raised at the end."""
        failures: list[RosterbridgeError] = []
        homes = self._each(self.accounts.due_homes(self.now()), self._empty, failures)
        lanes = self._each(self.accounts.due_lanes(self.now()), self._remove_lane, failures)
        started = self._each(self.accounts.open_starts(self.now() - START_TAKES), self._start, failures)
        if failures:
            raise failures[0]
        return Swept(len(homes), len(lanes), sum(homes) + sum(lanes), sum(started))

    @staticmethod
    def _each(found: Iterable[str], work: Callable[[str], int], failures: list[RosterbridgeError]) -> list[int]:
        done = []
        for identity in found:
            try:
                done.append(work(identity))
            except RosterbridgeError as error:
                failures.append(error)
        return done

    def _empty(self, file_account_id: str) -> int:
        """Remove a home, which is forgotten only when it is empty; return how many versions of files it had."""
        # with the slash: the prefix of one id must not be that of another
        files = self.objects.empty(self.home_bucket, f"{home_prefix(file_account_id)}/")
        self.accounts.forget_home(file_account_id)
        return files

    def _remove_lane(self, flow_id: str) -> int:
        """Remove what was kept for a flow's next run; return how many versions of files it had."""
        files = self.objects.empty(self.run_bucket, lane_folder(flow_id))
        self.lanes.remove(flow_id)
        self.accounts.forget_lane(flow_id)
        return files

    def _start(self, run_id: str) -> int:
        """Start a run that was recorded and not started; return 1, or 0 where there is none."""
        run = self.runs.get(run_id)
        waits = run is not None and run.status is RunStatus.RECEIVED
        if run is not None and waits:
            self.workflow.start(run.id, run.source)
        self.accounts.forget_start(run_id)
        return int(waits)
