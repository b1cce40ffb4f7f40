"""What CloudWatch counts: each function tells its own metrics, with nothing of people in them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from rosterbridge.errors import TransientError
from rosterbridge.flows.models import RunStatus
from rosterbridge.observability import boundary, observed
from tests.support import flows
from tests.unit.functions.conftest import Aws, Context, Load, Output, sample
from tests.unit.functions.test_notify import PLANTED, outcome, prepare, rejected
from tests.unit.functions.test_receive import upload


def test_an_upload_is_counted_when_it_starts_a_run_and_the_log_knows_the_run(
    aws: Aws, load: Load, output: Output
) -> None:
    event, receive = upload(aws), load("receive")

    receive.lambda_handler(event, Context())
    receive.lambda_handler(event, Context())

    assert output.metrics() == {"RunsReceived": 1}


def test_outcomes_are_counted_when_they_are_told(aws: Aws, load: Load, output: Output) -> None:
    prepare(aws)
    failed = flows.run(
        status=RunStatus.FAILED, ended_at=flows.AT, error="asm-host-key-refused", file_name=f"{PLANTED}.zip"
    )
    runs = [rejected(aws), aws.runs.create(failed)]

    load("notify").lambda_handler(outcome(*(json.dumps({"run_id": run.id}) for run in runs), "[]"), Context())

    assert {line["correlation_id"] for line in output.lines() if line["message"] == "told"} == {run.id for run in runs}
    assert output.metrics() == {"RunsRejected": 1, "RunsFailed": 1, "HostKeyChanged": 1}


def test_a_refused_sign_in_is_counted(aws: Aws, load: Load, output: Output) -> None:
    assert load("authenticate").lambda_handler(sample("sign_in_by_password"), Context()) == {}

    assert output.metrics() == {"SignInRefused": 1}


def test_the_watch_counts_missing_uploads_and_reads_the_gauges_also_when_it_cannot_tell(
    aws: Aws, load: Load, output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(aws, expected_by="06:00", time_zone="Europe/Berlin")
    monkeypatch.setenv("FLOW_METRICS", "true")
    watch = load("watch")
    monkeypatch.setattr(watch, "_now", lambda: datetime(2026, 10, 2, 4, 1, tzinfo=UTC))

    watch.lambda_handler({}, Context())

    age = (datetime(2026, 10, 2, 4, 1, tzinfo=UTC) - flows.AT).total_seconds()
    assert output.metrics() == {"HeldTooLong": 0, "UploadMissing": 1, "AgeOfLastSuccess": age}


def test_a_service_that_takes_no_more_is_counted(output: Output) -> None:
    @observed
    def handler(_event: dict[str, Any], _context: Any) -> None:
        with boundary():
            raise TransientError("aws-refused", "dynamodb UpdateItem ThrottlingException")

    with pytest.raises(TransientError):
        handler({}, Context())

    assert output.metrics() == {"Throttled": 1}
