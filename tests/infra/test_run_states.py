import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from rosterbridge import errors
from rosterbridge.adapters.dynamodb_items import from_item
from rosterbridge.adapters.dynamodb_runs import run_to_item
from rosterbridge.flows.forwarding import Forwarding
from rosterbridge.flows.guarding import Guarding
from rosterbridge.flows.messages import FAILURES
from rosterbridge.flows.processing import Conversion, Validation
from tests.infra.assembly import Assembly, Template
from tests.infra.offline import BIN, ROOT
from tests.support import flows

STEPS = ("Validate", "Convert", "Guard", "Forward")
# How each ending that is no failure is recorded: status, and the code whose sentence the run shows
ENDINGS = {
    "Succeeded": ("succeeded", None),
    "Rejected": ("rejected", None),
    "Superseded": ("superseded", "run-overtaken"),
    "DeltaOvertaken": ("rejected", "delta-overtaken"),
    "HoldRejected": ("rejected", "hold-rejected"),
    "HoldExpired": ("rejected", "hold-expired"),
}
FAILED = ("GaveUp", "Failed", "Died")
LADDER_MINUTES = [2, 8, 32, 128, 512]


@pytest.fixture(scope="module")
def runs(assembly: Assembly) -> dict[str, Any]:
    return assembly.definition("PipelineRuns")


@pytest.fixture(scope="module")
def closing(assembly: Assembly) -> dict[str, Any]:
    return assembly.definition("PipelineClosing")


def accepted(definition: dict[str, Any], folder: Path) -> bool:
    file = folder / "definition.json"
    file.write_text(json.dumps(definition))
    command = [str(BIN / "node"), str(ROOT / "node_modules/.bin/asl-validator"), "--json-path", str(file)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def retriers(state: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {error: retrier for retrier in state["Retry"] for error in retrier["ErrorEquals"]}


def path_from(definition: dict[str, Any], name: str) -> Iterator[str]:
    """Yield the states that follow one another from ``name`` on, without choices."""
    while name:
        yield name
        name = definition["States"][name].get("Next", "")


def catcher(state: dict[str, Any], error: str) -> str:
    return next(found["Next"] for found in state["Catch"] if {error, "States.ALL"} & set(found["ErrorEquals"]))


def expression(definition: dict[str, Any], name: str) -> dict[str, Any]:
    parameters = definition["States"][name]["Parameters"]
    return {key: next(iter(value.values())) for key, value in parameters["ExpressionAttributeValues"].items()}


def test_both_machines_are_standard_traced_and_their_logs_hold_no_data(service: Template) -> None:
    for name in ("PipelineRuns", "PipelineClosing"):
        machine = service.one("StepFunctions::StateMachine", name)

        assert machine["StateMachineType"] == "STANDARD"
        assert machine["TracingConfiguration"] == {"Enabled": True}
        assert machine["LoggingConfiguration"]["IncludeExecutionData"] is False


@pytest.mark.parametrize("machine", ["PipelineRuns", "PipelineClosing"])
def test_an_independent_validator_accepts_the_machine(assembly: Assembly, machine: str, tmp_path: Path) -> None:
    assert accepted(assembly.definition(machine), tmp_path)


def test_the_validator_refuses_a_machine_that_leads_nowhere(runs: dict[str, Any], tmp_path: Path) -> None:
    broken = json.loads(json.dumps(runs))
    broken["States"]["Convert"]["Next"] = "Nowhere"

    assert not accepted(broken, tmp_path)


def test_the_validator_refuses_a_wrong_path(runs: dict[str, Any], tmp_path: Path) -> None:
    broken = json.loads(json.dumps(runs))
    broken["States"]["Validate"]["Parameters"]["run_id.$"] = "$.["

    assert not accepted(broken, tmp_path)


def ways(definition: dict[str, Any], step: str) -> dict[str, str]:
    """Return which state follows by the word that a step's function answers."""
    choice = definition["States"][definition["States"][step]["Next"]]
    assert "Default" not in choice  # another word is a fault
    return {way["StringEquals"]: way["Next"] for way in choice["Choices"]}


def test_an_upload_goes_from_step_to_step_by_what_each_of_them_answers(runs: dict[str, Any]) -> None:
    assert runs["StartAt"] == "Validate"
    assert {step: ways(runs, step) for step in (*STEPS, "Hold")} == {
        "Validate": {"accepted": "Convert", "waiting": "WaitForTurn", "rejected": "RecordRejected"},
        "Convert": {
            "converted": "Guard",
            "stale": "Validate",
            "lost": "RecordDeltaOvertaken",
            "superseded": "RecordSuperseded",
        },
        "Guard": {"forward": "Forward", "hold": "Hold", "superseded": "RecordSuperseded"},
        "Hold": {"approved": "Guard", "rejected": "RecordHoldRejected", "superseded": "RecordSuperseded"},
        "Forward": {
            "sent": "RecordSucceeded",
            "busy": "WaitForLane",
            "stale": "Guard",
            "superseded": "RecordSuperseded",
        },
    }
    assert runs["States"]["WaitForTurn"]["Next"] == "Validate"
    assert runs["States"]["WaitForLane"]["Next"] == "Forward"


def test_the_words_are_those_that_the_functions_answer(runs: dict[str, Any]) -> None:
    answered = {
        "Validate": get_args(Validation.model_fields["outcome"].annotation),
        "Convert": get_args(Conversion.model_fields["outcome"].annotation),
        "Guard": get_args(Guarding.model_fields["decision"].annotation),
        "Forward": get_args(Forwarding.model_fields["outcome"].annotation),
    }

    for step, words in answered.items():
        assert set(words) == set(ways(runs, step))


@pytest.mark.parametrize("name", ENDINGS)
def test_an_ending_is_recorded_told_and_no_failure_of_the_execution(runs: dict[str, Any], name: str) -> None:
    status, code = ENDINGS[name]

    assert list(path_from(runs, f"Record{name}")) == [f"Record{name}", f"Tell{name}", name]
    assert runs["States"][name]["Type"] == "Succeed"
    recorded = expression(runs, f"Record{name}")
    assert (recorded[":status"], recorded.get(":error")) == (status, code)
    assert recorded.get(":summary") == (FAILURES[code] if code else None)


@pytest.mark.parametrize("name", [*ENDINGS, *FAILED])
def test_what_is_told_of_an_ending_is_the_runs_id_and_nothing_else(runs: dict[str, Any], name: str) -> None:
    told = runs["States"][f"Tell{name}"]

    assert told["Resource"].endswith(":states:::sqs:sendMessage")
    assert told["Parameters"]["MessageBody"] == {"run_id.$": "$.run_id"}
    assert told["ResultPath"] is None
    assert retriers(told)["States.ALL"]["MaxAttempts"] == 6


def test_a_held_run_waits_a_week_for_somebody_who_has_its_token(runs: dict[str, Any]) -> None:
    hold = runs["States"]["Hold"]

    assert hold["Resource"].endswith(":states:::lambda:invoke.waitForTaskToken")
    assert hold["Parameters"]["Payload"] == {"run_id.$": "$.run_id", "task_token.$": "$$.Task.Token"}
    assert hold["TimeoutSeconds"] == 7 * 86_400
    assert hold["TimeoutSeconds"] + sum(LADDER_MINUTES) * 60 < runs["TimeoutSeconds"]
    assert catcher(hold, "States.Timeout") == "RecordHoldExpired"
    assert "States.Timeout" not in retriers(hold)


@pytest.mark.parametrize("name", STEPS)
def test_a_step_is_told_the_run_and_nothing_of_its_content(runs: dict[str, Any], name: str) -> None:
    assert runs["States"][name]["Parameters"] == {"run_id.$": "$.run_id"}


@pytest.mark.parametrize("name", STEPS)
def test_no_step_waits_without_end(runs: dict[str, Any], name: str) -> None:
    assert 600 < runs["States"][name]["TimeoutSeconds"] < 900


def test_a_delivery_is_tried_again_by_the_ladder_that_users_know(runs: dict[str, Any]) -> None:
    ladder = retriers(runs["States"]["Forward"])["TransientError"]
    waits = [ladder["IntervalSeconds"] * ladder["BackoffRate"] ** n / 60 for n in range(ladder["MaxAttempts"])]

    assert waits == LADDER_MINUTES
    assert sum(waits) * 60 < runs["TimeoutSeconds"]
    assert ladder["JitterStrategy"] == "NONE"


@pytest.mark.parametrize("name", STEPS)
def test_only_what_can_pass_by_itself_is_tried_again(runs: dict[str, Any], name: str) -> None:
    tried = retriers(runs["States"][name])

    assert errors.TransientError.__name__ in tried
    assert {"Lambda.TooManyRequestsException", "Lambda.ServiceException"} <= tried.keys()
    assert not {"States.ALL", "States.TaskFailed", "PermanentError", "InputRejectedError"} & tried.keys()


@pytest.mark.parametrize("name", STEPS)
def test_a_function_that_died_is_started_again_twice_at_most(runs: dict[str, Any], name: str) -> None:
    for death in ("Sandbox.Timedout", "Lambda.Unknown", "Runtime.ExitError", "States.Timeout"):
        assert retriers(runs["States"][name])[death]["MaxAttempts"] == 2


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize(
    ("error", "states"),
    [
        (errors.TransientError.__name__, ["ReadGaveUp", "RecordGaveUp", "TellGaveUp", "GaveUp"]),
        (errors.PermanentError.__name__, ["ReadFailed", "RecordFailed", "TellFailed", "Failed"]),
        (errors.InputRejectedError.__name__, ["ReadFailed", "RecordFailed", "TellFailed", "Failed"]),
        ("Sandbox.Timedout", ["RecordDied", "TellDied", "Died"]),
        ("KeyError", ["RecordDied", "TellDied", "Died"]),
    ],
)
def test_every_failure_of_a_step_is_recorded_before_the_execution_fails(
    runs: dict[str, Any], name: str, error: str, states: list[str]
) -> None:
    assert list(path_from(runs, catcher(runs["States"][name], error))) == states
    assert runs["States"][states[-1]]["Type"] == "Fail"


@pytest.mark.parametrize("name", [*ENDINGS, *FAILED])
def test_a_record_says_how_and_when_the_run_ended(runs: dict[str, Any], name: str) -> None:
    state = runs["States"][f"Record{name}"]

    assert state["Resource"].endswith(":states:::dynamodb:updateItem")
    assert expression(runs, f"Record{name}")[":status"] == ENDINGS.get(name, ("failed",))[0]
    assert expression(runs, f"Record{name}")[":now"] == "$$.State.EnteredTime"
    assert state["Parameters"]["Key"] == {"id": {"S.$": "$.run_id"}}
    assert state["ResultPath"] is None


@pytest.mark.parametrize("name", [*ENDINGS, *FAILED])
def test_a_run_that_was_ended_from_outside_keeps_that_end(runs: dict[str, Any], name: str) -> None:
    state = runs["States"][f"Record{name}"]

    assert state["Parameters"]["ConditionExpression"] == "attribute_exists(id) AND attribute_not_exists(ended_at)"
    assert catcher(state, "DynamoDB.ConditionalCheckFailedException") == f"Tell{name}"


@pytest.mark.parametrize(
    ("machine", "name", "status"),
    [
        *(("PipelineRuns", f"Record{name}", status) for name, (status, _) in ENDINGS.items()),
        ("PipelineRuns", "RecordGaveUp", "failed"),
        ("PipelineRuns", "RecordFailed", "failed"),
        ("PipelineRuns", "RecordDied", "failed"),
        ("PipelineClosing", "CloseRecord", "failed"),
    ],
)
def test_an_ended_run_is_listed_under_the_status_that_it_ended_with(
    assembly: Assembly, machine: str, name: str, status: str
) -> None:
    parameters = assembly.definition(machine)["States"][name]["Parameters"]
    stored = from_item(run_to_item(flows.run()))

    assert "project_status = status_keys.#ended_as" in parameters["UpdateExpression"]
    assert parameters["ExpressionAttributeNames"]["#ended_as"] == status
    assert stored["status_keys"][status].endswith(f"#{status}")


def test_a_failed_run_names_the_code_of_its_error(runs: dict[str, Any]) -> None:
    code = "States.ArrayGetItem(States.StringSplit($.failure.errorMessage, ':'), 0)"

    assert runs["States"]["ReadFailed"]["Parameters"]["failure.$"] == "States.StringToJson($.failure.Cause)"
    assert expression(runs, "RecordFailed")[":error"] == code
    assert expression(runs, "RecordGaveUp")[":error"] == code


def test_a_run_whose_function_died_or_that_was_stopped_says_so_in_a_sentence(
    runs: dict[str, Any], closing: dict[str, Any]
) -> None:
    said = {
        expression(definition, name).get(":error"): expression(definition, name)[":summary"]
        for definition, name in ((runs, "RecordDied"), (closing, "CloseRecord"))
    }

    assert said == {code: FAILURES[code] for code in ("step-stopped", "run-stopped")}
    assert expression(runs, "RecordGaveUp")[":summary"] == FAILURES["gave-up"]


def test_an_execution_that_ended_outside_is_closed_unless_it_closed_itself(closing: dict[str, Any]) -> None:
    close = closing["States"]["CloseRecord"]
    (caught,) = close["Catch"]

    assert close["Parameters"]["ConditionExpression"] == "attribute_exists(id) AND attribute_not_exists(ended_at)"
    assert caught["ErrorEquals"] == ["DynamoDB.ConditionalCheckFailedException"]
    assert closing["States"][caught["Next"]]["Type"] == "Succeed"


def test_every_end_without_success_starts_the_closing_with_the_runs_id(service: Template) -> None:
    rule = service.one("Events::Rule", "Pipeline")
    (target,) = rule["Targets"]
    detail = rule["EventPattern"]["detail"]

    assert detail["status"] == ["FAILED", "TIMED_OUT", "ABORTED"]
    assert detail["stateMachineArn"][0]["Ref"].startswith("PipelineRuns")
    assert target["Arn"]["Ref"].startswith("PipelineClosing")
    assert target["InputTransformer"] == {
        "InputPathsMap": {"detail-name": "$.detail.name"},
        "InputTemplate": '{"run_id":<detail-name>}',
    }


def test_an_end_that_could_not_be_closed_waits_in_the_dead_letters(service: Template) -> None:
    (target,) = service.one("Events::Rule", "Pipeline")["Targets"]
    queue = target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0]

    assert service.resources[queue]["Properties"]["MessageRetentionPeriod"] == 14 * 86_400
    assert service.resources[queue]["Properties"]["SqsManagedSseEnabled"] is True
    assert target["RetryPolicy"]["MaximumRetryAttempts"] == 10
