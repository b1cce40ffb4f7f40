from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from rosterbridge.errors import TransientError
from rosterbridge.flows.models import Flow, Hold, Run, RunStatus
from rosterbridge.flows.notice_ports import Notice, Watch
from rosterbridge.flows.notices import Places, run_notice
from rosterbridge.flows.notifying import Notifier, OutcomeTeller, UploadWatch, last_due
from rosterbridge.flows.result_files import ResultFiles
from tests.support import flows
from tests.support.fakes import (
    Calls,
    Failing,
    FakeAccountStore,
    FakeNoticeStore,
    FakeNotifications,
    FakeObjectStore,
    FakeRunStore,
)
from tests.support.use_cases import UseCases

ADDRESSES = ("rosters@example.org", "it@example.org")
PLANTED = "Petra Planted"


class Office:
    """One organization with two addresses, a flow ``flow-1``, and a clock."""

    def __init__(self, **changes: Any) -> None:
        self.now = flows.AT
        self.accounts, self.runs, self.objects = FakeAccountStore(), FakeRunStore(), FakeObjectStore()
        self.accounts.put(
            flows.organization(notify=ADDRESSES),
            flows.file_account(id="fa-1"),
            flows.flow(id="flow-1", file_account_id="fa-1", name="Nightly roster", **changes),
        )
        self.mail = FakeNotifications()
        self.notices = FakeNoticeStore(self.accounts)
        self.counted: list[Run] = []

    @property
    def clock(self) -> Callable[[], datetime]:
        return lambda: self.now

    def notifier(self, way: FakeNotifications | None) -> Notifier:
        return Notifier(self.accounts, self.notices, way, self.clock)

    def tell(self, run: Run, *, by: Notifier | None = None, objects: Any = None) -> bool:
        self.runs.runs[run.id] = run
        results = ResultFiles(self.accounts, objects or self.objects, "homes")
        teller = OutcomeTeller(self.runs, results, by or self.notifier(self.mail), Places(), self.counted.append)
        return teller.tell(run.id)

    @property
    def subjects(self) -> list[str]:
        return [notice.subject for _, notice in self.mail.sent]


def ended(status: RunStatus, **changes: Any) -> Run:
    values: dict[str, Any] = {
        "flow_id": "flow-1",
        "flow_name": "Nightly roster",
        "file_account_id": "fa-1",
        "file_name": f"{PLANTED}.zip",
        "status": status,
        "ended_at": flows.AT,
        "summary": f"users.csv: {PLANTED} has no id.",
    }
    return flows.run(**{**values, **changes})


def held(**changes: Any) -> Run:
    sentence = "Held: 31 students would be deactivated. Approve or reject it."
    until = flows.AT + timedelta(days=7)
    hold = Hold(reasons=("too-many-removed",), sentence=sentence, since=flows.AT, until=until)
    return ended(RunStatus.HELD, ended_at=None, hold=hold, **changes)


def told(run: Run, console: str = "") -> Notice:
    notice = run_notice(run, Places(console))
    assert notice is not None
    return notice


def test_a_rejected_upload_is_told_with_the_next_step_and_the_place() -> None:
    office, run = Office(), ended(RunStatus.REJECTED)

    assert office.tell(run)

    ((addresses, notice),) = office.mail.sent
    assert addresses == ADDRESSES
    assert notice.subject == "Rosterbridge: an upload was rejected"
    assert notice.text == (
        'The upload of 2026-10-01 06:30 UTC to the flow "Nightly roster" was rejected: nothing of it was sent to Apple '
        "School Manager.\n\nIts report names each error with file, line and mend: mend them in the SIS and upload "
        f"again.\n\nrosterbridge runs show {run.id}\n"
    )
    assert any(key.startswith("home/fa-1/reports/") for key in office.objects.keys("homes"))


def test_with_a_console_the_place_is_a_link() -> None:
    assert told(ended(RunStatus.REJECTED, id="r1"), "https://console.example").text.endswith(
        "\n\nhttps://console.example/runs/r1\n"
    )


@pytest.mark.parametrize(
    ("run", "kind", "said"),
    [
        (ended(RunStatus.FAILED, error="asm-sign-in-refused"), "failed", "get a new password in Apple School Manager"),
        (ended(RunStatus.FAILED, error="a-new-code"), "failed", "tell your operator"),
        (ended(RunStatus.FAILED, error="asm-host-key-refused"), "host-key", "check with Apple before you accept"),
        (ended(RunStatus.REJECTED, error="flow-switched-off"), "rejected", "Switch it on and upload again."),
        (ended(RunStatus.SUPERSEDED, error="run-overtaken"), "superseded", "Nothing is to be done as long as"),
        (held(), "held", "31 students would be deactivated. Approve or reject it. It waits until 2026-10-08 06:30 UTC"),
    ],
)
def test_each_trouble_has_its_notice_without_a_word_of_the_file(run: Run, kind: str, said: str) -> None:
    notice = told(run)

    assert notice.kind == kind
    assert said in notice.text
    assert PLANTED not in notice.text + notice.subject
    assert notice.subject.isascii()


@pytest.mark.parametrize("status", [RunStatus.SUCCEEDED, RunStatus.FORWARDING, RunStatus.RECEIVED])
def test_what_goes_well_or_is_under_way_is_told_by_no_mail(status: RunStatus) -> None:
    office = Office()

    assert not office.tell(ended(status))

    assert office.mail.sent == []
    assert bool(office.objects.keys("homes")) is (status is RunStatus.SUCCEEDED)


def test_the_same_outcome_is_told_once_however_often_it_comes() -> None:
    office, run = Office(), ended(RunStatus.FAILED, error="asm-unreachable")

    office.tell(run)
    office.now += timedelta(hours=2)
    office.tell(run)

    assert len(office.mail.sent) == 1


def test_of_one_kind_of_trouble_one_notice_an_hour_is_sent() -> None:
    office = Office()
    for _ in range(50):
        office.tell(ended(RunStatus.REJECTED))
        office.now += timedelta(minutes=1)
    office.tell(held())
    office.now += timedelta(minutes=10)
    office.tell(ended(RunStatus.REJECTED))

    assert office.subjects == [
        "Rosterbridge: an upload was rejected",
        "Rosterbridge: an upload waits for your approval",
        "Rosterbridge: an upload was rejected",
    ]


def test_a_notice_that_could_not_be_sent_is_sent_by_the_next_try() -> None:
    office, run = Office(), ended(RunStatus.REJECTED)
    office.mail.error = TransientError("aws-refused", "planted")

    with pytest.raises(TransientError):
        office.tell(run)
    office.mail.error = None

    assert office.tell(run)
    assert len(office.mail.sent) == 1


def test_a_home_that_cannot_be_written_keeps_nobody_from_being_told() -> None:
    office, run = Office(), ended(RunStatus.REJECTED)
    broken = Failing(office.objects, Calls(0, TransientError("aws-refused", "planted")))

    with pytest.raises(TransientError):
        office.tell(run, objects=broken)

    assert len(office.mail.sent) == 1
    assert not office.tell(run)
    assert office.objects.keys("homes") != []


def test_where_nobody_is_to_be_told_the_results_are_written_all_the_same() -> None:
    office = Office()
    office.tell(ended(RunStatus.REJECTED), by=office.notifier(None))
    office.accounts.put(flows.organization(notify=()))

    assert not office.tell(ended(RunStatus.REJECTED))
    assert office.mail.sent == []
    assert len(office.objects.keys("homes")) == 4


class Watched(UseCases):
    """The use cases with a flow that expects an upload by 06:00 in Berlin, created the evening before."""

    def __init__(self) -> None:
        super().__init__()
        self.now = datetime(2026, 10, 1, 18, 0, tzinfo=UTC)
        project, file_account, asm_account = flows.project(), flows.file_account(), flows.asm_account()
        self.accounts.put(flows.organization(notify=ADDRESSES), project, file_account, asm_account)
        new = flows.new_flow(
            project_id=project.id,
            file_account=file_account.id,
            asm_account=asm_account.id,
            expected_by="06:00",
            time_zone="Europe/Berlin",
        )
        self.flow: Flow = self.flows.create(flows.caller(), flows.ORGANIZATION, new).flow
        self.mail = FakeNotifications()
        self.notices = FakeNoticeStore(self.accounts)
        self.missing = 0

    def check(self, accounts: Any = None) -> int:
        notifier = Notifier(self.accounts, self.notices, self.mail, lambda: self.now)
        accounts = accounts or self.accounts
        watch = UploadWatch(accounts, self.runs, self.notices, notifier, Places(), lambda: self.now, self.miss)
        return watch.check()

    def miss(self) -> None:
        self.missing += 1

    def check_at(self, *at: int) -> int:
        self.now = datetime(*at, tzinfo=UTC)  # type: ignore[arg-type,misc]
        return self.check()

    def receive(self, at: datetime) -> None:
        run = flows.run(project_id=self.flow.project_id, flow_id=self.flow.id, received_at=at)
        self.runs.create(run)

    def update(self, **changes: Any) -> None:
        self.flow = self.flows.update(flows.caller(), flows.ORGANIZATION, self.flow.id, self.flow.version, **changes)


def test_each_outcome_is_counted_once_it_is_told() -> None:
    office = Office()
    office.mail.error = TransientError("aws-refused", "planted")

    with pytest.raises(TransientError):
        office.tell(ended(RunStatus.FAILED))
    assert office.counted == []
    office.mail.error = None
    office.tell(ended(RunStatus.FAILED, id="r1"))
    office.tell(ended(RunStatus.SUCCEEDED, id="r2"))
    office.tell(ended(RunStatus.FORWARDING, id="r3"))

    assert [run.id for run in office.counted] == ["r1", "r2"]


def test_a_run_is_on_the_list_of_those_that_wait_until_it_has_ended() -> None:
    office, run = Office(), held(id="r1")

    office.tell(run)
    assert [noted.run_id for noted in office.notices.held(flows.AT)] == ["r1"]
    office.tell(run.model_copy(update={"status": RunStatus.SUCCEEDED, "ended_at": flows.AT}))

    assert office.notices.held(flows.AT) == []


def test_a_missing_upload_is_counted_once_a_day_though_nobody_is_told() -> None:
    watched = Watched()
    watched.accounts.put(flows.organization(notify=()))

    told = [watched.check_at(2026, 10, day, hour, 0) for day, hour in ((2, 4), (2, 5), (3, 4))]

    assert (told, watched.missing) == ([0, 0, 0], 2)


def test_an_upload_that_does_not_come_is_told_once_a_day() -> None:
    watched = Watched()

    assert watched.check_at(2026, 10, 2, 3, 59) == 0  # 05:59 in Berlin
    assert watched.check_at(2026, 10, 2, 4, 0) == 1
    assert watched.check_at(2026, 10, 2, 4, 5) == 0
    assert watched.check_at(2026, 10, 2, 21, 55) == 0
    assert watched.check_at(2026, 10, 3, 3, 55) == 0
    assert watched.check_at(2026, 10, 3, 4, 0) == 1

    (first, second) = (notice.text for _, notice in watched.mail.sent)
    assert f'No upload to the flow "{watched.flow.name}" came by 06:00 (Europe/Berlin) on 2026-10-02.' in first
    assert "on 2026-10-03." in second
    assert f"rosterbridge runs list --flow {watched.flow.id}" in first


def test_an_upload_since_local_midnight_is_in_time() -> None:
    watched = Watched()
    watched.receive(datetime(2026, 10, 1, 22, 0, tzinfo=UTC))  # midnight in Berlin

    assert watched.check_at(2026, 10, 2, 4, 0) == 0

    watched.receive(datetime(2026, 10, 2, 21, 59, tzinfo=UTC))  # the evening before the next day
    assert watched.check_at(2026, 10, 3, 4, 0) == 1


def test_a_flow_that_is_off_gone_or_expects_nothing_is_not_watched() -> None:
    for change in ({"enabled": False}, {"expected_by": ""}):
        watched = Watched()
        watched.update(**change)
        assert watched.notices.watches() == []
    watched = Watched()
    watched.flows.delete(flows.caller(), flows.ORGANIZATION, watched.flow.id, watched.flow.version)
    assert watched.notices.watches() == []


def test_a_time_that_was_over_when_it_was_chosen_counts_from_the_next_day() -> None:
    watched = Watched()
    watched.now = datetime(2026, 10, 2, 3, 0, tzinfo=UTC)
    watched.update(expected_by="04:00")  # it is 05:00 in Berlin

    assert watched.check_at(2026, 10, 2, 3, 5) == 0
    assert watched.check_at(2026, 10, 3, 2, 0) == 1


def test_a_change_of_the_flow_after_the_notice_makes_no_second_one() -> None:
    watched = Watched()
    watched.check_at(2026, 10, 2, 4, 0)
    watched.now = datetime(2026, 10, 2, 5, 0, tzinfo=UTC)
    watched.update(expected_by="08:00")

    assert watched.check_at(2026, 10, 2, 6, 0) == 0


def test_what_fails_is_judged_by_the_next_check() -> None:
    watched = Watched()
    watched.now = datetime(2026, 10, 2, 4, 0, tzinfo=UTC)
    broken = Failing(watched.accounts, Calls(0, TransientError("aws-refused", "planted")))

    with pytest.raises(TransientError):
        watched.check(broken)

    assert watched.check_at(2026, 10, 2, 4, 5) == 1


@pytest.mark.parametrize(
    ("zone", "by", "now", "day", "due"),
    [
        ("Europe/Berlin", "06:00", "2026-10-02T04:00", "2026-10-02", "2026-10-02T04:00"),
        ("Europe/Berlin", "06:00", "2026-10-02T03:59", "2026-10-01", "2026-10-01T04:00"),
        ("Europe/Berlin", "23:58", "2026-10-02T22:03", "2026-10-02", "2026-10-02T21:58"),  # seen after midnight
        ("Europe/Berlin", "02:30", "2026-03-29T02:00", "2026-03-29", "2026-03-29T01:30"),  # this time does not exist
        ("Pacific/Auckland", "07:00", "2026-10-01T18:00", "2026-10-02", "2026-10-01T18:00"),
        ("America/Los_Angeles", "05:00", "2026-10-02T11:00", "2026-10-01", "2026-10-01T12:00"),
    ],
)
def test_the_last_day_that_is_due_is_found_in_the_time_zone_of_the_flow(
    zone: str, by: str, now: str, day: str, due: str
) -> None:
    watch = Watch("flow-1", flows.ORGANIZATION, zone, by, flows.AT)

    found = last_due(watch, datetime.fromisoformat(now).replace(tzinfo=UTC))

    assert (found[0], found[1].astimezone(UTC)) == (
        date.fromisoformat(day),
        datetime.fromisoformat(due).replace(tzinfo=UTC),
    )
