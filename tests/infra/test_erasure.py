"""Erasing: what the function may do, and how its state machine goes on."""

from __future__ import annotations

import json

from rosterbridge.adapters import dynamodb_changes, dynamodb_erasing
from tests.infra.assembly import Assembly, Template, as_list, as_text
from tests.infra.test_functions import function_of, settings_of
from tests.infra.test_roles import allowed

ERASE = "ErasureEraseFunction"


def test_it_removes_from_tables_and_buckets_without_reading_a_file_or_writing_an_account(service: Template) -> None:
    assert allowed(service, ERASE, "FnGetAttRunFiles") == {
        "s3:ListBucketVersions",
        "s3:DeleteObject",
        "s3:DeleteObjectVersion",
    }
    assert allowed(service, ERASE, "FnGetAttHome") == allowed(service, ERASE, "FnGetAttRunFiles")
    assert allowed(service, ERASE, "FnGetAttRunsE") == {"dynamodb:Query", "dynamodb:DeleteItem"}
    (written,) = [
        found["Condition"]
        for name, found in service.statements()
        if name.startswith(ERASE) and "dynamodb:UpdateItem" in as_list(found["Action"])
    ]
    assert written == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [dynamodb_erasing.ERASURES]}}


def test_it_reaches_every_partition_but_those_of_operators_and_source_addresses(service: Template) -> None:
    (condition,) = [
        found["Condition"]
        for name, found in service.statements()
        if name.startswith(ERASE)
        and "dynamodb:DeleteItem" in as_list(found["Action"])
        and "FnGetAttAccounts" in json.dumps(found["Resource"])
    ]
    partitions = set(condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"])

    assert {
        *(dynamodb_changes.HOMES, dynamodb_changes.LANES, dynamodb_changes.STARTS, dynamodb_changes.WATCHES),
        *("organization#*", "organizations", "username#*", "file-account#*", "lane#*", "notice#*", "request#*"),
    } <= partitions
    assert not {"operators", "sign-in#*", "sign-in#address#*", "*"} & partitions


def test_it_stops_executions_of_runs_and_removes_users_of_this_pool(service: Template) -> None:
    stops = [
        as_text(found["Resource"])
        for name, found in service.statements()
        if name.startswith(ERASE) and "states:StopExecution" in as_list(found["Action"])
    ]

    assert len(stops) == 1
    assert ":execution:" in stops[0]
    assert "PipelineRuns" in stops[0]
    assert allowed(service, ERASE, "SignInPool") == {
        "cognito-idp:AdminGetUser",
        "cognito-idp:AdminUserGlobalSignOut",
        "cognito-idp:AdminDeleteUser",
    }


def test_nothing_is_removed_before_every_function_has_ended_that_may_write(assembly: Assembly) -> None:
    service = assembly.service
    quiet = int(settings_of(service, "erase")["QUIET_SECONDS"])
    writers = ("receive", "validate", "convert", "guard", "forward", "notify", "api", "sweep")

    assert quiet > max(function_of(service, name)["Timeout"] for name in writers)
    assert assembly.definition("ErasureErasures")["States"]["WaitUntilNothingRuns"]["Seconds"] > quiet


def test_it_is_called_until_it_is_done(assembly: Assembly) -> None:
    states = assembly.definition("ErasureErasures")["States"]
    ways = {choice["StringEquals"]: choice["Next"] for choice in states["Next?"]["Choices"]}

    assert ways == {"wait": "WaitUntilNothingRuns", "again": "Erase", "done": "Erased"}
    assert states["WaitUntilNothingRuns"]["Next"] == "Erase"
    assert {"TransientError", "Sandbox.Timedout"} <= {
        name for retry in states["Erase"]["Retry"] for name in retry["ErrorEquals"]
    }
