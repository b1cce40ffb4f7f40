"""The function of dry runs: what it finds stands in its record, and nothing of the file in its log."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rosterbridge.errors import PermanentError
from rosterbridge.flows.dry_runs import REPORT
from rosterbridge.flows.models import DryRun, Flow
from rosterbridge.flows.run_files import DRY_RUN_SOURCE, dry_run_object
from tests.support import flows, rosters
from tests.unit.functions.conftest import Aws, Context, Load, Output

PLANTED = ("Holm", "cy@school.example", "planted")


def event(aws: Aws, content: bytes, *, flow_id: str = "flow-1") -> dict[str, Any]:
    """Leave a dry run whose file has come, as API and S3 do."""
    dry_run = flows.dry_run(id="dry-run-1", flow_id=flow_id, file_name="planted.zip")
    aws.put(flows.flow(id="flow-1"), flows.file_account(id="fa-1"), flows.asm_account(id="asm-1"), dry_run)
    place = dry_run_object("run-files", dry_run.organization_id, dry_run.id, DRY_RUN_SOURCE)
    stored = aws.clients["s3"].put_object(Bucket=place.bucket, Key=place.key, Body=content)
    source = place.model_copy(update={"version_id": stored["VersionId"]})
    return {
        "organization_id": dry_run.organization_id,
        "dry_run_id": dry_run.id,
        "source": source.model_dump(),
    }


def found(aws: Aws) -> DryRun:
    stored = aws.accounts.get(DryRun, flows.ORGANIZATION, "dry-run-1")
    assert stored is not None
    return stored


def test_what_it_finds_is_kept_once_and_no_log_shows_a_pupil(aws: Aws, load: Load, output: Output) -> None:
    asked = event(aws, rosters.zip_bytes(rosters.oneroster_1_1()))
    handler = load("dry_run").lambda_handler

    handler(asked, Context())
    handler(asked, Context())  # Lambda may call it again

    seen = found(aws)
    assert (seen.status, seen.verdict, seen.error) == ("done", "send", None)
    assert seen.counts["students_added"] > 0
    assert seen.expires_at == flows.dry_run().expires_at
    key = dry_run_object("run-files", flows.ORGANIZATION, "dry-run-1", REPORT).key
    assert json.loads(aws.clients["s3"].get_object(Bucket="run-files", Key=key)["Body"].read())["accepted"] is True
    assert aws.history() == []
    assert [line["outcome"] for line in output.lines() if "outcome" in line] == ["send", "nobody waits"]
    assert not [word for word in PLANTED if word in output.text()]


def test_what_goes_wrong_stands_in_the_record_and_fails_the_function(aws: Aws, load: Load) -> None:
    asked = event(aws, b"any", flow_id="flow-of-nobody")

    with pytest.raises(PermanentError, match="flow-missing"):
        load("dry_run").lambda_handler(asked, Context())

    assert (found(aws).status, found(aws).error) == ("failed", "flow-missing")
    assert aws.accounts.get(Flow, flows.ORGANIZATION, "flow-1") is not None
