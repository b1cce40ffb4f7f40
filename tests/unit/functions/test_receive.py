from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support import flows
from tests.unit.functions.conftest import Aws, Context, Load, Output, sample

KEY = "home/fa-1/våre planted-pupils (1)+2.zip"
NOTHING_FAILED: dict[str, Any] = {"batchItemFailures": []}


def upload(aws: Aws) -> dict[str, Any]:
    """Put the sample's object into its home and return the event of it."""
    aws.put(flows.flow(id="flow-1"), flows.file_account(id="fa-1"), flows.asm_account(id="asm-1"))
    version = aws.clients["s3"].put_object(Bucket="homes", Key=KEY, Body=b"planted-content")["VersionId"]
    event: dict[str, Any] = sample("upload", VERSION=version)
    return event


def executions(aws: Aws) -> list[dict[str, Any]]:
    states = aws.clients["stepfunctions"]
    listed = states.list_executions(stateMachineArn=aws.state_machine_arn)["executions"]
    return [states.describe_execution(executionArn=found["executionArn"]) for found in listed]


def versions(aws: Aws, bucket: str) -> list[str]:
    return [found["Key"] for found in aws.clients["s3"].list_object_versions(Bucket=bucket).get("Versions", [])]


def test_an_upload_starts_an_execution_that_knows_an_id_and_a_place_only(aws: Aws, load: Load, output: Output) -> None:
    answer = load("receive").lambda_handler(upload(aws), Context())

    assert answer == NOTHING_FAILED
    (run,) = aws.history()
    (execution,) = executions(aws)
    assert execution["name"] == run.id
    assert json.loads(execution["input"]) == {
        "run_id": run.id,
        "source": {"bucket": "run-files", "key": f"runs/{run.id}/source.zip"},
    }
    assert (run.file_name, run.file_bytes) == (KEY.rsplit("/", 1)[-1], 4711)
    assert run.received_at.isoformat() == "2026-10-01T06:30:00.123000+00:00"
    assert aws.clients["s3"].get_object(Bucket="run-files", Key=run.source.key)["Body"].read() == b"planted-content"
    assert versions(aws, "homes") == []
    log = output.text()
    assert run.id in log
    assert "planted" not in log


def test_the_same_event_twice_is_one_run(aws: Aws, load: Load) -> None:
    event, receive = upload(aws), load("receive")

    assert receive.lambda_handler(event, Context()) == NOTHING_FAILED
    assert receive.lambda_handler(event, Context()) == NOTHING_FAILED

    assert len(aws.history()) == len(executions(aws)) == 1


def test_the_test_message_of_s3_is_taken_and_nothing_done(aws: Aws, load: Load) -> None:
    assert load("receive").lambda_handler(sample("s3_test"), Context()) == NOTHING_FAILED
    assert aws.history() == []


def test_a_message_that_fails_comes_back_alone(aws: Aws, load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    event, receive = upload(aws), load("receive")
    failing = sample("s3_test")["Records"][0] | {"messageId": "broken", "body": '{"Records": [{"planted": 1}]}'}

    answer = receive.lambda_handler({"Records": [failing, *event["Records"]]}, Context())

    assert answer == {"batchItemFailures": [{"itemIdentifier": "broken"}]}
    assert len(aws.history()) == 1


@pytest.mark.parametrize(
    "body",
    [
        "planted, no JSON",
        '{"Records": [{"planted": "planted"}]}',
        '{"Records": [{"eventTime": "planted", "s3": {"bucket": {"name": "homes"}, "object": {"key": "planted"}}}]}',
        # without a version, two uploads of one name would be one run
        '{"Records": [{"eventTime": "2026-10-01T06:30:00.123Z", '
        '"s3": {"bucket": {"name": "homes"}, "object": {"key": "home/fa-1/planted.zip", "size": 1}}}]}',
    ],
)
def test_a_message_that_is_no_notice_fails_and_the_log_does_not_show_it(
    aws: Aws, load: Load, output: Output, body: str
) -> None:
    event = sample("s3_test")
    event["Records"][0]["body"] = body

    answer = load("receive").lambda_handler(event, Context())

    assert len(answer["batchItemFailures"]) == 1
    (line,) = output.lines()
    assert (line["kind"], line["level"]) == ("ValidationError", "ERROR")
    assert "planted" not in output.text()


def test_a_state_machine_that_is_missing_leaves_the_upload_and_says_what_aws_refused(
    aws: Aws, load: Load, output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = upload(aws)
    monkeypatch.setenv("STATE_MACHINE_ARN", f"{aws.state_machine_arn}Gone")

    answer = load("receive").lambda_handler(event, Context())

    assert len(answer["batchItemFailures"]) == 1
    assert versions(aws, "homes") == [KEY]
    (line,) = output.lines()
    assert line["detail"].startswith("stepfunctions StartExecution StateMachineDoesNotExist")

    monkeypatch.setenv("STATE_MACHINE_ARN", aws.state_machine_arn)
    assert load("receive").lambda_handler(event, Context()) == NOTHING_FAILED
    assert len(executions(aws)) == 1
