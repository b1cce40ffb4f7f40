from __future__ import annotations

from typing import Any

import pytest

from rosterbridge.errors import PermanentError, TransientError
from rosterbridge.flows.models import FileAccount, ObjectRef, Run, RunStatus
from rosterbridge.flows.sweeping import Sweeper, Swept
from tests.support import flows
from tests.support.fakes import Calls, Failing, FakeObjectStore
from tests.support.use_cases import HOMES, RUNS, UseCases

OWN = (flows.caller(), flows.ORGANIZATION)


class House(UseCases):
    """The use cases with two deleted file accounts and one that stays, each with files at home."""

    def __init__(self) -> None:
        super().__init__()
        for identity in ("fa-1", "fa-2", "fa-10"):
            account = flows.file_account(id=identity)
            self.accounts.put(account)
            for name in ("a.zip", "b/c.zip"):
                self.objects.put(ObjectRef(bucket=HOMES, key=f"home/{identity}/{name}"), b"roster")
        self.objects.put(ObjectRef(bucket=HOMES, key="home/fa-1/a.zip"), b"another version")
        for identity in ("fa-1", "fa-2"):
            self.file_accounts.delete(*OWN, identity, 1)

    def note(self, **changes: Any) -> Run:
        """Note a run that is about to start, and record it."""
        run = self.runs.create(flows.run(**changes))
        self.accounts.note_start(run.id, self.now)
        return run


def test_homes_stay_until_the_grace_is_over() -> None:
    house = House()
    house.wait(days=7, microseconds=-1)

    assert house.sweeper.sweep() == Swept(0, 0, 0, 0)
    assert len(house.objects.keys(HOMES)) == 6


def test_homes_of_deleted_accounts_are_removed_with_every_version_and_no_other() -> None:
    house = House()
    house.wait(days=7)

    assert house.sweeper.sweep() == Swept(homes=2, lanes=0, files=5, runs=0)
    assert house.objects.keys(HOMES) == ["home/fa-10/a.zip", "home/fa-10/b/c.zip"]
    assert house.accounts.get(FileAccount, flows.ORGANIZATION, "fa-10") is not None
    assert house.sweeper.sweep() == Swept(0, 0, 0, 0)


@pytest.mark.parametrize("number", range(9))
@pytest.mark.parametrize("after", [False, True])
def test_a_sweep_that_breaks_at_any_point_is_finished_by_the_next(number: int, after: bool) -> None:
    house = House()
    run = house.note()
    house.wait(days=7)
    calls = Calls(number, TransientError("away"), after=after)
    ports = (house.accounts, house.objects, house.runs, house.lanes, house.workflow)
    failing = Sweeper(*(Failing(port, calls) for port in ports), HOMES, RUNS, lambda: house.now)

    with pytest.raises(TransientError):
        failing.sweep()
    house.sweeper.sweep()

    assert house.objects.keys(HOMES) == ["home/fa-10/a.zip", "home/fa-10/b/c.zip"]
    assert house.accounts.due_homes(house.now) == []
    assert house.workflow.started == {run.id: run.source}
    assert house.accounts.starts == {}


def test_a_home_that_cannot_be_emptied_holds_up_nothing_else_and_is_told_at_the_end() -> None:
    house = House()
    run = house.note()
    house.wait(days=7)

    class Stuck(FakeObjectStore):
        def empty(self, bucket: str, prefix: str) -> int:
            if prefix == "home/fa-1/":
                raise PermanentError("aws-refused", "s3 DeleteObjects")
            return house.objects.empty(bucket, prefix)

    sweeper = Sweeper(house.accounts, Stuck(), house.runs, house.lanes, house.workflow, HOMES, RUNS, lambda: house.now)
    with pytest.raises(PermanentError, match="DeleteObjects"):
        sweeper.sweep()

    assert house.accounts.due_homes(house.now) == ["fa-1"]
    assert {key.split("/")[1] for key in house.objects.keys(HOMES)} == {"fa-1", "fa-10"}
    assert house.workflow.started == {run.id: run.source}


def test_a_run_that_was_recorded_and_not_started_is_started_after_a_quarter_of_an_hour() -> None:
    house = House()
    run = house.note()
    house.wait(minutes=15, microseconds=-1)
    assert house.sweeper.sweep().runs == 0
    assert house.workflow.started == {}

    house.wait(microseconds=1)

    assert house.sweeper.sweep().runs == 1
    assert house.sweeper.sweep().runs == 0
    assert house.workflow.started == {run.id: run.source}


@pytest.mark.parametrize("status", [status for status in RunStatus if status is not RunStatus.RECEIVED])
def test_a_run_that_has_gone_on_is_not_started_again(status: RunStatus) -> None:
    house = House()
    house.note(status=status)
    house.wait(hours=1)

    assert house.sweeper.sweep().runs == 0
    assert house.workflow.asked == {}
    assert house.accounts.starts == {}


def test_a_note_of_a_run_that_was_never_recorded_is_forgotten() -> None:
    house = House()
    house.accounts.note_start("0" * 32, house.now)
    house.wait(hours=1)

    assert house.sweeper.sweep().runs == 0
    assert house.accounts.starts == {}
