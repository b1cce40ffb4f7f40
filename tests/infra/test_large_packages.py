"""Uploads too large for a Lambda function, in a deployment that has switched their container on."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra import build, run_states
from tests.infra.assembly import Assembly, Template, as_list, as_text
from tests.infra.test_run_states import accepted, catcher, retriers

STEPS = ("Validate", "Convert", "Guard")


@pytest.fixture(scope="module")
def runs(browser_assembly: Assembly) -> dict[str, Any]:
    return browser_assembly.definition("PipelineRuns")


@pytest.fixture(scope="module")
def switched_on(browser_assembly: Assembly) -> Template:
    return browser_assembly.service


def environment(state: dict[str, Any]) -> dict[str, str]:
    (container,) = state["Parameters"]["Overrides"]["ContainerOverrides"]
    return {one["Name"]: one.get("Value") or one["Value.$"] for one in container["Environment"]}


def test_by_default_there_is_no_container_and_no_other_way(assembly: Assembly) -> None:
    assert assembly.definition("PipelineRuns")["StartAt"] == "Validate"
    assert not assembly.service.all("ECS::TaskDefinition")
    assert not assembly.service.all("EC2::VPC")


def test_an_independent_validator_accepts_the_machine(runs: dict[str, Any], tmp_path: Path) -> None:
    assert accepted(runs, tmp_path)


def test_the_size_of_the_upload_is_asked_of_s3_first(runs: dict[str, Any]) -> None:
    measure = runs["States"][runs["StartAt"]]

    assert measure["Resource"].endswith(":states:::aws-sdk:s3:headObject")
    assert measure["Parameters"] == {"Bucket.$": "$.source.bucket", "Key.$": "$.source.key"}
    assert measure["ResultSelector"] == {"bytes.$": "$.ContentLength"}
    assert (measure["ResultPath"], measure["Next"]) == ("$.measured", "ValidateWhere?")


@pytest.mark.parametrize("name", STEPS)
def test_a_large_upload_goes_to_the_container_and_any_other_to_the_function(runs: dict[str, Any], name: str) -> None:
    choice = runs["States"][f"{name}Where?"]

    assert choice["Choices"] == [
        {"Variable": "$.measured.bytes", "NumericGreaterThanEquals": 600_000_000, "Next": f"{name}Large"}
    ]
    assert choice["Default"] == name
    assert runs["States"][f"{name}Large"]["Next"] == runs["States"][name]["Next"]
    assert runs["States"][f"{name}Large"]["ResultPath"] == runs["States"][name]["ResultPath"]


@pytest.mark.parametrize("name", STEPS)
def test_an_upload_of_which_the_function_died_goes_to_the_container_too(runs: dict[str, Any], name: str) -> None:
    for death in ("Runtime.ExitError", "Sandbox.Timedout", "States.Timeout"):
        assert catcher(runs["States"][name], death) == f"{name}Large"
    assert catcher(runs["States"][name], "PermanentError") == "ReadFailed"


@pytest.mark.parametrize("name", STEPS)
def test_the_container_fails_as_the_function_does(runs: dict[str, Any], name: str) -> None:
    large, tried = runs["States"][f"{name}Large"], retriers(runs["States"][f"{name}Large"])

    for error in ("TransientError", "PermanentError", "InputRejectedError", "KeyError"):
        assert catcher(large, error) == catcher(runs["States"][name], error)
    assert catcher(large, "Runtime.ExitError") == "RecordDied"
    assert tried["TransientError"] == retriers(runs["States"][name])["TransientError"]
    assert set(run_states.CONTAINER_FAULTS) <= tried.keys()
    assert tried["States.HeartbeatTimeout"]["MaxAttempts"] == 2
    assert not {"States.ALL", "States.TaskFailed", "PermanentError"} & tried.keys()


@pytest.mark.parametrize("name", STEPS)
def test_the_container_is_told_the_run_and_its_token_and_nothing_of_its_content(
    runs: dict[str, Any], name: str
) -> None:
    large = runs["States"][f"{name}Large"]

    assert large["Resource"].endswith(":states:::ecs:runTask.waitForTaskToken")
    assert environment(large) == {
        "TASK_TOKEN": "$$.Task.Token",
        "RUN_ID": "$.run_id",
        "FUNCTION": f"rosterbridge-prod-{name.lower()}",
    }
    assert f"Pipeline{name}FunctionRole" in large["Parameters"]["Overrides"]["TaskRoleArn"]
    assert 0 < large["HeartbeatSeconds"] < large["TimeoutSeconds"] <= 2 * 3600


def test_the_container_is_lambdas_own_image_on_arm_with_nothing_but_the_text_in_it(switched_on: Template) -> None:
    task = switched_on.one("ECS::TaskDefinition")
    (container,) = task["ContainerDefinitions"]

    assert task["RuntimePlatform"] == {"CpuArchitecture": "ARM64", "OperatingSystemFamily": "LINUX"}
    assert (task["Cpu"], task["Memory"]) == ("4096", "16384")
    assert container["Image"] == "public.ecr.aws/lambda/python:{}.{}-arm64".format(*build.python_version())
    assert container["EntryPoint"] == ["python3", "-c"]
    assert container["Command"] == [(build.ROOT / "containers" / "step.py").read_text(encoding="utf-8")]
    assert len(json.dumps(task)) < 64 * 1024


def test_a_container_acts_in_the_role_of_its_step_and_the_machine_may_give_it_no_other(switched_on: Template) -> None:
    given = {
        as_text(role)
        for name, statement in switched_on.statements()
        if name.startswith("PipelineRunsRole") and "iam:PassRole" in as_list(statement["Action"])
        for role in as_list(statement["Resource"])
    }
    lent = {
        logical_id.rpartition("Function")[0]
        for logical_id, role in switched_on.all("IAM::Role").items()
        if "ecs-tasks" in json.dumps(role) and logical_id.endswith(tuple("0123456789ABCDEF"))
        if "Function" in logical_id
    }

    assert lent == {f"Pipeline{name}" for name in STEPS}
    assert len(given) == len(STEPS) + 2
    assert all(any(f"Pipeline{name}FunctionRole" in role for role in given) for name in STEPS)


def test_no_more_files_are_sent_to_apple_at_once_than_the_setting_says(
    service: Template, switched_on: Template
) -> None:
    def most(template: Template) -> Any:
        (forward,) = [
            found["Properties"]
            for found in template.all("Lambda::Function").values()
            if found["Properties"]["FunctionName"] == "rosterbridge-prod-forward"
        ]
        return forward.get("ReservedConcurrentExecutions")

    assert (most(service), most(switched_on)) == (None, 50)
