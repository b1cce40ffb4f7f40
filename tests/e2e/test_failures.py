"""Whatever goes wrong on the way to Apple, the run's record is closed and says why."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from local.sample import write_sample
from rosterbridge.adapters.dynamodb_changes import attributes, thing_key
from rosterbridge.adapters.dynamodb_items import to_item
from rosterbridge.flows.models import Run, RunStatus
from tests.support.stack import Sender, StackUnderTest, free_port, wait_for


@pytest.fixture
def roster(tmp_path: Path) -> Path:
    return write_sample(tmp_path / "roster.zip")


@contextmanager
def another_apple(stack: StackUnderTest, port: int, fault: str | None = None) -> Iterator[None]:
    name = f"apple-{port}"
    stack.local.start_apple(name, port=port, fault=fault)
    stack.local.wait_until_listening(name, port)
    try:
        yield
    finally:
        stack.local.processes.stop(name)


def _function_processes(stack: StackUnderTest, function: str) -> list[psutil.Process]:
    found = []
    for process in psutil.Process(stack.local.processes.pid("emulator")).children(recursive=True):
        try:
            if process.environ().get("AWS_LAMBDA_FUNCTION_NAME") == f"rosterbridge-local-{function}":
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def assert_closed(run: Run, code: str) -> None:
    assert (run.status, run.error) == (RunStatus.FAILED, code)
    assert run.ended_at is not None
    assert run.summary


def test_a_refused_password_fails_at_once_without_another_try(stack: StackUnderTest, roster: Path) -> None:
    sender = stack.create_flow(asm_password="an-old-password")

    stack.upload(roster, sender)
    run = stack.wait_for_run(sender)

    assert_closed(run, "asm-sign-in-refused")
    assert (run.step("forward").outcome, run.step("forward").attempts) == ("failed", 1)
    assert "new password" in run.summary
    assert not stack.landed(run).exists()


def test_another_host_key_fails_at_once_and_gets_nothing(stack: StackUnderTest, roster: Path) -> None:
    sender = stack.create_flow(asm_host_keys=(stack.sftp_host_key,))

    stack.upload(roster, sender)
    run = stack.wait_for_run(sender)

    assert_closed(run, "asm-host-key-refused")
    assert run.step("forward").attempts == 1
    assert not stack.landed(run).exists()


def test_a_missing_folder_at_apple_fails_at_once(stack: StackUnderTest, roster: Path) -> None:
    sender = stack.create_flow(asm_folder="elsewhere")

    stack.upload(roster, sender)
    run = stack.wait_for_run(sender)

    assert_closed(run, "asm-folder-missing")
    assert run.step("forward").attempts == 1


def test_a_delivery_is_tried_again_while_apple_is_down(stack: StackUnderTest, roster: Path) -> None:
    port = free_port()
    sender = stack.create_flow(asm_port=port)
    stack.upload(roster, sender)
    wait_for(lambda: _outcome(stack, sender) == "failed", "the first try fails")

    with another_apple(stack, port):
        run = stack.wait_for_run(sender)

    assert run.status is RunStatus.SUCCEEDED
    assert run.step("forward").attempts > 1
    assert (run.error, run.step("forward").code) == (None, None)
    assert stack.landed(run).is_file()


def _outcome(stack: StackUnderTest, sender: Sender) -> str | None:
    runs = stack.runs(sender)
    step = runs[0].step("forward") if runs else None
    return step.outcome if step else None


def test_an_apple_that_stays_down_fails_after_the_last_try(stack: StackUnderTest, roster: Path) -> None:
    sender = stack.create_flow(asm_port=free_port())

    stack.upload(roster, sender)
    run = stack.wait_for_run(sender)

    assert_closed(run, "asm-unreachable")
    assert run.step("forward").attempts == 6


def test_a_run_whose_function_keeps_dying_is_closed(stack: StackUnderTest, roster: Path) -> None:
    port = free_port()
    sender = stack.create_flow(asm_port=port)
    with another_apple(stack, port, fault="silent"):
        stack.upload(roster, sender)
        stack.wait_for_status(sender, "forwarding")
        run = wait_for(lambda: _kill_until_ended(stack, sender), "the run ends")

    assert_closed(run, "step-stopped")


def _kill_until_ended(stack: StackUnderTest, sender: Sender) -> Run | None:
    for process in _function_processes(stack, "forward"):
        process.kill()
    run = stack.runs(sender)[0]
    return run if run.status.final else None


def test_a_function_that_hangs_is_stopped_and_tried_again(stack: StackUnderTest, roster: Path) -> None:
    sender = stack.create_flow()
    with _timeout(stack, "validate", seconds=3):
        stack.upload(roster, sender)
        stack.wait_for_run(sender)
        for process in _function_processes(stack, "validate"):
            process.send_signal(signal.SIGSTOP)
        stack.upload(roster, sender)
        run = stack.wait_for_run(sender, number=2)

    assert run.status is RunStatus.SUCCEEDED
    failures = [event for event in stack.execution_history(run) if event["type"] == "TaskFailed"]
    assert [failure["taskFailedEventDetails"]["error"] for failure in failures] == ["Sandbox.Timedout"]


@contextmanager
def _timeout(stack: StackUnderTest, function: str, seconds: int) -> Iterator[None]:
    """Let a version with another timeout be live; the one before keeps its own."""
    functions, name = stack.client("lambda"), f"rosterbridge-local-{function}"
    before = functions.get_function_configuration(FunctionName=name)["Timeout"]
    live = functions.get_alias(FunctionName=name, Name="live")["FunctionVersion"]
    functions.update_function_configuration(FunctionName=name, Timeout=seconds)
    version = functions.publish_version(FunctionName=name)["Version"]
    functions.update_alias(FunctionName=name, Name="live", FunctionVersion=version)
    try:
        yield
    finally:
        functions.update_alias(FunctionName=name, Name="live", FunctionVersion=live)
        functions.update_function_configuration(FunctionName=name, Timeout=before)
        for process in _function_processes(stack, function):
            process.kill()  # those of the version before were stopped too, and have all the time


def test_an_execution_that_is_aborted_from_outside_closes_its_record(stack: StackUnderTest, roster: Path) -> None:
    port = free_port()
    sender = stack.create_flow(asm_port=port)
    with another_apple(stack, port, fault="silent"):
        stack.upload(roster, sender)
        run = stack.wait_for_status(sender, "forwarding")
        arn = stack.outputs["RunsStateMachine"].replace(":stateMachine:", ":execution:") + f":{run.id}"
        stack.client("stepfunctions").stop_execution(executionArn=arn, error="operator", cause="stopped by hand")
        run = stack.wait_for_run(sender)

    assert_closed(run, "run-stopped")


@pytest.mark.parametrize("missing", ["flow", "asm-account"])
def test_a_run_without_its_flow_or_account_says_so(stack: StackUnderTest, roster: Path, missing: str) -> None:
    port = free_port()
    sender = stack.create_flow(asm_port=port)
    gone = {"flow": sender.created.flow, "asm-account": sender.created.asm_account}[missing]
    stack.upload(roster, sender)
    wait_for(lambda: _outcome(stack, sender) == "failed", "the first try fails")
    stack.client("dynamodb").delete_item(
        TableName=stack.outputs["AccountTable"],
        Key=to_item(attributes(thing_key(type(gone), gone.organization_id, gone.id))),
    )

    run = stack.wait_for_run(sender)

    assert_closed(run, f"{missing}-missing")
