from __future__ import annotations

from datetime import timedelta

import pytest

from rosterbridge.errors import ConflictError, ForbiddenError, InvalidRequestError, NotFoundError, TransientError
from rosterbridge.flows.erasing import Eraser, Erasures, Keeping
from rosterbridge.flows.models import Flow, ObjectRef, RunStatus
from rosterbridge.flows.notices import Notice
from rosterbridge.flows.notifying import Notifier
from tests.support import flows
from tests.support.fakes import (
    Calls,
    Failing,
    FakeBelongings,
    FakeErasureJob,
    FakeErasureStore,
    FakeExecutions,
    FakeNoticeStore,
    FakeNotifications,
)
from tests.support.use_cases import HOMES, OTHER, RUNS, UseCases

NAME, OTHER_NAME = "Springfield", "Shelbyville"
QUIET = timedelta(minutes=11)
KEEPING = Keeping(certificates=timedelta(days=400), logs=timedelta(days=90), quiet=QUIET)


class House(UseCases):
    """Two organizations, each with a project, a flow with its accounts, a run under way and one that has ended."""

    def __init__(self) -> None:
        super().__init__()
        self.store, self.job, self.executions = FakeErasureStore(), FakeErasureJob(), FakeExecutions()
        self.belongings = FakeBelongings(self.accounts, self.runs, self.lanes)
        self.mail = FakeNotifications()
        for mark, owner in (("1", flows.ORGANIZATION), ("2", OTHER)):
            self._furnish(mark, owner)
        self.ports = (
            *(self.accounts, self.audit, self.runs, self.objects, self.directory, self.executions),
            *(self.belongings, self.store, self.mail),
        )

    def _furnish(self, mark: str, owner: str) -> None:
        self.accounts.put(
            flows.project(id=f"project-{mark}", organization_id=owner),
            flows.file_account(id=f"fa-{mark}", organization_id=owner),
            flows.asm_account(id=f"asm-{mark}", organization_id=owner),
            flows.flow(
                id=f"flow-{mark}",
                organization_id=owner,
                project_id=f"project-{mark}",
                file_account_id=f"fa-{mark}",
                asm_account_id=f"asm-{mark}",
            ),
            flows.dry_run(id=f"dry-run-{mark}", organization_id=owner, flow_id=f"flow-{mark}"),
        )
        for status in (RunStatus.VALIDATING, RunStatus.SUCCEEDED):
            self.runs.create(
                flows.run(
                    id=f"{status.value}-{mark}",
                    organization_id=owner,
                    project_id=f"project-{mark}",
                    flow_id=f"flow-{mark}",
                    status=status,
                )
            )
            self._put(RUNS, f"runs/{status.value}-{mark}/source.zip", f"made/{status.value}-{mark}/errors.csv")
        self._put(RUNS, f"lanes/flow-{mark}/run/full-set.zip", f"dry-runs/{owner}/dry-run-{mark}/source.zip")
        self._put(HOMES, f"home/fa-{mark}/roster.zip", f"home/fa-{mark}/roster.zip")
        user = self.directory.create(f"{mark}@example.org", owner)
        self.directory.admit(user)

    def _put(self, bucket: str, *keys: str) -> None:
        for key in keys:
            self.objects.put(ObjectRef(bucket=bucket, key=key), b"roster")

    @property
    def erasures(self) -> Erasures:
        return Erasures(self.changes, self.store, self.job)

    @property
    def eraser(self) -> Eraser:
        return Eraser(*self.ports, HOMES, RUNS, KEEPING, lambda: self.now)  # type: ignore[arg-type]

    def begin(self) -> None:
        self.erasures.begin(flows.operator(), flows.ORGANIZATION, NAME)

    def work(self) -> None:
        """Work as the state machine does, until it is done."""
        for _ in range(10):
            to_come = self.eraser.go_on(flows.ORGANIZATION, lambda: True)
            if to_come == "done":
                return
            if to_come == "wait":
                self.now += QUIET
        raise AssertionError

    @property
    def left(self) -> set[str]:
        """What there is: things, runs, files, users, entries of the audit trail."""
        things = {key[2] for key in self.accounts._things}
        keys = {key for bucket in (HOMES, RUNS) for key in self.objects.keys(bucket)}
        users = {user.email for user in self.directory.known.values()}
        trail = {entry.organization_id for entry in self.audit.entries}
        return things | self.runs.runs.keys() | keys | users | trail


OTHERS = {
    *("project-2", "fa-2", "asm-2", "flow-2", OTHER, "validating-2", "succeeded-2", "2@example.org"),
    *("runs/validating-2/source.zip", "runs/succeeded-2/source.zip", "lanes/flow-2/run/full-set.zip"),
    *("dry-run-2", f"dry-runs/{OTHER}/dry-run-2/source.zip"),
    *("made/validating-2/errors.csv", "made/succeeded-2/errors.csv", "home/fa-2/roster.zip"),
}


def test_all_of_an_organization_is_erased_and_another_keeps_what_it_has() -> None:
    house = House()
    house.begin()

    house.work()

    assert house.left == OTHERS
    assert house.executions.stopped == ["validating-1"]
    assert house.belongings.closed == {flows.ORGANIZATION}
    assert [*house.belongings.usernames] == ["fa-1"]
    assert house.belongings.usernames["fa-1"]


def test_the_certificate_counts_what_was_erased_and_says_what_remains_until_when() -> None:
    house = House()
    house.begin()
    house.work()

    (certificate,) = house.erasures.list(flows.operator())

    assert certificate.counts == {
        "projects": 1,
        "file_accounts": 1,
        "asm_accounts": 1,
        "flows": 1,
        "dry_runs": 1,
        "dry_run_files": 1,
        "users": 1,
        "runs": 2,
        "run_files": 4,
        "lane_files": 1,
        "home_files": 2,
        "circuits": 1,
        "audit_entries": 1,
    }
    assert certificate.ended_at == house.now
    assert {name: (until - house.now).days for name, until in certificate.remains.items()} == {
        "messages": 14,
        "backups": 35,
        "executions": 90,
        "logs": 90,
        "certificate": 400,
    }
    assert NAME not in certificate.model_dump_json()


def test_nothing_is_removed_while_something_may_be_under_way() -> None:
    house = House()
    house.begin()

    assert house.eraser.go_on(flows.ORGANIZATION, lambda: True) == "wait"
    house.now += QUIET - timedelta(seconds=1)
    assert house.eraser.go_on(flows.ORGANIZATION, lambda: True) == "wait"
    assert {"validating-1", "home/fa-1/roster.zip", "flow-1"} <= house.left


def test_a_piece_ends_in_time_and_the_next_goes_on() -> None:
    house = House()
    house.begin()
    house.eraser.go_on(flows.ORGANIZATION, lambda: True)
    house.now += QUIET
    answers = iter([True, False])

    assert house.eraser.go_on(flows.ORGANIZATION, lambda: next(answers)) == "again"
    assert len({"validating-1", "succeeded-1"} & house.left) == 1
    house.work()
    assert house.left == OTHERS
    assert house.store.erasures[flows.ORGANIZATION].counts["runs"] == 2


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", range(0, 40, 3))
def test_work_that_breaks_at_any_point_is_ended_by_its_repeat(number: int, after: bool) -> None:
    house = House()
    house.begin()
    whole, calls = house.ports, Calls(number, TransientError("away"), after=after)
    house.ports = tuple(Failing(port, calls) for port in whole)  # type: ignore[assignment]

    with pytest.raises(TransientError):
        house.work()
    house.ports = whole
    house.work()

    assert house.left == OTHERS


def test_only_operators_erase_and_only_what_they_name() -> None:
    house = House()

    with pytest.raises(ForbiddenError, match="operators-only"):
        house.erasures.begin(flows.caller(), flows.ORGANIZATION, NAME)
    with pytest.raises(NotFoundError, match="organization-missing"):
        house.erasures.begin(flows.caller(), OTHER, OTHER_NAME)
    with pytest.raises(NotFoundError, match="organization-missing"):
        house.erasures.begin(flows.operator(), "district-3", NAME)
    with pytest.raises(InvalidRequestError, match="name-differs"):
        house.erasures.begin(flows.operator(), flows.ORGANIZATION, OTHER_NAME)
    assert (house.job.started, house.store.erasures) == ([], {})


def test_nothing_else_can_be_done_with_an_organization_that_is_being_erased_or_gone() -> None:
    house = House()
    house.erasures.check(flows.caller(), flows.ORGANIZATION)
    house.begin()

    for caller in (flows.caller(), flows.operator()):
        with pytest.raises(ConflictError, match="organization-erasing"):
            house.erasures.check(caller, flows.ORGANIZATION)
    house.erasures.check(flows.operator(), OTHER)
    house.erasures.check(flows.caller(), OTHER)  # is told nothing: refused elsewhere
    house.work()
    with pytest.raises(NotFoundError, match="organization-missing"):
        house.erasures.check(flows.caller(), flows.ORGANIZATION)


def test_asked_for_again_it_goes_on_and_once_it_has_ended_the_certificate_is_told() -> None:
    house = House()
    for _ in range(2):
        house.begin()
    assert house.job.started == [flows.ORGANIZATION] * 2
    assert house.told == [("erase", "organization", ("erasing_since",))]

    house.work()
    house.begin()

    assert len(house.job.started) == 2
    assert house.erasures.begin(flows.operator(), flows.ORGANIZATION, "").ended_at is not None


def test_nobody_but_operators_knows_of_erasures() -> None:
    house = House()
    house.begin()

    assert house.erasures.list(flows.caller()) == []
    assert [one.organization_id for one in house.erasures.list(flows.operator())] == [flows.ORGANIZATION]


def test_addresses_are_unsubscribed_unless_another_organization_names_them() -> None:
    house = House()
    shared, own = "shared@example.org", "own@example.org"
    house.accounts.put(
        flows.organization(notify=(shared, own)), flows.organization(id=OTHER, name=OTHER_NAME, notify=(shared,))
    )
    house.mail.subscribed = [shared, own]
    house.begin()
    house.work()

    assert house.mail.subscribed == [shared]
    assert house.store.erasures[flows.ORGANIZATION].counts["subscriptions"] == 1


def test_nobody_is_told_of_runs_that_are_stopped_for_it() -> None:
    house = House()
    house.accounts.put(flows.organization(notify=("own@example.org",)))
    house.begin()
    notifier = Notifier(house.accounts, FakeNoticeStore(house.accounts), house.mail, lambda: house.now)

    assert not notifier.send(flows.ORGANIZATION, "flow-1", "run-1#failed", Notice("failed", "Failed", "Failed."))
    assert house.mail.sent == []


def test_requests_of_its_users_go_and_of_operators_those_about_it() -> None:
    house = House()
    made = house.projects.create(flows.caller(), flows.ORGANIZATION, "Autumn")
    house.begin()
    house.work()

    assert house.belongings.asked == {"user-1": None, "operator-1": {flows.ORGANIZATION, made.id}}


def test_what_deleted_flows_and_accounts_left_is_found_by_the_audit_trail() -> None:
    house = House()
    for delete in (house.flows.delete, house.file_accounts.delete):
        delete(flows.caller(), flows.ORGANIZATION, "flow-1" if delete == house.flows.delete else "fa-1", 1)
    assert house.accounts.get(Flow, flows.ORGANIZATION, "flow-1") is None

    house.begin()
    house.work()

    assert house.left == OTHERS
    assert (house.accounts.homes, house.accounts.gone_lanes) == ({}, {})
    assert house.belongings.usernames == {"fa-1": None}


def test_who_was_invited_and_never_admitted_is_erased_too() -> None:
    house = House()
    invited = house.users.invite(flows.operator(), flows.ORGANIZATION, "late@example.org")
    house.directory.waiting.add(invited.id)

    house.begin()
    house.work()

    assert house.left == OTHERS
