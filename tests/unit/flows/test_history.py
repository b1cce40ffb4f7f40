from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from rosterbridge.errors import ConflictError, InvalidRequestError, NotFoundError, TransientError
from rosterbridge.flows.access import Caller
from rosterbridge.flows.changes import Changes
from rosterbridge.flows.history import History, rerun_id
from rosterbridge.flows.models import ObjectRef, Run, RunStatus
from rosterbridge.flows.ports import RunFilter
from rosterbridge.roster.documents import report_to_json
from rosterbridge.roster.report import Entry, Report
from tests.support import flows
from tests.support.fakes import Calls, Failing
from tests.support.use_cases import KEEP, OTHER, RUNS, UseCases, request

CALLER = flows.caller()
OWN = (CALLER, flows.ORGANIZATION)
CONTENT = b"what the school uploaded"
REPORT = Report(
    accepted=False,
    format="oneroster-1.1",
    summary="Rejected.",
    entries=(Entry("missing-file", "error", "orgs.csv is missing.", "Add it.", file="orgs.csv"),),
)


class Archive(UseCases):
    """The use cases with one flow and one run of it that has ended."""

    def __init__(self, *, save_data: bool = False, **run: Any) -> None:
        super().__init__()
        self.accounts.put(
            flows.project(id="project-1", save_data=save_data),
            flows.file_account(id="fa-1"),
            flows.asm_account(id="asm-1"),
            flows.flow(id="flow-1"),
        )
        self.run = self.add(**{"status": RunStatus.SUCCEEDED, **run})
        self.objects.put(self.run.source, CONTENT)

    def add(self, **changes: Any) -> Run:
        return self.runs.create(flows.run(**changes))

    def with_report(self, report: Report = REPORT) -> None:
        stored = ObjectRef(bucket=RUNS, key=f"runs/{self.run.id}/report.json")
        self.objects.put_text(report_to_json(report), stored)
        self.runs.end(self.run.id, report=stored)

    def rerun(self, **changes: Any) -> Run:
        return self.history.rerun(*OWN, self.run.id, **changes)


def wanted(**changes: Any) -> RunFilter:
    return RunFilter(**{"organization_id": flows.ORGANIZATION, "project_id": "project-1", **changes})


def test_the_history_of_a_project_is_paged_newest_first() -> None:
    archive = Archive()
    ids = [archive.add(received_at=flows.AT + timedelta(hours=hours)).id for hours in (1, 2, 3)]
    archive.add(project_id="project-2", received_at=flows.AT + timedelta(hours=4))

    first = archive.history.page(CALLER, wanted(), limit=2)
    second = archive.history.page(CALLER, wanted(), limit=2, cursor=first.cursor)

    assert [run.id for run in (*first.items, *second.items)] == [*reversed(ids), archive.run.id]
    assert second.cursor is None


def test_the_history_is_filtered() -> None:
    archive = Archive()
    failed = archive.add(status=RunStatus.FAILED, flow_id="flow-2")

    assert [run.id for run in archive.history.page(CALLER, wanted(flow_id="flow-2")).items] == [failed.id]
    assert [run.id for run in archive.history.page(CALLER, wanted(status=RunStatus.SUCCEEDED)).items] == [
        archive.run.id
    ]


@pytest.mark.parametrize("limit", [0, -1, 101])
def test_a_page_of_no_run_or_too_many_is_refused(limit: int) -> None:
    archive = Archive()

    assert archive.history.page(CALLER, wanted(), limit=100).items
    with pytest.raises(InvalidRequestError, match="limit-invalid") as refused:
        archive.history.page(CALLER, wanted(), limit=limit)
    assert refused.value.field == "limit"


def test_the_history_of_another_organization_is_not_there() -> None:
    archive = Archive()

    for caller, changes, code in (
        (CALLER, {"organization_id": OTHER}, "organization-missing"),
        (flows.caller(organization_id=OTHER), {"organization_id": OTHER}, "project-missing"),
        (CALLER, {"project_id": "project-2"}, "project-missing"),
    ):
        with pytest.raises(NotFoundError, match=code):
            archive.history.page(caller, wanted(**changes))


def test_a_run_is_shown_with_its_steps_and_its_status_without() -> None:
    archive = Archive()

    assert archive.history.get(*OWN, archive.run.id) == archive.run
    status = archive.history.status(*OWN, archive.run.id)
    assert (status.id, status.status) == (archive.run.id, RunStatus.SUCCEEDED)
    assert not hasattr(status, "steps")


def test_what_is_saved_of_a_step_is_shown_as_long_as_the_runs_files_are_kept() -> None:
    archive = Archive(save_data=True)
    run = archive.rerun()

    (stored,) = archive.runs.runs[run.id].steps
    assert (stored.request, stored.response, stored.saved) == ({}, {}, True)
    shown = archive.history.get(*OWN, run.id)
    assert shown == run
    assert shown.steps[0].request["method"] == "rerun"
    assert shown.steps[0].response == {"target": f"runs/{run.id}/source.zip", "bytes": 4711}
    archive.objects.empty(RUNS, f"runs/{run.id}/")
    assert archive.history.get(*OWN, run.id) == archive.runs.get(run.id)


def test_a_run_of_which_nothing_is_saved_is_shown_by_its_record_alone() -> None:
    archive, calls = Archive(), Calls(None, TransientError("away"))

    with_crashes(archive, calls).get(*OWN, archive.run.id)

    assert calls.names == ["get"]


def test_a_run_knows_the_one_before_and_the_one_after() -> None:
    archive = Archive()
    later = archive.add(received_at=flows.AT + timedelta(hours=1))

    assert archive.history.neighbours(*OWN, archive.run.id) == (None, later.id)
    assert archive.history.neighbours(*OWN, later.id) == (archive.run.id, None)


def test_the_report_is_read_again() -> None:
    archive = Archive()
    archive.with_report()

    assert archive.history.report(*OWN, archive.run.id) == REPORT


def test_a_report_that_is_not_there_yet_or_any_more_says_so() -> None:
    archive = Archive()
    with pytest.raises(NotFoundError, match="report-missing"):
        archive.history.report(*OWN, archive.run.id)

    archive.with_report()
    archive.objects.empty(RUNS, "runs/")

    with pytest.raises(NotFoundError, match="report-missing"):
        archive.history.report(*OWN, archive.run.id)
    with pytest.raises(NotFoundError, match="report-missing"):
        archive.history.download(*OWN, archive.run.id, "errors")


def test_each_file_of_a_run_is_linked_for_five_minutes_under_a_name_of_its_own() -> None:
    archive = Archive()
    archive.with_report()
    for what, name in (("result", "result.zip"), ("provenance", "provenance.csv.gz")):
        ref = ObjectRef(bucket=RUNS, key=f"runs/{archive.run.id}/{name}")
        archive.objects.put(ref, what.encode())
        archive.runs.end(archive.run.id, **{what: ref})

    links = {}
    for what in ("source", "result", "errors", "provenance"):
        found = archive.history.download(*OWN, archive.run.id, what)
        assert found.expires_at == flows.AT + timedelta(minutes=5)
        links[what] = archive.objects.links[found.url]

    identity = archive.run.id
    assert {what: (ref.key, name, seconds) for what, (ref, name, seconds) in links.items()} == {
        "source": (f"runs/{identity}/source.zip", "roster.zip", 300),
        "result": (f"runs/{identity}/result.zip", f"rosterbridge-{identity}.zip", 300),
        "errors": (f"made/{identity}/errors.csv", f"errors-{identity}.csv", 300),
        "provenance": (f"runs/{identity}/provenance.csv.gz", f"provenance-{identity}.csv.gz", 300),
    }


def test_the_errors_are_a_csv_that_is_made_once() -> None:
    archive = Archive()
    archive.with_report()
    archive.history.download(*OWN, archive.run.id, "errors")
    stored = ObjectRef(bucket=RUNS, key=f"made/{archive.run.id}/errors.csv")
    content = archive.objects.content(stored)
    archive.with_report(Report(accepted=True, format="asm", summary="Fine."))

    archive.history.download(*OWN, archive.run.id, "errors")

    assert content.decode("utf-8-sig").splitlines() == [
        "code,severity,file,line,column,message,mend",
        "missing-file,error,orgs.csv,,,orgs.csv is missing.,Add it.",
    ]
    assert content.startswith(b"\xef\xbb\xbf")
    assert archive.objects.content(stored) == content


def test_the_errors_are_made_again_when_they_are_gone_but_not_without_the_report() -> None:
    archive = Archive()
    archive.with_report()
    stored = ObjectRef(bucket=RUNS, key=f"made/{archive.run.id}/errors.csv")
    archive.history.download(*OWN, archive.run.id, "errors")
    archive.objects.empty(RUNS, "made/")

    archive.history.download(*OWN, archive.run.id, "errors")

    assert archive.objects.exists(stored)
    archive.objects.empty(RUNS, "runs/")
    with pytest.raises(NotFoundError, match="report-missing"):
        archive.history.download(*OWN, archive.run.id, "errors")


def test_a_file_that_was_never_made_or_has_expired_says_so() -> None:
    archive = Archive()
    archive.objects.empty(RUNS, "runs/")

    for what in ("source", "result", "provenance"):
        with pytest.raises(NotFoundError, match="file-missing"):
            archive.history.download(*OWN, archive.run.id, what)
    assert archive.objects.links == {}


def test_a_rerun_is_a_run_of_the_same_file_with_todays_flow() -> None:
    archive = Archive()
    flow = archive.flows.update(*OWN, "flow-1", 1, name="Renamed")
    archive.wait(days=2)

    run = archive.rerun()

    assert (run.status, run.rerun_of, run.flow_id, run.flow_name) == (
        RunStatus.RECEIVED,
        archive.run.id,
        flow.id,
        "Renamed",
    )
    assert (run.file_name, run.file_bytes, run.project_id) == ("roster.zip", 4711, "project-1")
    assert (run.received_at, run.expires_at) == (archive.now, archive.now + KEEP)
    assert run.id != archive.run.id
    assert re.fullmatch(r"[0-9a-f]{32}", run.id)
    assert run.source == ObjectRef(bucket=RUNS, key=f"runs/{run.id}/source.zip")
    assert archive.objects.content(run.source) == CONTENT == archive.objects.content(archive.run.source)
    assert archive.workflow.started == {run.id: run.source}
    assert archive.runs.get(run.id) == run
    assert archive.told[-1] == ("rerun", "run", ())
    assert archive.last.target_id == archive.run.id


def test_a_run_may_be_repeated_again_and_a_rerun_too() -> None:
    archive = Archive()
    first = archive.rerun()
    archive.wait(seconds=1)
    second = archive.rerun()
    archive.runs.end(first.id, status=RunStatus.FAILED)
    third = archive.history.rerun(*OWN, first.id)

    assert len({archive.run.id, first.id, second.id, third.id}) == 4
    assert (second.rerun_of, third.rerun_of) == (archive.run.id, first.id)


def test_the_same_request_starts_one_rerun() -> None:
    archive = Archive()

    first = archive.rerun(request=request())
    archive.wait(hours=1)
    again = archive.rerun(request=request())

    assert again == first
    assert len(archive.runs.runs) == 2
    assert archive.workflow.started == {first.id: first.source}
    assert archive.told.count(("rerun", "run", ())) == 1
    assert archive.rerun(request=request(key="key-2")).id != first.id
    assert archive.rerun(request=request(user_id="user-2")).id != first.id


def test_a_repeated_request_whose_rerun_has_ended_starts_nothing() -> None:
    archive = Archive()
    first = archive.rerun(request=request())
    archive.runs.end(first.id, status=RunStatus.SUCCEEDED)
    archive.objects.empty(RUNS, "runs/")

    assert archive.rerun(request=request()).status is RunStatus.SUCCEEDED
    assert archive.workflow.asked[first.id] == 1


def rerun_calls() -> list[str]:
    calls = Calls(None, TransientError("away"))
    archive = Archive()
    with_crashes(archive, calls).rerun(*OWN, archive.run.id, request())
    return calls.names


def with_crashes(archive: Archive, calls: Calls) -> History:
    accounts = Failing(archive.accounts, calls, only=("note_start", "forget_start"))
    ports = (archive.runs, archive.objects, archive.lanes, archive.workflow, archive.audit)
    changes = Changes(accounts, archive.changes.now, KEEP)
    return History(changes, *(Failing(port, calls) for port in ports), KEEP)


def test_a_rerun_is_told_before_it_is_stored_and_stored_before_it_is_started() -> None:
    assert rerun_calls() == ["get", "get", "copy", "add", "enter", "note_start", "create", "start", "forget_start"]


@pytest.mark.parametrize("number", range(7))
@pytest.mark.parametrize("after", [False, True])
def test_a_rerun_that_broke_off_at_any_point_is_started_or_forgotten_by_the_sweep(number: int, after: bool) -> None:
    archive = Archive()
    with pytest.raises(TransientError):
        with_crashes(archive, Calls(number, TransientError("away"), after=after)).rerun(*OWN, archive.run.id)

    archive.wait(minutes=15)
    archive.sweeper.sweep()

    recorded = archive.runs.runs.keys() - {archive.run.id}
    assert archive.workflow.started.keys() == recorded
    assert archive.accounts.starts == {}


def test_a_rerun_that_is_started_leaves_nothing_to_be_made_good() -> None:
    archive = Archive()

    archive.rerun()

    assert archive.accounts.starts == {}


def test_a_start_that_could_not_be_forgotten_is_a_start() -> None:
    archive = Archive()

    run = with_crashes(archive, Calls(8, TransientError("away"))).rerun(*OWN, archive.run.id)

    assert archive.workflow.started == {run.id: run.source}
    assert list(archive.accounts.starts) == [run.id]


@pytest.mark.parametrize("number", range(8))
@pytest.mark.parametrize("after", [False, True])
def test_a_crash_at_any_point_and_the_repeated_request_make_one_rerun(number: int, after: bool) -> None:
    archive = Archive()

    with pytest.raises(TransientError):
        with_crashes(archive, Calls(number, TransientError("away"), after=after)).rerun(*OWN, archive.run.id, request())
    run = archive.rerun(request=request())

    assert set(archive.runs.runs) == {archive.run.id, run.id}
    assert archive.workflow.started == {run.id: run.source}
    assert archive.objects.content(run.source) == CONTENT
    assert ("rerun", "run", ()) in archive.told


def refuse(archive: Archive, code: str) -> None:
    with pytest.raises(ConflictError, match=code):
        archive.rerun()
    assert set(archive.runs.runs) == {archive.run.id}
    assert archive.workflow.asked == {}
    assert ("rerun", "run", ()) not in archive.told


@pytest.mark.parametrize("status", [status for status in RunStatus if not status.final])
def test_a_run_that_has_not_ended_is_not_repeated(status: RunStatus) -> None:
    refuse(Archive(status=status), "run-not-ended")


@pytest.mark.parametrize("status", [status for status in RunStatus if status.final])
def test_a_run_is_repeated_however_it_ended(status: RunStatus) -> None:
    assert Archive(status=status).rerun().status is RunStatus.RECEIVED


def test_a_run_whose_flow_is_deleted_is_not_repeated() -> None:
    archive = Archive()
    archive.flows.delete(*OWN, "flow-1", 1)

    refuse(archive, "flow-gone")


def test_a_run_whose_flow_is_switched_off_is_not_repeated() -> None:
    archive = Archive()
    archive.flows.update(*OWN, "flow-1", 1, enabled=False)

    refuse(archive, "flow-switched-off")


def test_a_run_whose_file_has_expired_is_not_repeated() -> None:
    archive = Archive()
    archive.objects.empty(RUNS, "runs/")

    refuse(archive, "data-expired")


def test_a_rerun_keeps_request_and_response_only_while_the_project_saves_them() -> None:
    saving, silent = Archive(save_data=True), Archive()

    step = saving.rerun().steps[0]
    assert (step.request["method"], step.request["source"]) == ("rerun", f"runs/{saving.run.id}/source.zip")
    step = silent.rerun().steps[0]
    assert (step.request, step.response, step.counts) == ({}, {}, {"bytes": 4711})


def test_the_id_of_a_rerun_comes_from_its_request_or_from_the_time() -> None:
    later = flows.AT + timedelta(microseconds=1)

    assert rerun_id("a", request(), flows.AT) == rerun_id("a", request(), later)
    assert rerun_id("a", None, flows.AT) != rerun_id("a", None, later)
    assert rerun_id("a", None, flows.AT) != rerun_id("b", None, flows.AT)
    assert rerun_id("a", request(), flows.AT) != rerun_id("b", request(), flows.AT)


@pytest.mark.parametrize(
    ("caller", "organization_id", "code"),
    [
        (CALLER, OTHER, "organization-missing"),
        (flows.caller(organization_id=OTHER), flows.ORGANIZATION, "organization-missing"),
        (flows.caller(organization_id=OTHER), OTHER, "run-missing"),
        (flows.operator(), OTHER, "run-missing"),
    ],
)
def test_another_organizations_run_is_not_there(caller: Caller, organization_id: str, code: str) -> None:
    archive = Archive()
    archive.with_report()
    history, who = archive.history, (caller, organization_id, archive.run.id)

    for call in (
        lambda: history.get(*who),
        lambda: history.status(*who),
        lambda: history.neighbours(*who),
        lambda: history.report(*who),
        lambda: history.download(*who, "source"),
        lambda: history.download(*who, "errors"),
        lambda: history.rerun(*who),
    ):
        with pytest.raises(NotFoundError, match=code):
            call()
    assert archive.objects.links == {}
    assert set(archive.runs.runs) == {archive.run.id}


def test_an_unknown_run_is_not_there() -> None:
    archive = Archive()

    for call in (archive.history.get, archive.history.status, archive.history.rerun):
        with pytest.raises(NotFoundError, match="run-missing"):
            call(*OWN, "0" * 32)
