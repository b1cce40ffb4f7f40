"""A new version of a function answers some calls first, and what calls a function calls the version that is live."""

import json
from types import SimpleNamespace

import aws_cdk as cdk
import pytest
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Template as Stack

from infra.lambda_function import LambdaFunction
from infra.settings import Settings, WrongSettingError, default_context, from_context
from tests.infra.assembly import Assembly, Template, as_list, as_text
from tests.infra.test_functions import USES


def settings(**changes: object) -> Settings:
    given = from_context(cdk.App(context=default_context()))
    return given.model_copy(update=changes)


def test_every_function_has_a_live_version_and_earlier_ones_are_kept_to_roll_back_to(service: Template) -> None:
    aliases = [alias["Properties"] for alias in service.all("Lambda::Alias").values()]
    named = {service.resources[alias["FunctionName"]["Ref"]]["Properties"]["FunctionName"] for alias in aliases}

    assert named == {f"rosterbridge-prod-{name}" for name in USES}
    assert {alias["Name"] for alias in aliases} == {"live"}
    for version in service.all("Lambda::Version").values():
        assert (version["DeletionPolicy"], version["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_nothing_calls_a_function_past_its_live_version(service: Template) -> None:
    aliases = [f'"{name}"' for name in service.all("Lambda::Alias")]
    called = [
        resource
        for _, statement in service.statements()
        if "lambda:InvokeFunction" in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    ]
    called += [found["Properties"]["FunctionName"] for found in service.all("Lambda::Permission").values()]
    called += [found["Properties"]["FunctionName"] for found in service.all("Lambda::EventSourceMapping").values()]
    machines = json.dumps([found["Properties"] for found in service.all("StepFunctions::StateMachine").values()])

    assert len(called) > 10
    assert [one for one in called if not any(alias in json.dumps(one) for alias in aliases)] == []
    assert [name for name in service.all("Lambda::Function") if f'"{name}"' in machines] == []


def test_a_new_version_answers_every_tenth_call_for_five_minutes_and_goes_when_it_fails(service: Template) -> None:
    groups = service.all("CodeDeploy::DeploymentGroup")
    policies = [alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"] for alias in service.all("Lambda::Alias").values()]

    assert {policy["DeploymentGroupName"]["Ref"] for policy in policies} == groups.keys()
    for group in (found["Properties"] for found in groups.values()):
        assert group["DeploymentConfigName"] == "CodeDeployDefault.LambdaCanary10Percent5Minutes"
        assert set(group["AutoRollbackConfiguration"]["Events"]) == {"DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"}
        (alarm,) = group["AlarmConfiguration"]["Alarms"]
        watched = service.resources[alarm["Name"]["Ref"]]["Properties"]
        assert (watched["Namespace"], watched["MetricName"], watched["Threshold"]) == ("AWS/Lambda", "Errors", 1)
        assert any(as_text(dimension["Value"]).endswith(":live") for dimension in watched["Dimensions"])


def test_code_deploy_may_move_these_aliases_and_nothing_else(service: Template) -> None:
    rights = {
        action: {as_text(resource).rpartition("rosterbridge-prod-")[2] for resource in as_list(found["Resource"])}
        for name, found in service.statements()
        if name.startswith("CanaryRole")
        for action in as_list(found["Action"])
        if action.startswith("lambda:")
    }
    places = {place for name in USES for place in (name, f"{name}:live")}

    assert rights.keys() == {"lambda:GetAlias", "lambda:UpdateAlias", "lambda:GetProvisionedConcurrencyConfig"}
    assert rights["lambda:UpdateAlias"] == places


def test_locally_a_deploy_is_at_once(local_assembly: Assembly) -> None:
    service = local_assembly.service

    assert service.all("CodeDeploy::DeploymentGroup") == {}
    assert all("UpdatePolicy" not in alias for alias in service.all("Lambda::Alias").values())
    assert {version["DeletionPolicy"] for version in service.all("Lambda::Version").values()} == {"Delete"}


@pytest.mark.parametrize("waited_for", [True, False])
def test_a_snapshot_is_paid_for_only_where_somebody_waits(waited_for: bool) -> None:
    stack = cdk.Stack()
    arn = "arn:aws:lambda:eu-west-1:123456789012:layer:any:1"
    layer = lambda_.LayerVersion.from_layer_version_arn(stack, "Layer", arn)
    LambdaFunction(
        stack,
        "authenticate",
        settings=settings(snap_start=True),
        layers=SimpleNamespace(runtime=lambda_.Runtime.PYTHON_3_13, versions={"rosterbridge": layer, "base": layer}),
        uses=(),
        memory=1769,
        timeout=cdk.Duration.seconds(15),
        waited_for=waited_for,
        environment={},
    )
    template = Stack.from_stack(stack)
    (function,) = template.find_resources("AWS::Lambda::Function").values()
    (version,) = template.find_resources("AWS::Lambda::Version").values()

    assert function["Properties"].get("SnapStart") == ({"ApplyOn": "PublishedVersions"} if waited_for else None)
    assert version["DeletionPolicy"] == "Delete", "a version that is kept is a snapshot that is paid for"


def test_a_snapshot_of_a_python_that_has_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.build.python_version", lambda: (3, 11))
    app = cdk.App(context={**default_context(), "snap_start": True})

    with pytest.raises(WrongSettingError, match=r"snap_start needs Python 3\.12 or newer"):
        from_context(app)
