"""What ended badly goes on: runs whose execution stopped without saying so, and failed runs, with the same file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from rosterbridge.errors import NotFoundError, PermanentError
from rosterbridge.flows.access import Caller
from rosterbridge.flows.history import History
from rosterbridge.flows.lanes import position
from rosterbridge.flows.models import Project, RunStatus, RunSummary
from rosterbridge.flows.ports import Request, RunFilter

PAGE = 100
# After these the same file fails again until somebody has mended the connection; a password that is tried too often
# may be locked
TO_BE_MENDED = frozenset(
    {
        "asm-sign-in-refused",
        "asm-host-key-refused",
        "asm-algorithms-refused",
        "asm-folder-missing",
        "host-not-public",
        "host-malformed",
        "secret-unreadable",
    }
)


class ExecutionState(StrEnum):
    """What has become of a run's execution."""

    RUNNING = "running"
    REDRIVABLE = "redrivable"  # it may go on where it stopped
    OVER = "over"
    MISSING = "missing"


class Executions(Protocol):
    """The executions of runs, as an operator sees them."""

    def state(self, run_id: str) -> ExecutionState:
        """Return what has become of the run's execution."""

    def redrive(self, run_id: str) -> None:
        """Let the execution go on where it stopped."""

    def close(self, run_id: str) -> None:
        """End the record of a run whose execution is over, and wait up to a minute for that; an ended one stays."""


class Way(StrEnum):
    """How a run goes on."""

    STARTED = "started"  # it was recorded, and never started
    REDRIVEN = "redriven"  # its execution goes on where it stopped
    RERUN = "rerun"  # its file runs again, as a new run
    OVERTAKEN = "overtaken"  # Apple has something newer: it stays as it is
    TO_BE_MENDED = "to-be-mended"  # somebody must mend the connection first
    REFUSED = "refused"  # it cannot run again, for the reason of ``code``


@dataclass(frozen=True)
class Redriven:
    """What became of a run; ``rerun`` is the new run's id, ``closed`` tells that its record had to be ended first."""

    run: RunSummary
    way: Way
    rerun: str | None = None
    code: str | None = None
    closed: bool = False


@dataclass(frozen=True)
class Redriver:
    """Redrives as ``caller``, who is an operator; with ``dry`` it only tells what it would do.

    Step Functions redrives an execution from the state that failed. An execution of ours that failed as it should has
    recorded that and ended in a Fail state, which would fail again: its file runs again, as a new run. What is left for
    a redrive are executions that ended otherwise, while the record of their run is still open.
    """

    caller: Caller
    history: History
    executions: Executions
    dry: bool = False

    def all(self, since: datetime) -> Iterator[Redriven]:
        """Redrive what was received since then, the oldest first in a project; what was run again already is left."""
        accounts = self.history.changes.accounts
        for organization in accounts.organizations():
            for project in accounts.list(Project, organization.id):
                runs = self._runs(RunFilter(organization.id, project.id, since=since))
                again = {run.rerun_of for run in runs}
                yield from self._each([run for run in runs if run.id not in again], careful=True)

    def some(self, run_ids: Sequence[str]) -> Iterator[Redriven]:
        """Redrive these runs, also where a connection had to be mended; raises NotFoundError ``run-missing``."""
        found = [self.history.runs.peek(identity) for identity in run_ids]
        runs = [run for run in found if run]
        if len(runs) < len(found):
            raise NotFoundError("run-missing")
        yield from self._each(sorted(runs, key=lambda run: run.received_at), careful=False)

    def _runs(self, wanted: RunFilter) -> list[RunSummary]:
        runs: list[RunSummary] = []
        cursor = None
        while True:
            page = self.history.runs.page(wanted, limit=PAGE, cursor=cursor)
            runs += page.items
            cursor = page.cursor
            if cursor is None:
                return runs[::-1]

    def _each(self, runs: Sequence[RunSummary], *, careful: bool) -> Iterator[Redriven]:
        for run in runs:
            if not run.status.final:
                done = self._go_on(run, careful=careful)
            elif run.status is RunStatus.FAILED:
                done = self._again(run, careful=careful)
            else:
                done = None
            if done:
                yield done

    def _go_on(self, run: RunSummary, *, careful: bool) -> Redriven | None:
        state = self.executions.state(run.id)
        if state is ExecutionState.RUNNING:
            return None
        if state is ExecutionState.MISSING and run.status is RunStatus.RECEIVED:
            return self._start(run)
        if state is ExecutionState.REDRIVABLE:
            if not self.dry:
                self.executions.redrive(run.id)
            return Redriven(run, Way.REDRIVEN)
        if not self.dry:
            self.executions.close(run.id)
        return self._again(run, careful=careful, closed=True)

    def _start(self, run: RunSummary) -> Redriven | None:
        whole = self.history.runs.get(run.id)
        if whole is None:
            return None
        if not self.dry:
            self.history.workflow.start(whole.id, whole.source)
        return Redriven(run, Way.STARTED)

    def _again(self, run: RunSummary, *, careful: bool, closed: bool = False) -> Redriven:
        """Run a file again, unless Apple has got something newer: a rerun would put the older file in its place."""
        if careful and run.error in TO_BE_MENDED:
            return Redriven(run, Way.TO_BE_MENDED, code=run.error)
        whole = self.history.runs.get(run.id)
        sent = self.history.lanes.get(run.flow_id).sent
        if whole and sent and sent.position > position(whole):
            return Redriven(run, Way.OVERTAKEN, closed=closed)
        if self.dry:
            return Redriven(run, Way.RERUN, closed=closed)
        # two who redrive everything at once send no file twice; who names a run means it
        request = Request(key="redrive", user_id="operations", fingerprint=run.id) if careful else None
        try:
            rerun = self.history.rerun(self.caller, run.organization_id, run.id, request)
        except PermanentError as error:
            return Redriven(run, Way.REFUSED, code=error.code, closed=closed)
        return Redriven(run, Way.RERUN, rerun=rerun.id, closed=closed)
