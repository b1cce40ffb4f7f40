"""Held runs: who may decide, what is kept of it, and that it is decided once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from rosterbridge.errors import ConflictError, InvalidRequestError, NotFoundError
from rosterbridge.flows.access import Caller
from rosterbridge.flows.holding import supersede
from rosterbridge.flows.models import Accepted, Hold, Run, RunStatus
from rosterbridge.flows.step_work import Steps
from tests.support import flows
from tests.support.use_cases import OTHER, UseCases

OWN = (flows.caller(), flows.ORGANIZATION)


class Held(UseCases):
    """The use cases with one held run."""

    def __init__(self) -> None:
        super().__init__()
        hold = Hold(reasons=("too-many-removed",), sentence="Held.", since=flows.AT, until=flows.AT + timedelta(days=7))
        self.run = self.runs.create(flows.run(hold=hold, status=RunStatus.CONVERTING))
        self.runs.wait(self.run.id, "token")

    @property
    def hold(self) -> Hold:
        hold = self.stored.hold
        assert hold is not None
        return hold

    @property
    def stored(self) -> Run:
        run = self.runs.get(self.run.id)
        assert run is not None
        return run

    def decide(self, word: str) -> Callable[..., Run]:
        return self.holds.approve if word == "approved" else self.holds.reject

    def steps(self) -> Steps:
        return Steps(self.accounts, self.runs, self.objects, self.lanes, lambda: self.now)


@pytest.mark.parametrize(("word", "action"), [("approved", "approve"), ("rejected", "reject")])
def test_a_decision_is_kept_with_who_when_and_why_and_the_run_goes_on(word: str, action: str) -> None:
    held = Held()
    held.wait(hours=3)

    answer = held.decide(word)(*OWN, held.run.id, "  Leavers of this year.  ")

    assert answer == held.stored
    assert (held.hold.decision, held.hold.decided_by, held.hold.reason) == (word, "user-1", "Leavers of this year.")
    assert held.hold.decided_at == flows.AT + timedelta(hours=3)
    assert held.waiting.resumed == {"token": word}
    assert held.told == [(action, "run", ())]
    assert held.last.target_id == held.run.id


def test_what_a_rejected_run_brought_is_nothing_to_build_on() -> None:
    held = Held()
    held.lanes.accept(held.run.flow_id, Accepted(position="a", run_id=held.run.id))

    held.holds.reject(*OWN, held.run.id, "A half file.")

    assert held.lanes.get(held.run.flow_id).accepted is None


def test_the_first_decision_counts_and_its_repeat_wakes_the_run_once_more() -> None:
    held = Held()
    held.holds.approve(*OWN, held.run.id, "Right.")

    with pytest.raises(ConflictError, match="run-not-held"):
        held.holds.reject(*OWN, held.run.id, "Wrong.")
    held.waiting.resumed.clear()  # as if it had been lost
    held.holds.approve(*OWN, held.run.id, "Right.")

    assert held.waiting.resumed == {"token": "approved"}


def test_an_overtaken_run_can_be_approved_no_more() -> None:
    held = Held()
    supersede(held.steps(), held.waiting, held.run.id)

    with pytest.raises(ConflictError, match="run-not-held"):
        held.holds.approve(*OWN, held.run.id, "Right.")

    assert held.waiting.resumed == {"token": "superseded"}


def test_an_approved_run_is_not_overtaken_as_if_it_waited() -> None:
    held = Held()
    held.holds.approve(*OWN, held.run.id, "Right.")

    supersede(held.steps(), held.waiting, held.run.id)

    assert held.hold.decision == "approved"


def test_what_is_not_held_is_not_decided() -> None:
    held = Held()
    other = held.runs.create(flows.run(id="1" * 32))
    supersede(held.steps(), held.waiting, other.id)
    supersede(held.steps(), held.waiting, "2" * 32)
    held.runs.end(held.run.id, status=RunStatus.FAILED, ended_at=flows.AT)

    for run in (other, held.run):
        with pytest.raises(ConflictError, match="run-not-held"):
            held.holds.approve(*OWN, run.id, "Right.")

    assert held.waiting.resumed == {}
    assert held.told == []


@pytest.mark.parametrize("reason", ["", " ", "two\nlines", "x" * 501, "\x1b[31m"])
def test_a_reason_is_one_line(reason: str) -> None:
    held = Held()

    with pytest.raises(InvalidRequestError, match="reason-invalid"):
        held.holds.approve(*OWN, held.run.id, reason)

    assert held.hold.decision is None


def test_another_organization_finds_no_such_run() -> None:
    held = Held()
    stranger = flows.caller(organization_id=OTHER)

    with pytest.raises(NotFoundError, match="run-missing"):
        held.holds.approve(stranger, OTHER, held.run.id, "Right.")
    with pytest.raises(NotFoundError, match="organization-missing"):
        held.holds.approve(stranger, flows.ORGANIZATION, held.run.id, "Right.")

    assert held.hold.decision is None
    assert isinstance(stranger, Caller)
