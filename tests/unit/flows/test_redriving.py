"""What ended badly goes on, in the way that is right for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from rosterbridge.errors import NotFoundError
from rosterbridge.flows.lanes import position
from rosterbridge.flows.models import ObjectRef, Run, RunStatus, Sent
from rosterbridge.flows.redriving import TO_BE_MENDED, ExecutionState, Redriven, Redriver, Way
from tests.support import flows
from tests.support.use_cases import UseCases

FILE = b"what the school uploaded"
SINCE = flows.AT - timedelta(days=14)


class FakeExecutions:
    """Executions that are over, but for those whose state is named."""

    def __init__(self, world: UseCases) -> None:
        self.states: dict[str, ExecutionState] = {}
        self.redriven: list[str] = []
        self._world = world

    def state(self, run_id: str) -> ExecutionState:
        return self.states.get(run_id, ExecutionState.OVER)

    def redrive(self, run_id: str) -> None:
        self.redriven.append(run_id)

    def close(self, run_id: str) -> None:
        ended = {"status": RunStatus.FAILED, "ended_at": self._world.now, "error": "run-stopped"}
        self._world.runs.end(run_id, **ended)


class Night(UseCases):
    """A flow whose uploads ended in every way."""

    def __init__(self) -> None:
        super().__init__()
        self.accounts.put(
            flows.project(id="project-1"),
            flows.file_account(id="fa-1"),
            flows.asm_account(id="asm-1"),
            flows.flow(id="flow-1"),
        )
        self.executions = FakeExecutions(self)

    def add(self, status: RunStatus = RunStatus.FAILED, *, hours: float = 0, **changes: Any) -> Run:
        ended = {"ended_at": flows.AT, "error": "gave-up"} if status is RunStatus.FAILED else {}
        at = flows.AT + timedelta(hours=hours)
        run = self.runs.create(flows.run(**{"status": status, "received_at": at, **ended, **changes}))
        self.objects.put(run.source, FILE)
        return run

    def redriver(self, *, dry: bool = False) -> Redriver:
        return Redriver(flows.operator(), self.history, self.executions, dry)

    def all(self, *, dry: bool = False) -> list[Redriven]:
        return list(self.redriver(dry=dry).all(SINCE))

    def ways(self, *, dry: bool = False) -> list[tuple[str, Way]]:
        return [(done.run.id, done.way) for done in self.all(dry=dry)]

    def sent(self, run: Run) -> None:
        fingerprints = ObjectRef(bucket="runs", key="lanes/flow-1/fingerprints")
        place = {"position": position(run), "run_id": run.id}
        lane = self.lanes.get(run.flow_id)
        self.lanes.lanes[run.flow_id] = lane.model_copy(update={"sent": Sent(**place, fingerprints=fingerprints)})


def test_failed_runs_go_again_in_the_order_in_which_they_came() -> None:
    night = Night()
    second, first = night.add(hours=2), night.add(hours=1)

    done = night.all()

    assert [(one.run.id, one.way) for one in done] == [(first.id, Way.RERUN), (second.id, Way.RERUN)]
    for one, run in zip(done, (first, second), strict=True):
        again = night.runs.get(one.rerun or "")
        assert again is not None
        assert again.rerun_of == run.id
        assert night.objects.content(night.workflow.started[again.id]) == FILE


def test_what_ended_well_and_what_is_under_way_is_left_alone() -> None:
    night = Night()
    for status in (RunStatus.SUCCEEDED, RunStatus.REJECTED, RunStatus.SUPERSEDED):
        night.add(status, ended_at=flows.AT)
    for status in (RunStatus.VALIDATING, RunStatus.HELD):
        night.executions.states[night.add(status).id] = ExecutionState.RUNNING

    assert night.all() == []


def test_a_failed_run_that_something_newer_has_overtaken_stays_as_it_is() -> None:
    night = Night()
    old = night.add()
    night.sent(night.add(RunStatus.SUCCEEDED, hours=24, ended_at=flows.AT))

    assert night.ways() == [(old.id, Way.OVERTAKEN)]
    assert night.workflow.started == {}


@pytest.mark.parametrize("code", sorted(TO_BE_MENDED))
def test_no_password_is_tried_again_before_somebody_has_mended_the_connection(code: str) -> None:
    night = Night()
    run = night.add(error=code)

    assert night.ways() == [(run.id, Way.TO_BE_MENDED)]
    assert [one.way for one in night.redriver().some([run.id])] == [Way.RERUN]


def test_a_run_is_redriven_once_however_often_the_command_is_given() -> None:
    night = Night()
    night.add()
    (done,) = night.all()
    night.executions.states[done.rerun or ""] = ExecutionState.RUNNING

    assert night.all() == []
    assert len(night.workflow.started) == 1


def test_an_execution_that_stopped_before_its_run_was_closed_goes_on_where_it_stopped() -> None:
    night = Night()
    run = night.add(RunStatus.FORWARDING)
    night.executions.states[run.id] = ExecutionState.REDRIVABLE

    assert night.ways() == [(run.id, Way.REDRIVEN)]
    assert night.executions.redriven == [run.id]


@pytest.mark.parametrize("state", [ExecutionState.OVER, ExecutionState.MISSING])
def test_a_run_whose_execution_is_gone_is_closed_and_its_file_runs_again(state: ExecutionState) -> None:
    night = Night()
    run = night.add(RunStatus.FORWARDING)
    night.executions.states[run.id] = state

    (done,) = night.all()

    assert (done.way, done.closed) == (Way.RERUN, True)
    closed = night.runs.get(run.id)
    assert closed is not None
    assert (closed.status, closed.error) == (RunStatus.FAILED, "run-stopped")


def test_a_run_that_was_recorded_and_never_started_is_started() -> None:
    night = Night()
    run = night.add(RunStatus.RECEIVED)
    night.executions.states[run.id] = ExecutionState.MISSING

    assert night.ways() == [(run.id, Way.STARTED)]
    assert night.workflow.started == {run.id: run.source}


def test_a_run_that_cannot_run_again_says_why() -> None:
    night = Night()
    run = night.add()
    night.objects.erase(run.source)

    (done,) = night.all()

    assert (done.way, done.code) == (Way.REFUSED, "data-expired")


def test_a_rehearsal_says_the_same_and_changes_nothing() -> None:
    night = Night()
    night.add()
    stopped, gone = night.add(RunStatus.FORWARDING, hours=1), night.add(RunStatus.VALIDATING, hours=2)
    night.executions.states[stopped.id] = ExecutionState.REDRIVABLE
    before = dict(night.runs.runs)

    rehearsed = night.ways(dry=True)

    assert (night.runs.runs, night.workflow.started, night.executions.redriven) == (before, {}, [])
    assert rehearsed == night.ways()
    assert gone.id in dict(rehearsed)


def test_a_run_that_nobody_knows_is_told() -> None:
    with pytest.raises(NotFoundError, match="run-missing"):
        list(Night().redriver().some(["0" * 32]))


def test_the_audit_trail_tells_who_redrove() -> None:
    night = Night()
    night.add()

    night.all()

    assert (night.last.action, night.last.actor) == ("rerun", flows.operator().user_id)
