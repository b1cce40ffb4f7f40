from __future__ import annotations

import json
from typing import Any

import pytest

from rosterbridge.adapters.dry_run_jobs import LambdaDryRuns
from rosterbridge.flows.models import ObjectRef
from tests.support import flows
from tests.unit.functions.conftest import Aws, Context, Load, Output, sample

KEY = "home/fa-1/våre planted-pupils (1)+2.zip"
VERSION = {"size": 4711, "versionId": "v1"}
NOTHING_FAILED: dict[str, Any] = {"batchItemFailures": []}


def upload(aws: Aws) -> dict[str, Any]:
    """Put the sample's object into its home and return the event of it."""
    account = flows.file_account(id="fa-1", username="planted-district")
    aws.put(flows.flow(id="flow-1"), account, flows.asm_account(id="asm-1"))
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


def test_the_file_of_a_dry_run_starts_no_run_and_is_handed_on_by_its_place(
    aws: Aws, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    event, receive, begun = upload(aws), load("receive"), []
    place = "dry-runs/district-1/dry-run-1/source.zip"
    notice = json.loads(event["Records"][0]["body"])
    notice["Records"][0]["s3"] |= {"bucket": {"name": "run-files"}, "object": {**VERSION, "key": place}}
    event["Records"][0]["body"] = json.dumps(notice)
    monkeypatch.setattr(LambdaDryRuns, "start", lambda _self, *asked: begun.append(asked))

    assert receive.lambda_handler(event, Context()) == NOTHING_FAILED

    source = ObjectRef(bucket="run-files", key=place, version_id="v1")
    assert begun == [("district-1", "dry-run-1", source)]
    assert aws.history() == executions(aws) == []


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


@pytest.mark.parametrize("path", [f"/homes/{KEY}", KEY.removeprefix("home/fa-1")], ids=["in S3", "in the home"])
@pytest.mark.parametrize("first", ["failure", "notice"])
def test_an_upload_that_transfer_family_calls_failed_is_rejected(
    aws: Aws, load: Load, output: Output, path: str, first: str
) -> None:
    messages = [sample("upload_failed", PATH=path), upload(aws)]
    receive = load("receive")

    for message in messages if first == "failure" else messages[::-1]:
        assert receive.lambda_handler(message, Context()) == NOTHING_FAILED

    (run,) = aws.history()
    assert (run.status, run.error) == ("rejected", "upload-incomplete")
    assert len(executions(aws)) == (first == "notice")
    assert "planted" not in output.text()


@pytest.mark.parametrize("path", ["/homes/home/fa-1/other.zip", "/elsewhere.zip"])
def test_a_failure_of_another_file_rejects_nothing(aws: Aws, load: Load, path: str) -> None:
    event, receive = upload(aws), load("receive")

    assert receive.lambda_handler(sample("upload_failed", PATH=path), Context()) == NOTHING_FAILED
    receive.lambda_handler(event, Context())

    (run,) = aws.history()
    assert run.status == "received"


def test_a_failure_of_an_account_that_is_gone_is_passed_over(aws: Aws, load: Load) -> None:
    event = sample("upload_failed", PATH="/roster.zip")

    assert load("receive").lambda_handler(event, Context()) == NOTHING_FAILED


@pytest.mark.parametrize("body", ['{"detail-type": "SFTP Server File Upload Failed"}', '{"detail-type": "planted"}'])
def test_an_event_of_another_form_fails(aws: Aws, load: Load, output: Output, body: str) -> None:
    event = sample("s3_test")
    event["Records"][0]["body"] = body

    assert len(load("receive").lambda_handler(event, Context())["batchItemFailures"]) == 1
    assert "planted" not in output.text()


def test_an_upload_over_the_days_limit_is_recorded_and_not_started(
    aws: Aws, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UPLOAD_BYTES_PER_DAY", "4710")

    load("receive").lambda_handler(upload(aws), Context())

    (run,) = aws.history()
    assert (run.status, run.error) == ("rejected", "too-many-bytes")
    assert "4.71 KB a day" in run.summary
    assert executions(aws) == []
