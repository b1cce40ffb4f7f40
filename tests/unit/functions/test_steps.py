from __future__ import annotations

import json
from typing import Any

import pytest

import rosterbridge.roster
from rosterbridge.errors import InputRejectedError, PermanentError, RosterbridgeError, TransientError
from rosterbridge.flows.models import RunStatus
from tests.support import flows, rosters
from tests.support.fakes import FakeDelivery
from tests.unit.functions.conftest import Aws, Context, Load, Output, sample

STEPS = ("validate", "convert", "guard", "forward")
RUN_ID = sample("step")["run_id"]
PLANTED = ("Holm", "cy@school.example", "planted", "roster.zip")
BOUNDARY = (TransientError, PermanentError, InputRejectedError)


def receive(aws: Aws, content: bytes | None = None, **asm_account: str) -> None:
    """Leave the sample's run as the receive function does."""
    run = flows.run(id=RUN_ID, source={"bucket": "run-files", "key": f"runs/{RUN_ID}/source.zip"})
    body = rosters.zip_bytes(rosters.oneroster_1_1()) if content is None else content
    aws.clients["s3"].put_object(Bucket=run.source.bucket, Key=run.source.key, Body=body)
    aws.runs.create(run)
    encrypted = aws.secrets.encrypt("planted-password", organization_id=flows.ORGANIZATION)
    aws.put(
        flows.project(id="project-1", save_data=True),
        flows.flow(id="flow-1"),
        flows.file_account(id="fa-1"),
        flows.asm_account(id="asm-1", encrypted_password=encrypted, **asm_account),
    )


def sends_to(module: Any, delivery: FakeDelivery, seconds: list[float] | None = None) -> Any:
    """Let the forward function send to a fake."""

    def made(seconds_left: Any) -> FakeDelivery:
        if seconds is not None:
            seconds.append(seconds_left())
        return delivery

    module.SftpDelivery = made
    return module


def test_a_run_goes_through_the_functions_and_no_log_shows_a_pupil(aws: Aws, load: Load, output: Output) -> None:
    receive(aws)
    delivery, seconds = FakeDelivery(), []
    answers = {}
    for name in STEPS:
        module = load(name)
        if name == "forward":
            sends_to(module, delivery, seconds)
        answers[name] = module.lambda_handler(sample("step"), Context())

    assert json.loads(json.dumps(answers)) == answers
    place = f"runs/{RUN_ID}"
    assert answers["validate"] == {
        "outcome": "accepted",
        "report": {"bucket": "run-files", "key": f"{place}/report.json"},
    }
    assert (answers["convert"], answers["guard"]) == ({"outcome": "converted"}, {"decision": "forward"})
    assert answers["forward"]["remote_name"] == f"rosterbridge-{RUN_ID}.zip"
    assert delivery.signed_in_with == [("district@sftp.apple.example", "planted-password")]
    assert seconds == [60 - 15]
    run = aws.runs.get(RUN_ID)
    assert run is not None
    assert run.status is RunStatus.FORWARDING
    assert [(step.name, step.outcome, step.attempts) for step in run.steps] == [
        (name, "succeeded", 1) for name in ("receive", *STEPS)
    ]
    shown = output.text() + json.dumps(answers)
    assert [planted for planted in PLANTED if planted in shown] == []


def test_nothing_is_sent_to_an_address_inside_unless_the_deployment_allows_it(
    aws: Aws, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive(aws, host="127.0.0.1")
    for name in ("validate", "convert", "guard"):
        load(name).lambda_handler(sample("step"), Context())
    monkeypatch.setenv("PRIVATE_ASM_HOSTS", "false")
    delivery = FakeDelivery()
    forward = sends_to(load("forward"), delivery)

    with pytest.raises(PermanentError, match=r"^host-not-public$") as refused:
        forward.lambda_handler(sample("step"), Context())

    assert type(refused.value) is PermanentError
    assert delivery.received == {}
    monkeypatch.setenv("PRIVATE_ASM_HOSTS", "true")
    assert forward.lambda_handler(sample("step"), Context())["remote_name"] in delivery.received


def test_a_rejected_upload_is_an_answer(aws: Aws, load: Load) -> None:
    receive(aws, b"no zip")

    assert load("validate").lambda_handler(sample("step"), Context())["outcome"] == "rejected"


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("event", [{}, {"run_id": "planted"}, {"run_id": ["planted"]}, {"run_id": "../" * 10 + "aa"}])
def test_an_event_of_another_form_is_a_permanent_error_that_does_not_show_it(
    aws: Aws, load: Load, output: Output, name: str, event: dict[str, Any]
) -> None:
    with pytest.raises(PermanentError) as failed:
        load(name).lambda_handler(event, Context())

    assert str(failed.value) == "unexpected-error: ValidationError"
    assert "planted" not in output.text()


@pytest.mark.parametrize("name", STEPS)
def test_a_run_without_a_record_fails_under_a_name_that_the_state_machine_knows(
    aws: Aws, load: Load, output: Output, name: str
) -> None:
    with pytest.raises(RosterbridgeError) as failed:
        load(name).lambda_handler(sample("step"), Context())

    assert type(failed.value) is PermanentError
    assert str(failed.value) == f"run-missing: {RUN_ID}"
    (line,) = output.lines()
    assert (line["code"], line["correlation_id"]) == ("run-missing", RUN_ID)


@pytest.mark.parametrize(
    ("error", "known"),
    [
        (TransientError("asm-unreachable"), TransientError),
        (PermanentError("asm-sign-in-refused"), PermanentError),
        (RosterbridgeError("asm-unreachable"), PermanentError),
        (ValueError("planted"), PermanentError),
        (MemoryError("planted"), PermanentError),
    ],
)
def test_whatever_goes_wrong_leaves_under_one_of_three_names(
    aws: Aws, load: Load, output: Output, error: Exception, known: type[RosterbridgeError]
) -> None:
    receive(aws)
    for name in ("validate", "convert", "guard"):
        load(name).lambda_handler(sample("step"), Context())
    delivery = FakeDelivery()
    delivery.error = error

    with pytest.raises(BOUNDARY) as failed:
        sends_to(load("forward"), delivery).lambda_handler(sample("step"), Context())

    assert type(failed.value) is known
    assert failed.value.__suppress_context__
    assert "planted" not in str(failed.value) + output.text()
    run = aws.runs.get(RUN_ID)
    assert run is not None
    step = run.step("forward")
    assert step is not None
    assert (step.outcome, step.code) == ("failed", failed.value.code)


def test_a_row_in_the_text_of_an_error_reaches_neither_log_nor_history(
    aws: Aws, load: Load, output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_arguments: Any, **_named: Any) -> None:
        raise ValueError("could not parse 'planted' as a date")

    monkeypatch.setattr(rosterbridge.roster, "validate", breaks)
    receive(aws)

    with pytest.raises(PermanentError, match=r"^unexpected-error: ValueError$"):
        load("validate").lambda_handler(sample("step"), Context())

    (line,) = output.lines()
    assert "planted" not in output.text()
    assert (line["kind"], line["correlation_id"]) == ("ValueError", RUN_ID)
    assert line["place"][-1].endswith(" breaks")


@pytest.mark.parametrize(
    ("variable", "told"), [("RUN_TABLE", "RUN_TABLE missing"), ("ACCOUNT_TABLE", "ACCOUNT_TABLE missing")]
)
def test_a_function_without_a_setting_says_which(
    aws: Aws, load: Load, monkeypatch: pytest.MonkeyPatch, variable: str, told: str
) -> None:
    monkeypatch.delenv(variable)

    with pytest.raises(PermanentError, match=f"^settings-wrong: {told}$"):
        load("validate").lambda_handler(sample("step"), Context())


def test_a_line_of_the_log_does_not_name_the_run_before(aws: Aws, load: Load, output: Output) -> None:
    module = load("validate")
    for event in (sample("step"), {}):
        with pytest.raises(PermanentError):
            module.lambda_handler(event, Context())

    first, second = output.lines()
    assert first["correlation_id"] == RUN_ID
    assert "correlation_id" not in second
