from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

import rosterbridge.roster
from rosterbridge.errors import NotFoundError, PermanentError, RosterbridgeError, TransientError
from rosterbridge.flows.hosts import HostCheck
from rosterbridge.flows.messages import message
from rosterbridge.flows.models import AsmAccount, Flow, ObjectRef, Project, Run, RunStatus, Step, StepName
from rosterbridge.flows.processing import MOST_OPTIONS, Processor
from rosterbridge.flows.run_files import with_data
from rosterbridge.roster.documents import report_from_json
from rosterbridge.roster.options import ConversionOptions
from rosterbridge.roster.report import Report
from tests.support import flows, rosters
from tests.support.fakes import (
    Calls,
    Failing,
    FakeAccountStore,
    FakeDelivery,
    FakeObjectStore,
    FakeRunStore,
    FakeSecretBox,
)
from tests.support.use_cases import resolve

PASSWORD = "apple-secret"
HOSTS = HostCheck(resolve=resolve)
GOOD = rosters.zip_bytes(rosters.oneroster_1_1())


def clock() -> Iterator[datetime]:
    """Every look at the clock is a second later."""
    return (flows.AT + timedelta(seconds=seconds) for seconds in count(1))


class Service:
    """A processor over fakes, with one received run."""

    def __init__(self, content: bytes = GOOD, *, save_data: bool = False) -> None:
        self.accounts, self.runs, self.objects = FakeAccountStore(), FakeRunStore(), FakeObjectStore()
        self.box, self.delivery = FakeSecretBox(), FakeDelivery()
        self.encrypted = self.box.encrypt(PASSWORD, organization_id=flows.ORGANIZATION)
        self.accounts.put(
            flows.project(id="project-1", save_data=save_data),
            flows.asm_account(id="asm-1", encrypted_password=self.encrypted),
            flows.flow(id="flow-1"),
        )
        self.received = self.runs.create(flows.run())
        self.objects.put(self.received.source, content)
        self._clock = clock()

    def processor(self, **changes: Any) -> Processor:
        ports: dict[str, Any] = {"accounts": self.accounts, "runs": self.runs, "objects": self.objects, **changes}
        return Processor(**ports, now=lambda: next(self._clock))

    def lose(self, kind: type[Any], identity: str) -> None:
        """Remove a thing, whatever needs it."""
        self.accounts._things.pop((kind, flows.ORGANIZATION, identity))

    def validate(self) -> Any:
        return self.processor().validate(self.received.id)

    def convert(self) -> Any:
        return self.processor().convert(self.received.id)

    def forward(self) -> Any:
        return self.processor().forward(self.received.id, self.delivery, self.box, HOSTS)

    def fail_to_forward(self, error: RosterbridgeError) -> None:
        self.delivery.error = error
        with pytest.raises(type(error)) as failed:
            self.forward()
        assert failed.value.code == error.code
        self.delivery.error = None

    @property
    def run(self) -> Run:
        run = self.runs.get(self.received.id)
        assert run is not None
        return run

    def step(self, name: StepName) -> Step:
        step = self.run.step(name)
        assert step is not None
        return step

    def shown(self, name: StepName) -> Step:
        """Return the step with what is saved of it."""
        step = with_data(self.objects, self.run).step(name)
        assert step is not None
        return step

    def place(self, name: str) -> ObjectRef:
        return ObjectRef(bucket="runs", key=f"runs/{self.received.id}/{name}")


def converted(**options: Any) -> Service:
    service = Service(**options)
    service.validate()
    service.convert()
    return service


def test_a_good_upload_is_accepted_and_its_report_stored() -> None:
    service = Service()

    answer = service.validate()

    assert answer.accepted
    assert answer.report == service.run.report
    assert answer.report.key == f"runs/{service.received.id}/report.json"
    report = report_from_json(service.objects.get_text(answer.report))
    assert (report.accepted, report.format) == (True, "oneroster-1.1")
    step = service.step("validate")
    assert (step.outcome, step.code, step.message, service.run.summary) == (
        "succeeded",
        None,
        report.summary,
        report.summary,
    )
    assert (step.counts["users_read"], step.counts["students.csv"]) == (6, 3)
    assert step.ended_at is not None
    assert step.ended_at > step.started_at
    assert service.run.status is RunStatus.VALIDATING


def test_a_bad_upload_is_an_answer_and_no_error() -> None:
    service = Service(b"no zip at all")

    answer = service.validate()

    assert not answer.accepted
    report = report_from_json(service.objects.get_text(answer.report))
    assert report.codes == ("not-a-zip",)
    step = service.step("validate")
    assert (step.outcome, step.code) == ("rejected", "not-a-zip")
    assert service.run.summary == step.message == report.summary


def test_a_good_upload_is_converted_to_what_apple_takes() -> None:
    service = Service()
    service.validate()

    answer = service.convert()

    assert answer.result == service.run.result
    assert service.run.provenance is not None
    origins = gzip.decompress(service.objects.content(service.run.provenance)).decode().splitlines()
    assert origins[:2] == ["file,line,source,source_lines", "students.csv,2,users.csv,4"]
    with zipfile.ZipFile(io.BytesIO(service.objects.content(answer.result))) as archive:
        assert len(archive.namelist()) == 6
    step = service.step("convert")
    assert (step.outcome, step.counts["students.csv"]) == ("succeeded", 3)
    assert step.counts["bytes"] == len(service.objects.content(answer.result))


def test_a_clean_package_of_apples_own_format_passes_unchanged() -> None:
    content = rosters.zip_bytes(rosters.asm())
    service = converted(content=content)

    assert service.run.result is not None
    assert service.objects.content(service.run.result) == content
    assert service.step("convert").message == "Passed on unchanged."


def test_conversion_that_disagrees_with_validation_fails() -> None:
    service = Service(b"no zip at all")

    with pytest.raises(PermanentError, match="conversion-differs"):
        service.convert()

    assert (service.step("convert").outcome, service.step("convert").code) == ("failed", "conversion-differs")
    assert service.run.result is None


def test_the_result_is_sent_under_the_runs_own_name() -> None:
    service = converted()

    answer = service.forward()

    name = f"rosterbridge-{service.received.id}.zip"
    assert service.run.result is not None
    content = service.objects.content(service.run.result)
    assert (answer.remote_name, answer.sent_bytes) == (name, len(content))
    assert service.delivery.received == {name: content}
    assert service.delivery.signed_in_with == [("district@sftp.apple.example", PASSWORD)]
    assert service.run.delivered_to == f"apple.example:22/dropbox/{name}"
    sent = "3 students, 2 staff, 2 courses, 2 classes, 3 rosters, 2 locations"
    assert service.run.summary == f"Sent to Apple School Manager: {sent}."
    assert (service.step("forward").outcome, service.step("forward").counts) == ("succeeded", {"bytes": len(content)})


def test_without_saving_data_outcome_and_counts_are_kept_but_no_request_and_response() -> None:
    service = converted(save_data=False)
    service.forward()

    for step in service.run.steps:
        assert (step.request, step.response, step.saved) == ({}, {}, False)
        assert step.outcome == "succeeded"
        assert step.counts
    assert not [key for key in service.objects.keys("runs") if "/steps/" in key]


def test_a_project_that_is_gone_saves_no_data() -> None:
    service = converted(save_data=True)
    service.lose(Project, "project-1")

    service.forward()

    assert not service.step("forward").saved
    assert not service.objects.exists(service.place("steps/forward.json"))


def test_with_saving_data_request_and_response_are_kept_but_never_credentials() -> None:
    service = converted(save_data=True)
    service.forward()

    name = f"rosterbridge-{service.received.id}.zip"
    size, result = service.step("forward").counts["bytes"], f"runs/{service.received.id}/result.zip"
    assert service.shown("forward").request == {
        "method": "put",
        "source": result,
        "host": "apple.example",
        "port": 22,
        "folder": "dropbox",
        "name": name,
        "bytes": size,
    }
    assert service.shown("forward").response == {
        "method": "put",
        "remote_path": f"dropbox/{name}",
        "bytes": size,
        "outcome": "stored",
    }
    assert service.shown("validate").response == {
        "format": "oneroster-1.1",
        "accepted": True,
        "codes": [],
        "target": f"runs/{service.received.id}/report.json",
    }
    assert service.shown("convert").response == {"format": "asm", "unchanged": False, "target": result, "bytes": size}
    record = with_data(service.objects, service.run).model_dump_json()
    account = flows.asm_account()
    for secret in (PASSWORD, service.encrypted, account.username):
        assert secret not in record


@pytest.mark.parametrize("name", ["validate", "convert"])
def test_with_saving_data_the_steps_before_keep_what_they_read_and_by_which_options(name: StepName) -> None:
    service = Service(save_data=True)
    service.accounts.put(flows.flow(id="flow-1", options=ConversionOptions(max_dropped=0.1, schools=("school-1",))))

    with suppress(PermanentError):  # no school of that id: what is asked counts here
        service.validate() if name == "validate" else service.convert()

    request = service.shown(name).request
    assert (request["method"], request["source"], request["bytes"]) == (
        name,
        f"runs/{service.received.id}/source.zip",
        len(GOOD),
    )
    assert set(request["options"]) == {field.name for field in fields(ConversionOptions)}
    assert (request["options"]["max_dropped"], request["options"]["schools"]) == (0.1, ["school-1"])


@pytest.mark.parametrize("error", [TransientError("asm-unreachable"), PermanentError("asm-sign-in-refused")])
def test_a_failing_step_is_recorded_with_its_code_and_sentence(error: RosterbridgeError) -> None:
    service = converted(save_data=True)

    service.fail_to_forward(error)

    step = service.step("forward")
    assert (step.outcome, step.code, step.message) == ("failed", error.code, message(error.code))
    assert service.run.summary == message(error.code)
    assert step.ended_at is not None
    assert service.shown("forward").request["host"] == "apple.example"
    assert service.shown("forward").response == {"outcome": "failed", "code": error.code}
    assert service.run.delivered_to is None


def test_a_failing_step_keeps_nothing_of_it_while_the_project_does_not_save_data() -> None:
    service = converted()

    service.fail_to_forward(TransientError("asm-unreachable"))

    assert not service.step("forward").saved
    assert service.shown("forward").request == {}


def test_what_is_saved_is_no_part_of_the_record_and_ends_with_the_runs_files() -> None:
    service = converted(save_data=True)
    service.forward()

    for name in ("validate", "convert", "forward"):
        step = service.step(name)
        assert (step.request, step.response, step.saved) == ({}, {}, True)
        assert service.shown(name).request["method"]
        assert service.shown(name).response
    service.objects.empty("runs", f"runs/{service.received.id}/")
    for name in ("validate", "convert", "forward"):
        assert service.shown(name) == service.step(name)


def test_a_file_is_not_sent_once_more_because_what_is_saved_of_the_step_could_not_be_kept() -> None:
    service = converted(save_data=True)

    class Full(FakeObjectStore):
        def put_text(self, *_given: object) -> None:
            raise TransientError("aws-refused")

    full = Full()
    full._versions = service.objects._versions
    service.processor(objects=full).forward(service.received.id, service.delivery, service.box, HOSTS)

    step = service.step("forward")
    assert (step.outcome, step.saved, step.request, step.response) == ("succeeded", False, {}, {})


@pytest.mark.parametrize(("entries", "shown"), [(100, True), (200, False)])
def test_options_of_unusual_length_are_no_part_of_what_is_saved(entries: int, shown: bool) -> None:
    service = Service(save_data=True)
    schools = tuple(f"{number:0255}" for number in range(entries))
    assert (entries * 255 < MOST_OPTIONS) == shown
    service.accounts.put(flows.flow(id="flow-1", options=ConversionOptions(schools=schools)))

    service.validate()

    assert ("options" in service.shown("validate").request) == shown
    assert service.shown("validate").request["bytes"] == len(GOOD)


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("inside.example", "host-not-public"),
        ("both.example", "host-not-public"),
        ("169.254.169.254", "host-not-public"),
        ("127.1", "host-malformed"),
    ],
)
def test_nothing_is_sent_to_a_host_that_leads_inside_by_now(host: str, code: str) -> None:
    service = converted()
    service.accounts.put(flows.asm_account(id="asm-1", host=host, encrypted_password=service.encrypted))

    with pytest.raises(PermanentError, match=code):
        service.forward()

    assert service.delivery.signed_in_with == []
    assert (service.step("forward").code, service.run.summary) == (code, message(code))


def test_the_file_goes_to_the_address_that_was_checked() -> None:
    service = converted(save_data=True)
    hosts: list[str] = []

    class Notes(FakeDelivery):
        def send(self, path: Path, account: AsmAccount, password: str, remote_name: str) -> dict[str, object]:
            hosts.append(account.host)
            return super().send(path, account, password, remote_name)

    service.delivery = Notes()
    service.forward()

    assert hosts == ["17.0.0.1"]
    assert service.shown("forward").request["host"] == "apple.example"
    assert (service.run.delivered_to or "").startswith("apple.example:22/")


def test_a_name_that_cannot_be_found_just_now_is_tried_again() -> None:
    service = converted()
    service.accounts.put(flows.asm_account(id="asm-1", host="away.example", encrypted_password=service.encrypted))

    with pytest.raises(TransientError, match="asm-unreachable"):
        service.forward()


def test_each_try_is_counted_and_the_last_one_tells_how_it_ended() -> None:
    service = converted()
    service.fail_to_forward(TransientError("asm-unreachable"))
    service.fail_to_forward(TransientError("asm-timed-out"))

    service.forward()

    step = service.step("forward")
    assert (step.attempts, step.outcome, step.code) == (3, "succeeded", None)
    assert service.step("validate").attempts == 1


def test_what_breaks_unforeseen_is_recorded_without_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_arguments: Any, **_named: Any) -> Report:
        raise ValueError("could not parse 'planted'")

    monkeypatch.setattr(rosterbridge.roster, "validate", breaks)
    service = Service(save_data=True)

    with pytest.raises(ValueError, match="planted"):
        service.validate()

    step = service.step("validate")
    assert (step.outcome, step.code) == ("failed", "unexpected-error")
    assert "planted" not in service.run.model_dump_json()


def test_an_asm_account_that_is_gone_says_so() -> None:
    service = converted()
    service.lose(AsmAccount, "asm-1")

    with pytest.raises(PermanentError, match="asm-account-missing"):
        service.forward()

    assert service.step("forward").code == "asm-account-missing"


def test_an_asm_account_of_another_organization_is_not_used() -> None:
    service = converted()
    encrypted = service.box.encrypt("another's", organization_id="district-2")
    service.lose(AsmAccount, "asm-1")
    service.accounts.put(flows.asm_account(id="asm-1", organization_id="district-2", encrypted_password=encrypted))

    with pytest.raises(PermanentError, match="asm-account-missing"):
        service.forward()

    assert service.delivery.signed_in_with == []


def test_a_flow_and_a_project_of_another_organization_are_not_used() -> None:
    service = Service()
    for kind, identity in ((Flow, "flow-1"), (Project, "project-1")):
        service.lose(kind, identity)
    service.accounts.put(
        flows.flow(id="flow-1", organization_id="district-2"),
        flows.project(id="project-1", organization_id="district-2", save_data=True),
    )

    with pytest.raises(PermanentError, match="flow-missing"):
        service.validate()

    assert not service.step("validate").saved


def test_a_password_that_was_moved_to_another_organization_does_not_open() -> None:
    service = converted()
    encrypted = service.box.encrypt("another's", organization_id="district-2")
    service.accounts.put(flows.asm_account(id="asm-1", encrypted_password=encrypted))

    with pytest.raises(PermanentError, match="secret-unreadable"):
        service.forward()

    assert service.step("forward").code == "secret-unreadable"


def test_a_flow_or_an_upload_that_is_gone_says_so() -> None:
    without_flow, without_upload = Service(), Service()
    without_flow.lose(Flow, "flow-1")
    without_upload.objects.delete(without_upload.received.source)

    for service, code in ((without_flow, "flow-missing"), (without_upload, "object-missing")):
        with pytest.raises(PermanentError, match=code):
            service.validate()
        assert service.step("validate").code == code


def test_a_run_without_a_record_says_so() -> None:
    with pytest.raises(NotFoundError, match="run-missing"):
        Service().processor().validate("0" * 32)


def test_an_ended_run_is_not_opened_again() -> None:
    service = converted()
    service.runs.end(service.received.id, status=RunStatus.FAILED, ended_at=flows.AT, error="run-stopped")
    before = service.run

    with pytest.raises(PermanentError, match="run-ended"):
        service.forward()

    assert service.run == before
    assert service.delivery.signed_in_with == []


def test_a_run_that_is_ended_during_a_step_keeps_its_summary_but_learns_what_was_sent() -> None:
    service = converted()

    class EndsMeanwhile(FakeDelivery):
        def send(self, *arguments: Any) -> dict[str, object]:
            stopped = {"status": RunStatus.FAILED, "ended_at": flows.AT, "summary": message("run-stopped")}
            service.runs.end(service.received.id, **stopped)
            return super().send(*arguments)

    service.delivery = EndsMeanwhile()
    service.forward()

    assert (service.run.status, service.run.summary) == (RunStatus.FAILED, message("run-stopped"))
    assert service.step("forward").outcome == "succeeded"
    assert service.run.delivered_to is not None


def test_what_went_wrong_first_is_told_even_when_it_cannot_be_recorded() -> None:
    service = converted()
    service.delivery.error = PermanentError("asm-sign-in-refused")
    runs = Failing(service.runs, Calls(2, TransientError("aws-unreachable")))  # get, start_step, end_step

    with pytest.raises(PermanentError, match="asm-sign-in-refused"):
        service.processor(runs=runs).forward(service.received.id, service.delivery, service.box, HOSTS)


@pytest.mark.parametrize("number", range(7))
@pytest.mark.parametrize("after", [False, True])
def test_a_step_that_breaks_at_any_point_can_be_done_again(number: int, after: bool) -> None:
    service = Service()
    calls = Calls(number, TransientError("aws-unreachable"), after=after)
    ports = {
        name: Failing(port, calls)
        for name, port in (("accounts", service.accounts), ("runs", service.runs), ("objects", service.objects))
    }

    with pytest.raises(TransientError):
        service.processor(**ports).validate(service.received.id)
    answer = service.validate()

    assert answer.accepted
    assert (service.step("validate").outcome, service.step("validate").code) == ("succeeded", None)
    assert service.objects.keys("runs") == [
        f"runs/{service.received.id}/{name}" for name in ("report.json", "source.zip")
    ]
