from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID

from rosterbridge.flows.models import Run, RunStatus
from tests.support import flows
from tests.unit.functions.conftest import REGION, Aws, Context, Load, Output

NOTHING_FAILED: dict[str, Any] = {"batchItemFailures": []}
PLANTED = "Petra Planted"


def prepare(aws: Aws, **changes: Any) -> None:
    """Store an organization with an address, and its flow."""
    aws.put(flows.organization(notify=("rosters@example.org",)))
    accounts = (flows.file_account(id="fa-1"), flows.asm_account(id="asm-1"))
    aws.put(flows.flow(id="flow-1", file_account_id="fa-1", asm_account_id="asm-1", **changes), *accounts)


def rejected(aws: Aws) -> Run:
    """Store a run that was rejected."""
    return aws.runs.create(
        flows.run(
            status=RunStatus.REJECTED,
            ended_at=flows.AT,
            summary="Rejected: classes.csv is missing.",
            file_name=f"{PLANTED}.zip",
        )
    )


def outcome(*bodies: str) -> dict[str, Any]:
    records = [
        {
            "messageId": f"message-{number}",
            "body": body,
            "eventSource": "aws:sqs",
            "eventSourceARN": f"arn:aws:sqs:{REGION}:111122223333:outcomes",
        }
        for number, body in enumerate(bodies)
    ]
    return {"Records": records}


def mails() -> list[Any]:
    messages: list[Any] = get_backend("sesv2")[DEFAULT_ACCOUNT_ID][REGION].core_backend.sent_messages
    return messages


def homes(aws: Aws) -> list[str]:
    return [found["Key"] for found in aws.clients["s3"].list_objects_v2(Bucket="homes").get("Contents", [])]


def test_an_outcome_is_written_into_the_home_and_mailed_once(aws: Aws, load: Load, output: Output) -> None:
    prepare(aws)
    run = rejected(aws)
    event = outcome(json.dumps({"run_id": run.id}))

    assert load("notify").lambda_handler(event, Context()) == NOTHING_FAILED
    assert load("notify").lambda_handler(event, Context()) == NOTHING_FAILED

    beginning = "home/fa-1/reports/2026-10-01 06-30-00 rejected Petra_Planted "
    assert homes(aws) == [f"{beginning}{run.id[:8]}.csv", f"{beginning}{run.id[:8]}.txt"]
    text = aws.clients["s3"].get_object(Bucket="homes", Key=homes(aws)[1])
    assert text["ContentType"] == "text/plain; charset=utf-8"
    assert text["Body"].read().startswith(b"Rejected: classes.csv is missing.\r\n")
    (mail,) = mails()
    assert (mail.source, mail.destinations["ToAddresses"]) == ("rosterbridge@example.org", ["rosters@example.org"])
    assert run.id in mail.body
    assert "Planted" not in mail.subject + mail.body
    log = output.text()
    assert run.id in log
    assert "Planted" not in log
    assert "rosters@" not in log


def test_a_message_that_fails_comes_back_alone(aws: Aws, load: Load, output: Output) -> None:
    prepare(aws)
    run = rejected(aws)

    answer = load("notify").lambda_handler(
        outcome(f'{{"run_id": "{PLANTED}"}}', json.dumps({"run_id": run.id}), "[]"), Context()
    )

    failed = [{"itemIdentifier": "message-0"}, {"itemIdentifier": "message-2"}]
    assert answer == {"batchItemFailures": failed}
    assert len(homes(aws)) == 2
    assert "Planted" not in output.text()


def test_the_last_thirty_results_stay_in_s3(aws: Aws, load: Load) -> None:
    prepare(aws)
    runs = [
        aws.runs.create(flows.run(status=RunStatus.SUCCEEDED, ended_at=flows.AT + timedelta(minutes=minute)))
        for minute in range(32)
    ]

    load("notify").lambda_handler(outcome(*(json.dumps({"run_id": run.id}) for run in runs)), Context())

    versions = aws.clients["s3"].list_object_versions(Bucket="homes")
    assert (len(versions["Versions"]), versions.get("DeleteMarkers", [])) == (60, [])
    assert "06-30-00" not in "".join(homes(aws))


def test_a_missing_upload_is_told_once_by_the_watch(aws: Aws, load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(aws, name="Nightly roster", expected_by="06:00", time_zone="Europe/Berlin")
    watch = load("watch")
    monkeypatch.setattr(watch, "_now", lambda: datetime(2026, 10, 2, 4, 1, tzinfo=UTC))

    assert watch.lambda_handler({}, Context()) == {"told": 1}
    assert watch.lambda_handler({}, Context()) == {"told": 0}

    (mail,) = mails()
    assert 'No upload to the flow "Nightly roster" came by 06:00 (Europe/Berlin) on 2026-10-02.' in mail.body


def test_an_upload_of_the_day_is_found_by_the_watch(aws: Aws, load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(aws, expected_by="06:00", time_zone="Europe/Berlin")
    aws.runs.create(flows.run(received_at=datetime(2026, 10, 1, 22, 30, tzinfo=UTC)))
    watch = load("watch")
    monkeypatch.setattr(watch, "_now", lambda: datetime(2026, 10, 2, 4, 1, tzinfo=UTC))

    assert watch.lambda_handler({}, Context()) == {"told": 0}
    assert mails() == []
