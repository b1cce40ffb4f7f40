"""Dashboards, alarms, and the runbook that has a page for each of them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from infra.alarms import ANSWERING, DEPLOYING, STEPS
from infra.build import ROOT
from rosterbridge import measures
from tests.infra.assembly import Assembly, Template, as_text

RUNBOOK = ROOT / "docs" / "runbook.md"
PARTS = ("Means", "A school notices", "Look", "Mend", "Over")


@pytest.fixture(scope="module")
def alarms(service: Template) -> dict[str, dict[str, Any]]:
    """The alarms by their names, without the beginning that says of which deployment they are."""
    found = [alarm["Properties"] for name, alarm in service.all("CloudWatch::Alarm").items() if "Monitoring" in name]
    return {alarm["AlarmName"].removeprefix("rosterbridge-prod-"): alarm for alarm in found}


def pages(runbook: Path = RUNBOOK) -> dict[str, str]:
    _, *sections = re.split(r"^## (.+)\n", runbook.read_text(encoding="utf-8"), flags=re.MULTILINE)
    found = dict(zip(sections[::2], sections[1::2], strict=True))
    return {heading: text for heading, text in found.items() if heading == heading.lower()}


def watched(alarms: dict[str, dict[str, Any]], metric: str) -> set[str]:
    """Return what the alarms on a metric are about, by logical ids."""
    return {
        reference
        for alarm in alarms.values()
        if alarm["MetricName"] == metric
        for dimension in alarm.get("Dimensions", [])
        for reference in re.findall(r'"(?:Ref|Fn::GetAtt|Fn::ImportValue)": \[?"([^"]+)"', json.dumps(dimension))
    }


def test_each_alarm_has_its_page_and_each_page_its_alarm(alarms: dict[str, dict[str, Any]]) -> None:
    assert pages().keys() == alarms.keys()


def test_each_page_says_what_it_means_what_is_noticed_and_what_to_do() -> None:
    for heading, text in pages().items():
        assert re.findall(r"^\*\*(.+?)\.\*\*", text, flags=re.MULTILINE) == list(PARTS), heading


def test_each_alarm_tells_the_topic_of_its_beginning_and_its_end_and_names_its_page(
    service: Template, alarms: dict[str, dict[str, Any]]
) -> None:
    (topic,) = [name for name in service.all("SNS::Topic") if name.startswith("Monitoring")]

    for name, alarm in alarms.items():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": topic}], name
        assert alarm["TreatMissingData"] == "notBreaching", name
        assert re.fullmatch(rf"[A-Z].+\. See docs/runbook\.md, {name}\.", alarm["AlarmDescription"]), name


def test_only_cloudwatch_for_this_account_may_tell_the_topic(service: Template, data: Template) -> None:
    (topic,) = [found for name, found in service.all("SNS::Topic").items() if name.startswith("Monitoring")]
    policies = (service.one("SNS::TopicPolicy", "Monitoring")["PolicyDocument"], data.one("KMS::Key")["KeyPolicy"])

    assert "KmsMasterKeyId" in topic["Properties"]
    for policy in policies:
        (statement,) = [
            found for found in policy["Statement"] if found["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
        ]
        assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_each_dead_letter_queue_has_an_alarm(
    service: Template, data: Template, alarms: dict[str, dict[str, Any]]
) -> None:
    dead = {name for name in service.all("SQS::Queue") if "Dead" in name}
    kept = {name for name in data.all("SQS::Queue") if "Dead" in name}
    seen = watched(alarms, "ApproximateNumberOfMessagesVisible")

    assert dead
    assert kept
    assert dead <= seen
    assert len(seen) == len(dead) + len(kept)


def test_the_errors_of_each_function_have_an_alarm(service: Template, alarms: dict[str, dict[str, Any]]) -> None:
    functions = {
        found["Properties"]["FunctionName"].removeprefix("rosterbridge-prod-"): name
        for name, found in service.all("Lambda::Function").items()
    }
    by_own = {name for name, logical_id in functions.items() if logical_id in watched(alarms, "Errors")}
    definitions = json.dumps([found["Properties"] for found in service.all("StepFunctions::StateMachine").values()])

    assert {*STEPS, *ANSWERING, *DEPLOYING} < functions.keys()
    assert by_own == functions.keys() - {*STEPS, *ANSWERING, *DEPLOYING}
    for step in STEPS:  # what comes of their errors in the end is a failed execution, which has an alarm
        assert functions[step][:-8] in definitions  # by its alias, which has another ending
    assert {"runs-failed", "erasures-failed", "api-faults"} <= alarms.keys()


def test_what_the_functions_tell_is_what_alarms_and_dashboards_read(
    service: Template, alarms: dict[str, dict[str, Any]]
) -> None:
    own = {alarm["MetricName"] for alarm in alarms.values() if alarm["Namespace"] == measures.NAMESPACE}
    boards = "".join(
        as_text(found["Properties"]["DashboardBody"]) for found in service.all("CloudWatch::Dashboard").values()
    )
    told = {
        *(measures.RUNS_RECEIVED, measures.TIME_TO_DELIVERY, measures.AGE_OF_LAST_SUCCESS, measures.HELD_TOO_LONG),
        *(measures.UPLOAD_MISSING, measures.SIGN_IN_REFUSED, measures.CIRCUIT_OPENED, measures.THROTTLED),
        *measures.RUNS_BY_STATUS.values(),
        *measures.BY_ERROR.values(),
    }

    assert own <= told
    assert {name for name in told if name not in boards} == set()
    for alarm in alarms.values():
        if alarm["Namespace"] == measures.NAMESPACE:
            assert alarm["Dimensions"] == [{"Name": "service", "Value": measures.service_of("prod")}]


def test_two_dashboards_show_the_runs_and_the_parts(service: Template) -> None:
    boards = {
        found["Properties"]["DashboardName"]: json.loads(as_text(found["Properties"]["DashboardBody"]))
        for found in service.all("CloudWatch::Dashboard").values()
    }

    assert boards.keys() == {"Rosterbridge-prod-Runs", "Rosterbridge-prod-Internals"}
    runs, parts = (json.dumps(boards[f"Rosterbridge-prod-{name}"]) for name in ("Runs", "Internals"))
    assert 'SEARCH(\'{Rosterbridge,flow_id,service} MetricName=\\"AgeOfLastSuccess\\"' in runs
    assert all(statistic in runs for statistic in ('"p50"', '"p99"'))
    for part in ("AWS/Lambda", "AWS/SQS", "AWS/States", "AWS/DynamoDB", "AWS/ApiGateway", "AWS/Transfer"):
        assert part in parts
    for name in service.all("Lambda::Function"):
        assert name in json.dumps(service.all("CloudWatch::Dashboard")), f"{name} is on no dashboard"


def test_the_log_of_sessions_is_counted(service: Template) -> None:
    filters = [found["Properties"] for found in service.all("Logs::MetricFilter").values()]
    (destination,) = service.one("Transfer::Server")["StructuredLogDestinations"]

    for activity in ("AUTH_FAILURE", "KEX_FAILURE", "PARTIAL_CLOSE", "CONNECTED"):
        (found,) = [one for one in filters if f'"{activity}"' in one["FilterPattern"]]
        assert found["LogGroupName"] == {"Ref": destination["Fn::GetAtt"][0]}


def test_addresses_hear_of_alarms_when_the_settings_name_them(service: Template, browser_assembly: Assembly) -> None:
    assert service.all("SNS::Subscription") == {}
    told = [found["Properties"] for found in browser_assembly.service.all("SNS::Subscription").values()]
    assert [(one["Protocol"], one["Endpoint"]) for one in told] == [("email", "operator@district.example")]


def test_the_api_names_the_log_groups_of_a_run(service: Template) -> None:
    groups = as_text(service.one("Lambda::Function", "Api")["Environment"]["Variables"]["RUN_LOG_GROUPS"]).split(",")

    assert len(groups) == 7
    assert groups[-1] == "/aws/vendedlogs/states/rosterbridge-prod-runs"
    assert all(group in service.all("Logs::LogGroup") for group in groups[:-1])


def test_the_outputs_tell_what_to_do_first(service: Template) -> None:
    outputs = {name: as_text(output["Value"]) for name, output in service.outputs.items()}

    assert outputs["RunsDashboard"].endswith("#dashboards:name=Rosterbridge-prod-Runs")
    assert outputs["InternalsDashboard"].endswith("#dashboards:name=Rosterbridge-prod-Internals")
    assert re.match(r"aws transfer test-identity-provider .*--server-id \S+ ", outputs["TestSignIn"])
    assert "admin-create-user" in outputs["FirstOperator"]
    assert "--group-name operator" in outputs["FirstOperator"]
