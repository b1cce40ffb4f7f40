from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from rosterbridge.errors import TransientError
from rosterbridge.flows.broken_uploads import BrokenUploads
from rosterbridge.flows.messages import FAILURES
from rosterbridge.flows.models import FileAccount, Flow, ObjectRef, Run, RunStatus, Step
from rosterbridge.flows.receiving import Receiver, Uploaded, is_upload, run_id
from rosterbridge.flows.run_files import with_data
from rosterbridge.flows.upload_limits import LimitCheck
from tests.support import flows
from tests.support.fake_uploads import LIMITS
from tests.support.fakes import (
    Calls,
    Failing,
    FakeAccountStore,
    FakeBrokenUploadStore,
    FakeLaneStore,
    FakeObjectStore,
    FakeOutcomes,
    FakeRunStore,
    FakeUploadCounter,
    FakeWorkflow,
)

HOMES, RUNS = "homes", "runs"
CONTENT = b"what the school uploaded"


class Service:
    """A receiver over fakes, with one file account ``fa-1``."""

    def __init__(self, *flows_: Flow) -> None:
        self.accounts = FakeAccountStore()
        self.runs = FakeRunStore()
        self.objects = FakeObjectStore()
        self.lanes = FakeLaneStore()
        self.workflow = FakeWorkflow()
        self.outcomes = FakeOutcomes()
        self.counter = FakeUploadCounter()
        self.broken = FakeBrokenUploadStore()
        self.limits = LIMITS
        self.accounts.put(flows.file_account(id="fa-1"), *flows_)

    def receiver(self, calls: Calls | None = None) -> Receiver:
        ports: dict[str, Any] = {
            "accounts": self.accounts,
            "runs": self.runs,
            "objects": self.objects,
            "lanes": self.lanes,
            "workflow": self.workflow,
            "outcomes": self.outcomes,
        }
        counter, broken = self.counter, self.broken
        if calls:
            ports = {name: Failing(port, calls) for name, port in ports.items()}
            counter, broken = Failing(counter, calls), Failing(broken, calls)
        return Receiver(
            **ports,
            limits=LimitCheck(counter, self.limits),
            broken=BrokenUploads(broken, ports["runs"], ports["lanes"]),
            run_bucket=RUNS,
            keep_runs=timedelta(days=400),
            now=lambda: flows.AT,
        )

    def uploaded(self, name: str = "roster.zip", content: bytes = CONTENT) -> Uploaded:
        ref = self.objects.put(ObjectRef(bucket=HOMES, key=f"home/fa-1/{name}"), content)
        return Uploaded(ref, len(content), flows.AT, etag(content))

    def receive(self, uploaded: Uploaded) -> list[str]:
        return self.receiver().receive(uploaded)

    def run(self) -> Run:
        (run,) = self.runs.runs.values()
        return run


def etag(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def on() -> Flow:
    return flows.flow(id="flow-1", file_account_id="fa-1")


def off() -> Flow:
    return flows.flow(id="flow-1", file_account_id="fa-1", enabled=False)


def test_an_upload_becomes_a_run_and_leaves_the_home() -> None:
    service = Service(on())

    (identity,) = service.receive(service.uploaded())

    run = service.run()
    assert (run.id, run.status, run.flow_id, run.file_account_id) == (identity, "received", "flow-1", "fa-1")
    assert (run.file_name, run.file_bytes, run.received_at) == ("roster.zip", len(CONTENT), flows.AT)
    assert run.expires_at - run.received_at == timedelta(days=400)
    assert run.source == ObjectRef(bucket=RUNS, key=f"runs/{identity}/source.zip")
    assert service.objects.content(run.source) == CONTENT
    assert service.workflow.started == {identity: run.source}
    assert service.objects.keys(HOMES) == []
    assert [(step.name, step.outcome, step.counts) for step in run.steps] == [
        ("receive", "succeeded", {"bytes": len(CONTENT)})
    ]


@pytest.mark.parametrize(
    "name",
    [
        "roster.zip",
        "ROSTER.ZIP",
        "2026/autumn/roster.zip",
        "våre elever (1).zip",
        "生徒 名簿.zip",
        "a+b&c=d.zip",
        "roster",
        "reports",
        "reports.zip",
        "2026/reports/roster.zip",
    ],
)
def test_any_finished_file_at_any_depth_is_an_upload(name: str) -> None:
    service = Service(on())

    assert len(service.receive(service.uploaded(name))) == 1
    assert service.run().file_name == name.rsplit("/", 1)[-1]


@pytest.mark.parametrize(
    "name",
    [
        "roster.zip.filepart",
        "roster.zip.part",
        "roster.zip.FILEPART",
        "roster.tmp",
        "roster.zip.partial",
        "roster.crdownload",
        ".roster.zip",
        ".hidden/roster.zip",
        "~$roster.zip",
        "folder/",
        "../fa-2/roster.zip",
        "reports/2026-10-01 06-30-00 rejected roster 01234567.txt",
        "Reports/roster.zip",
    ],
)
def test_unfinished_hidden_files_and_folders_stay_where_they_are(name: str) -> None:
    service = Service(on())

    assert service.receive(service.uploaded(name)) == []
    assert service.runs.runs == {}
    assert service.objects.keys(HOMES) == [f"home/fa-1/{name}"]


def test_an_empty_object_is_no_upload() -> None:
    service = Service(on())

    assert service.receive(service.uploaded(content=b"")) == []


@pytest.mark.parametrize(
    "key", ["home/fa-1", "home/roster.zip", "elsewhere/fa-1/roster.zip", "roster.zip", "home//", ""]
)
def test_what_lies_in_no_home_is_no_upload(key: str) -> None:
    assert not is_upload(key, 1)


def test_an_account_without_a_flow_keeps_its_file() -> None:
    service = Service()

    assert service.receive(service.uploaded()) == []
    assert service.objects.keys(HOMES) == ["home/fa-1/roster.zip"]


def test_another_accounts_flow_is_not_started() -> None:
    service = Service(flows.flow(file_account_id="fa-2"))

    assert service.receive(service.uploaded()) == []


def test_the_same_event_twice_is_one_run() -> None:
    service = Service(on())
    uploaded = service.uploaded()

    assert len(service.receive(uploaded)) == 1
    assert service.receive(uploaded) == []
    assert len(service.runs.runs) == len(service.workflow.started) == 1


def test_an_event_after_the_object_is_gone_does_nothing() -> None:
    service = Service(on())
    uploaded = service.uploaded()
    service.objects.delete(uploaded.ref)

    assert service.receive(uploaded) == []
    assert (service.runs.runs, service.workflow.started) == ({}, {})


def test_an_object_that_goes_between_the_check_and_the_copy_is_left_to_who_took_it() -> None:
    service = Service(on())
    uploaded = service.uploaded()

    class Taken(FakeObjectStore):
        def exists(self, _ref: ObjectRef) -> bool:
            return True

    receiver = replace(service.receiver(), objects=Taken())

    assert receiver.receive(uploaded) == []
    assert service.runs.runs == {}


def test_two_uploads_of_one_name_are_two_runs_with_their_own_content() -> None:
    service = Service(on())
    first, second = service.uploaded(content=b"first"), service.uploaded(content=b"second")

    for uploaded in (second, first):
        service.receive(uploaded)

    contents = {service.objects.content(run.source) for run in service.runs.runs.values()}
    assert contents == {b"first", b"second"}
    assert service.objects.keys(HOMES) == []


def test_each_flow_of_the_account_gets_its_run() -> None:
    service = Service(*(flows.flow(id=f"flow-{number}", file_account_id="fa-1") for number in (1, 2)))

    started = service.receive(service.uploaded())

    assert set(started) == set(service.workflow.started) == set(service.runs.runs)
    assert [service.runs.runs[identity].flow_id for identity in started] == ["flow-1", "flow-2"]


def test_a_switched_off_flow_records_a_rejected_run_and_starts_nothing() -> None:
    service = Service(off())

    service.receive(service.uploaded())

    run = service.run()
    assert (run.status, run.error, run.summary) == (
        RunStatus.REJECTED,
        "flow-switched-off",
        FAILURES["flow-switched-off"],
    )
    assert run.ended_at == run.received_at
    assert (run.steps[0].outcome, run.steps[0].code) == ("rejected", "flow-switched-off")
    assert service.workflow.asked == {}
    assert service.outcomes.told == [run.id]
    assert service.objects.keys(HOMES) == []
    assert service.objects.content(run.source) == CONTENT


def receiving_calls(*flows_: Flow) -> list[str]:
    """Return the calls to ports that one upload makes."""
    service, calls = Service(*flows_), Calls(None, TransientError("away"))
    service.receiver(calls).receive(service.uploaded())
    return calls.names


TWO = (on(), flows.flow(id="flow-2", file_account_id="fa-1"))
CRASHES = [(number, after) for number in range(len(receiving_calls(*TWO))) for after in (False, True)]


@pytest.mark.parametrize(("number", "after"), CRASHES)
def test_a_crash_at_any_point_and_the_repeated_event_make_one_run_of_each_flow(number: int, after: bool) -> None:
    service = Service(*TWO)
    uploaded = service.uploaded()
    calls = Calls(number, TransientError("away"), after=after)

    with pytest.raises(TransientError):
        service.receiver(calls).receive(uploaded)
    service.receive(uploaded)

    assert sorted(run.flow_id for run in service.runs.runs.values()) == ["flow-1", "flow-2"]
    assert set(service.workflow.started) == set(service.runs.runs)
    assert all(service.objects.content(run.source) == CONTENT for run in service.runs.runs.values())
    assert {flow: set(lane.entered) for flow, lane in service.lanes.lanes.items()} == {
        run.flow_id: {run.id} for run in service.runs.runs.values()
    }
    assert service.objects.keys(HOMES) == []


def test_a_repeated_event_of_a_converted_run_keeps_nobody_waiting() -> None:
    service = Service(on())
    uploaded = service.uploaded()
    crash = Calls(receiving_calls(on()).index("start"), TransientError("away"), after=True)
    with pytest.raises(TransientError):
        service.receiver(crash).receive(uploaded)
    run = service.run()
    service.runs.end_step(run.id, Step(name="convert", started_at=flows.AT, outcome="succeeded"))
    service.lanes.leave("flow-1", run.id)

    service.receive(uploaded)

    assert service.lanes.get("flow-1").entered == {}


def test_the_object_leaves_the_home_last() -> None:
    assert receiving_calls(*TWO) == [
        *("flows_of_file_account", "exists", "count"),
        *("get", "copy", "enter", "create") * 2,
        *("note_version", "broken", "start", "start"),
        *("get", "note_upload", "delete"),
    ]


@pytest.mark.parametrize(("first", "then", "starts"), [(on(), off(), 1), (off(), on(), 0)])
def test_a_flow_that_is_switched_between_two_tries_goes_by_the_record_of_the_first(
    first: Flow, then: Flow, starts: int
) -> None:
    service = Service(first)
    uploaded = service.uploaded()
    crash = receiving_calls(first).index("create")
    with pytest.raises(TransientError):
        service.receiver(Calls(crash, TransientError("away"), after=True)).receive(uploaded)

    service.accounts.put(then)
    service.receive(uploaded)

    assert service.run().status.final == (not starts)
    assert len(service.workflow.started) == starts


def test_the_account_knows_its_last_upload() -> None:
    for flow in (on(), off()):
        service = Service(flow)

        service.receive(service.uploaded())

        account = service.accounts.get(FileAccount, flows.ORGANIZATION, "fa-1")
        assert account is not None
        assert (account.last_upload_at, account.version) == (flows.AT, 1)


def test_what_is_no_upload_is_not_noted() -> None:
    service = Service(on())

    service.receive(service.uploaded("roster.zip.part"))

    account = service.accounts.get(FileAccount, flows.ORGANIZATION, "fa-1")
    assert account is not None
    assert account.last_upload_at is None


def test_while_the_project_saves_data_the_first_step_keeps_where_the_file_came_from_and_went() -> None:
    service = Service(on())
    service.accounts.put(flows.project(id="project-1", save_data=True))

    (identity,) = service.receive(service.uploaded())

    (stored,) = service.run().steps
    (step,) = with_data(service.objects, service.run()).steps
    assert (stored.request, stored.response, stored.saved) == ({}, {}, True)
    assert step.request == {"method": "upload", "source": "home/fa-1/roster.zip", "bytes": len(CONTENT)}
    assert step.response == {"target": f"runs/{identity}/source.zip", "bytes": len(CONTENT)}


@pytest.mark.parametrize("organization_id", [flows.ORGANIZATION, "district-2"])
def test_otherwise_the_first_step_keeps_neither(organization_id: str) -> None:
    service = Service(on())
    saves = organization_id != flows.ORGANIZATION
    service.accounts.put(flows.project(id="project-1", organization_id=organization_id, save_data=saves))

    service.receive(service.uploaded())

    (step,) = service.run().steps
    assert (step.request, step.response, step.counts) == ({}, {}, {"bytes": len(CONTENT)})
    assert not step.saved
    assert len(service.objects.keys(RUNS)) == 1


def test_a_run_that_cannot_be_started_keeps_its_upload_in_the_home() -> None:
    service = Service(on())
    uploaded = service.uploaded()
    crash = receiving_calls(on()).index("start")

    with pytest.raises(TransientError):
        service.receiver(Calls(crash, TransientError("away"))).receive(uploaded)

    assert service.objects.keys(HOMES) == ["home/fa-1/roster.zip"]


def test_an_object_version_is_always_the_same_run_and_another_is_another() -> None:
    ref = ObjectRef(bucket=HOMES, key="home/fa-1/røster.zip", version_id="v1")
    others = [
        ref.model_copy(update={"version_id": "v2"}),
        ref.model_copy(update={"version_id": None}),
        ref.model_copy(update={"key": "home/fa-2/røster.zip"}),
        ref.model_copy(update={"bucket": "other"}),
    ]

    ids = [run_id(ref, "flow-1"), *(run_id(other, "flow-1") for other in others), run_id(ref, "flow-2")]

    assert run_id(ref.model_copy(), "flow-1") == ids[0]
    assert len(set(ids)) == len(ids)
    # the name of an execution has at most 80 characters
    assert all(re.fullmatch(r"[0-9a-f]{1,80}", identity) for identity in ids)
