"""Who may tell whom: the queue of outcomes, the results in homes, and notices by SES or SNS."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

import app as application
from infra.settings import default_context
from rosterbridge.adapters.dynamodb_changes import WATCHES
from rosterbridge.adapters.dynamodb_notices import HOLDS
from rosterbridge.flows.result_files import REPORTS
from tests.infra.assembly import UNCOPIED, Template, as_list, as_text
from tests.infra.test_functions import function_of, settings_of
from tests.infra.test_roles import allowed, rights

NOTIFY, WATCH = "NotificationsNotifyFunction", "NotificationsWatchFunction"
SENDER = "rosterbridge@example.org"


def synthesized(folder: Path, **settings: Any) -> Template:
    """Return the service stack of these settings, which cdk-nag has checked."""
    app = cdk.App(context=default_context() | UNCOPIED | settings, outdir=str(folder))
    application.build(app)
    app.synth()
    return Template(folder / "Rosterbridge-prod-Service.template.json")


@pytest.fixture(scope="module")
def by_mail(layers: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Template:
    folder = tmp_path_factory.mktemp("by-mail")
    return synthesized(folder, notify_by="ses", notify_from=SENDER, console_origin="https://console.example")


@pytest.fixture(scope="module")
def by_topic(layers: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Template:
    return synthesized(tmp_path_factory.mktemp("by-topic"), notify_by="sns")


def written(service: Template, role: str) -> list[dict[str, Any]]:
    """Return the conditions under which a role may write into a table."""
    return [
        found["Condition"]
        for name, found in service.statements()
        if name.startswith(role) and "dynamodb:UpdateItem" in as_list(found["Action"])
    ]


def test_an_outcome_is_tried_five_times_before_it_is_put_aside(service: Template) -> None:
    (mapping,) = [
        found["Properties"]
        for name, found in service.all("Lambda::EventSourceMapping").items()
        if name.startswith("Notifications")
    ]
    queue = service.one("SQS::Queue", "OutcomesQueue")

    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert queue["RedrivePolicy"]["maxReceiveCount"] == 5
    assert queue["VisibilityTimeout"] >= 6 * function_of(service, "notify")["Timeout"]
    assert queue["SqsManagedSseEnabled"] is True


def test_who_ends_or_holds_a_run_may_tell_and_do_no_more_with_the_queue(service: Template) -> None:
    senders = {
        name.split("Role")[0] for name, found in service.statements() if "sqs:SendMessage" in as_list(found["Action"])
    }

    for role in ("PipelineReceiveFunction", "PipelineGuardFunction"):
        assert role in senders
        assert allowed(service, role, "OutcomesQueue") == {"sqs:SendMessage"}
    assert settings_of(service, "receive")["OUTCOMES_QUEUE_URL"] == settings_of(service, "guard")["OUTCOMES_QUEUE_URL"]


def test_results_are_all_that_notify_writes_into_a_home_and_it_reads_no_upload(service: Template) -> None:
    on_objects = {
        action: as_text(found["Resource"]).partition("/")[2]
        for name, found in service.statements()
        if name.startswith(NOTIFY)
        for action in as_list(found["Action"])
        if action.startswith("s3:") and not action.startswith("s3:List")
    }

    assert on_objects == {
        "s3:GetObject": "runs/*/report.json",
        "s3:PutObject": f"home/*/{REPORTS}/*",
        "s3:DeleteObject": f"home/*/{REPORTS}/*",
        "s3:DeleteObjectVersion": f"home/*/{REPORTS}/*",
    }


def test_what_was_told_is_noted_and_no_account_could_be_changed(service: Template) -> None:
    keys = {"dynamodb:LeadingKeys": ["notice#*", HOLDS]}

    assert written(service, NOTIFY) == [{"ForAllValues:StringLike": keys}]
    assert written(service, WATCH) == [
        {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["notice#*", WATCHES]}},
    ]


def test_what_waits_no_longer_is_forgotten_and_nothing_else(service: Template) -> None:
    removed = [
        (name, found["Condition"])
        for name, found in service.statements()
        if name.startswith("Notifications") and "dynamodb:DeleteItem" in as_list(found["Action"])
    ]

    assert [name.split("Role")[0] for name, _ in removed] == [NOTIFY, WATCH]
    for _, condition in removed:
        assert condition == {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [HOLDS]}}


def test_the_watch_runs_each_five_minutes(service: Template) -> None:
    (rule,) = [found for name, found in service.all("Events::Rule").items() if name.startswith("Notifications")]

    assert rule["Properties"]["ScheduleExpression"] == "rate(5 minutes)"


def test_by_default_nobody_can_be_told_anything(service: Template) -> None:
    assert settings_of(service, "notify")["NOTIFY_BY"] == "none"
    assert [name for name in service.all("SNS::Topic") if name.startswith("Notifications")] == []
    everything = {action for role in (NOTIFY, WATCH) for action in rights(service, role)}
    assert [action for action in everything if action.startswith(("ses:", "sns:"))] == []


def test_mail_has_the_one_sender(by_mail: Template) -> None:
    for role in (NOTIFY, WATCH):
        (sending,) = [
            found
            for name, found in by_mail.statements()
            if name.startswith(role) and "ses:SendEmail" in as_list(found["Action"])
        ]
        assert sending["Condition"] == {"StringEquals": {"ses:FromAddress": SENDER}}
        named = {as_text(resource).rpartition(":")[2] for resource in as_list(sending["Resource"])}
        assert named == {f"identity/{SENDER}", "identity/example.org"}
    told = settings_of(by_mail, "watch")
    assert (told["NOTIFY_FROM"], told["CONSOLE_ORIGIN"]) == (SENDER, "https://console.example")


def test_a_topic_is_encrypted_and_the_api_may_do_nothing_but_subscribe(by_topic: Template) -> None:
    (name,) = [name for name in by_topic.all("SNS::Topic") if name.startswith("Notifications")]

    assert "KmsMasterKeyId" in by_topic.resources[name]["Properties"]
    assert allowed(by_topic, "ApiApiFunction", name) == {"sns:Subscribe"}
    for role in (NOTIFY, WATCH):
        assert allowed(by_topic, role, name) == {"sns:Publish"}
        services = [
            json.dumps(found["Condition"])
            for owner, found in by_topic.statements()
            if owner.startswith(role) and "kms:GenerateDataKey" in as_list(found["Action"])
        ]
        assert any("sns." in service for service in services)
