"""Forwarding: what is sent to whom, under which lease, and what the record says of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rosterbridge.errors import PermanentError, RosterbridgeError, TransientError
from rosterbridge.flows.messages import message
from rosterbridge.flows.models import AsmAccount, Project, RunStatus
from rosterbridge.flows.run_files import with_data
from tests.support import flows
from tests.support.fakes import Calls, Failing, FakeDelivery, FakeObjectStore
from tests.support.pipeline import PASSWORD, converted


def test_the_result_is_sent_under_the_runs_own_name() -> None:
    pipeline = converted()

    answer = pipeline.forward()

    name = f"rosterbridge-{pipeline.received.id}.zip"
    assert pipeline.run.result is not None
    content = pipeline.objects.content(pipeline.run.result)
    assert (answer.remote_name, answer.sent_bytes) == (name, len(content))
    assert pipeline.delivery.received == {name: content}
    assert pipeline.delivery.signed_in_with == [("district@sftp.apple.example", PASSWORD)]
    assert pipeline.run.delivered_to == f"apple.example:22/dropbox/{name}"
    sent = "3 students, 2 staff, 2 courses, 2 classes, 3 rosters, 2 locations"
    assert pipeline.run.summary == f"Sent to Apple School Manager: {sent}."
    assert (pipeline.step("forward").outcome, pipeline.step("forward").counts) == ("succeeded", {"bytes": len(content)})


def test_without_saving_data_outcome_and_counts_are_kept_but_no_request_and_response() -> None:
    pipeline = converted(save_data=False)
    pipeline.forward()

    for step in pipeline.run.steps:
        assert (step.request, step.response, step.saved) == ({}, {}, False)
        assert step.outcome == "succeeded"
        assert step.counts
    assert not [key for key in pipeline.objects.keys("runs") if "/steps/" in key]


def test_a_project_that_is_gone_saves_no_data() -> None:
    pipeline = converted(save_data=True)
    pipeline.lose(Project, "project-1")

    pipeline.forward()

    assert not pipeline.step("forward").saved
    assert not pipeline.objects.exists(pipeline.place("steps/forward.json"))


def test_with_saving_data_request_and_response_are_kept_but_never_credentials() -> None:
    pipeline = converted(save_data=True)
    pipeline.forward()

    name = f"rosterbridge-{pipeline.received.id}.zip"
    size, result = pipeline.step("forward").counts["bytes"], f"runs/{pipeline.received.id}/result.zip"
    assert pipeline.shown("forward").request == {
        "method": "put",
        "source": result,
        "host": "apple.example",
        "port": 22,
        "folder": "dropbox",
        "name": name,
        "bytes": size,
    }
    assert pipeline.shown("forward").response == {
        "method": "put",
        "remote_path": f"dropbox/{name}",
        "bytes": size,
        "outcome": "stored",
    }
    assert pipeline.shown("validate").response == {
        "format": "oneroster-1.1",
        "accepted": True,
        "codes": [],
        "target": f"runs/{pipeline.received.id}/report.json",
    }
    assert pipeline.shown("convert").response == {"format": "asm", "unchanged": False, "target": result, "bytes": size}
    record = with_data(pipeline.objects, pipeline.run).model_dump_json()
    account = flows.asm_account()
    for secret in (PASSWORD, pipeline.encrypted, account.username):
        assert secret not in record


@pytest.mark.parametrize("error", [TransientError("asm-unreachable"), PermanentError("asm-sign-in-refused")])
def test_a_failing_step_is_recorded_with_its_code_and_sentence(error: RosterbridgeError) -> None:
    pipeline = converted(save_data=True)

    pipeline.fail_to_forward(error)

    step = pipeline.step("forward")
    assert (step.outcome, step.code, step.message) == ("failed", error.code, message(error.code))
    assert pipeline.run.summary == message(error.code)
    assert step.ended_at is not None
    assert pipeline.shown("forward").request["host"] == "apple.example"
    assert pipeline.shown("forward").response == {"outcome": "failed", "code": error.code}
    assert pipeline.run.delivered_to is None


def test_a_failing_step_keeps_nothing_of_it_while_the_project_does_not_save_data() -> None:
    pipeline = converted()

    pipeline.fail_to_forward(TransientError("asm-unreachable"))

    assert not pipeline.step("forward").saved
    assert pipeline.shown("forward").request == {}


def test_what_is_saved_is_no_part_of_the_record_and_ends_with_the_runs_files() -> None:
    pipeline = converted(save_data=True)
    pipeline.forward()

    for name in ("validate", "convert", "forward"):
        step = pipeline.step(name)
        assert (step.request, step.response, step.saved) == ({}, {}, True)
        assert pipeline.shown(name).request["method"]
        assert pipeline.shown(name).response
    pipeline.objects.empty("runs", f"runs/{pipeline.received.id}/")
    for name in ("validate", "convert", "forward"):
        assert pipeline.shown(name) == pipeline.step(name)


def test_a_file_is_not_sent_once_more_because_what_is_saved_of_the_step_could_not_be_kept() -> None:
    pipeline = converted(save_data=True)

    class Full(FakeObjectStore):
        def put_text(self, *_given: object) -> None:
            raise TransientError("aws-refused")

    full = Full()
    full._versions = pipeline.objects._versions
    pipeline.forward(objects=full)

    step = pipeline.step("forward")
    assert (step.outcome, step.saved, step.request, step.response) == ("succeeded", False, {}, {})


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
    pipeline = converted()
    pipeline.accounts.put(flows.asm_account(id="asm-1", host=host, encrypted_password=pipeline.encrypted))

    with pytest.raises(PermanentError, match=code):
        pipeline.forward()

    assert pipeline.delivery.signed_in_with == []
    assert (pipeline.step("forward").code, pipeline.run.summary) == (code, message(code))


def test_the_file_goes_to_the_address_that_was_checked() -> None:
    pipeline = converted(save_data=True)
    hosts: list[str] = []

    class Notes(FakeDelivery):
        def send(self, path: Path, account: AsmAccount, password: str, remote_name: str) -> dict[str, object]:
            hosts.append(account.host)
            return super().send(path, account, password, remote_name)

    pipeline.delivery = Notes()
    pipeline.forward()

    assert hosts == ["17.0.0.1"]
    assert pipeline.shown("forward").request["host"] == "apple.example"
    assert (pipeline.run.delivered_to or "").startswith("apple.example:22/")


def test_a_name_that_cannot_be_found_just_now_is_tried_again() -> None:
    pipeline = converted()
    pipeline.accounts.put(flows.asm_account(id="asm-1", host="away.example", encrypted_password=pipeline.encrypted))

    with pytest.raises(TransientError, match="asm-unreachable"):
        pipeline.forward()


def test_each_try_is_counted_and_the_last_one_tells_how_it_ended() -> None:
    pipeline = converted()
    pipeline.fail_to_forward(TransientError("asm-unreachable"))
    pipeline.fail_to_forward(TransientError("asm-timed-out"))

    pipeline.forward()

    step = pipeline.step("forward")
    assert (step.attempts, step.outcome, step.code) == (3, "succeeded", None)
    assert pipeline.step("validate").attempts == 1


def test_an_asm_account_that_is_gone_says_so() -> None:
    pipeline = converted()
    pipeline.lose(AsmAccount, "asm-1")

    with pytest.raises(PermanentError, match="asm-account-missing"):
        pipeline.forward()

    assert pipeline.step("forward").code == "asm-account-missing"


def test_an_asm_account_of_another_organization_is_not_used() -> None:
    pipeline = converted()
    encrypted = pipeline.box.encrypt("another's", organization_id="district-2")
    pipeline.lose(AsmAccount, "asm-1")
    pipeline.accounts.put(flows.asm_account(id="asm-1", organization_id="district-2", encrypted_password=encrypted))

    with pytest.raises(PermanentError, match="asm-account-missing"):
        pipeline.forward()

    assert pipeline.delivery.signed_in_with == []


def test_a_password_that_was_moved_to_another_organization_does_not_open() -> None:
    pipeline = converted()
    encrypted = pipeline.box.encrypt("another's", organization_id="district-2")
    pipeline.accounts.put(flows.asm_account(id="asm-1", encrypted_password=encrypted))

    with pytest.raises(PermanentError, match="secret-unreadable"):
        pipeline.forward()

    assert pipeline.step("forward").code == "secret-unreadable"


def test_an_ended_run_is_not_opened_again() -> None:
    pipeline = converted()
    pipeline.runs.end(pipeline.received.id, status=RunStatus.FAILED, ended_at=flows.AT, error="run-stopped")
    before = pipeline.run

    with pytest.raises(PermanentError, match="run-ended"):
        pipeline.forward()

    assert pipeline.run == before
    assert pipeline.delivery.signed_in_with == []


def test_a_run_that_is_ended_during_a_step_keeps_its_summary_but_learns_what_was_sent() -> None:
    pipeline = converted()

    class EndsMeanwhile(FakeDelivery):
        def send(self, *arguments: Any) -> dict[str, object]:
            stopped = {"status": RunStatus.FAILED, "ended_at": flows.AT, "summary": message("run-stopped")}
            pipeline.runs.end(pipeline.received.id, **stopped)
            return super().send(*arguments)

    pipeline.delivery = EndsMeanwhile()
    pipeline.forward()

    assert (pipeline.run.status, pipeline.run.summary) == (RunStatus.FAILED, message("run-stopped"))
    assert pipeline.step("forward").outcome == "succeeded"
    assert pipeline.run.delivered_to is not None


def test_what_went_wrong_first_is_told_even_when_it_cannot_be_recorded() -> None:
    pipeline = converted()
    pipeline.delivery.error = PermanentError("asm-sign-in-refused")
    runs = Failing(pipeline.runs, Calls(2, TransientError("aws-unreachable")))  # get, start_step, end_step

    with pytest.raises(PermanentError, match="asm-sign-in-refused"):
        pipeline.forward(runs=runs)
