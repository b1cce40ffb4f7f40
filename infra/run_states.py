"""The states of a run: which step follows which, what is tried again, and how every ending reaches the record."""

from __future__ import annotations

import runpy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from infra.build import OWN_CODE
from infra.settings import Settings

DAYS = 8  # longer than any ladder that the settings allow
# Read from its file: the environment that deploys need not have Rosterbridge itself installed
SENTENCES: Mapping[str, str] = runpy.run_path(str(OWN_CODE / "rosterbridge" / "flows" / "messages.py"))["FAILURES"]

# What Lambda itself may answer although nothing is wrong with the step
LAMBDA_FAULTS = (
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
)
# A function that died or was stopped in the middle
LAMBDA_DEATHS = ("Lambda.Unknown", "Sandbox.Timedout", "Runtime.ExitError", "States.Timeout")
DYNAMODB_FAULTS = (
    "InternalServerErrorException",
    "ProvisionedThroughputExceededException",
    "SdkClientException",
    "ThrottlingException",
)
# The classes of rosterbridge.errors that a function raises: matched by their exact names
TRANSIENT = "TransientError"
FINAL = ("PermanentError", "InputRejectedError")
NOW = "$$.State.EnteredTime"


SEE_RECORD = "The run's record names the step and the code"

Failures = Sequence[tuple[Sequence[str], sfn.IChainable]]


@dataclass(frozen=True)
class Ladder:
    """How a step is tried again: first wait, growth, number of repeats."""

    interval: cdk.Duration
    rate: float
    attempts: int


def main_chain(
    scope: Construct,
    *,
    table: dynamodb.ITable,
    validate: lambda_.IFunction,
    convert: lambda_.IFunction,
    forward: lambda_.IFunction,
    settings: Settings,
) -> sfn.IChainable:
    """Return validate → accepted? → convert → forward → recorded; the input is a run id and S3 references only."""
    failures = _failures(scope, table)
    short = Ladder(cdk.Duration.seconds(1 if settings.local else 5), 3, 3)
    delivery = Ladder(
        cdk.Duration.seconds(settings.forward_retry_seconds),
        settings.forward_retry_rate,
        settings.forward_retry_attempts,
    )
    step_validate = _step(scope, "Validate", validate, "$.validation", short, failures)
    step_convert = _step(scope, "Convert", convert, "$.conversion", short, failures)
    step_forward = _step(scope, "Forward", forward, "$.forwarding", delivery, failures)

    succeeded = record(scope, "RecordSucceeded", table, "succeeded").next(sfn.Succeed(scope, "Succeeded"))
    rejected = record(scope, "RecordRejected", table, "rejected").next(sfn.Succeed(scope, "Rejected"))
    accepted = sfn.Choice(scope, "Accepted?")
    accepted.when(
        sfn.Condition.boolean_equals("$.validation.accepted", True), step_convert.next(step_forward).next(succeeded)
    )
    accepted.otherwise(rejected)
    return step_validate.next(accepted)


def closing_chain(scope: Construct, *, table: dynamodb.ITable) -> sfn.IChainable:
    """Return the states that close the record of an execution which could not do so itself."""
    closed = sfn.Succeed(scope, "Closed")
    close = record(
        scope,
        "CloseRecord",
        table,
        "failed",
        error="run-stopped",
        summary=SENTENCES["run-stopped"],
        condition="attribute_exists(id) AND attribute_not_exists(ended_at)",
    )
    close.add_catch(closed, errors=["DynamoDB.ConditionalCheckFailedException"], result_path=sfn.JsonPath.DISCARD)
    return close.next(closed)


def record(
    scope: Construct,
    name: str,
    table: dynamodb.ITable,
    status: str,
    *,
    error: str | None = None,
    summary: str | None = None,
    condition: str = "attribute_exists(id)",
) -> tasks.DynamoUpdateItem:
    """Return a state that writes how the run ended, without a function; texts are given or JSON paths."""
    text = tasks.DynamoAttributeValue.from_string
    values = {":status": text(status), ":now": text(sfn.JsonPath.string_at(NOW))}
    # the record knows by which key its project finds it with each status
    names = {"#status": "status", "#ended_as": status}
    expression = "SET #status = :status, ended_at = :now, project_status = status_keys.#ended_as"
    for field, value in (("error", error), ("summary", summary)):
        if value is not None:
            values[f":{field}"], names[f"#{field}"] = text(value), field
            expression += f", #{field} = :{field}"
    state = tasks.DynamoUpdateItem(
        scope,
        name,
        table=table,
        key={"id": text(sfn.JsonPath.string_at("$.run_id"))},
        update_expression=expression,
        condition_expression=condition,
        expression_attribute_names=names,
        expression_attribute_values=values,
        result_path=sfn.JsonPath.DISCARD,
        task_timeout=sfn.Timeout.duration(cdk.Duration.seconds(60)),
    )
    state.add_retry(
        errors=[*(f"DynamoDB.{fault}" for fault in DYNAMODB_FAULTS), "States.Timeout"],
        interval=cdk.Duration.seconds(2),
        backoff_rate=2,
        max_attempts=6,
        jitter_strategy=sfn.JitterType.FULL,
    )
    return state


def _failures(scope: Construct, table: dynamodb.ITable) -> Failures:
    """Return what each kind of error leads to: the run's record says why, then the execution fails."""
    died = record(scope, "RecordDied", table, "failed", error="step-stopped", summary=SENTENCES["step-stopped"]).next(
        sfn.Fail(scope, "Died", error_path="$.failure.Error", cause=SEE_RECORD)
    )
    return (
        ((TRANSIENT,), _told(scope, "GaveUp", table, summary=SENTENCES["gave-up"])),
        (FINAL, _told(scope, "Failed", table)),
        (("States.ALL",), died),
    )


def _told(scope: Construct, name: str, table: dynamodb.ITable, summary: str | None = None) -> sfn.IChainable:
    """Return the ending for an error of ours: its text is ``code: detail``, and the step wrote its own sentence."""
    path = sfn.JsonPath
    read = sfn.Pass(
        scope,
        f"Read{name}",
        parameters={
            "run_id": path.string_at("$.run_id"),
            "failure": path.string_to_json(path.string_at("$.failure.Cause")),
        },
    )
    code = path.array_get_item(path.string_split(path.string_at("$.failure.errorMessage"), ":"), 0)
    return read.next(record(scope, f"Record{name}", table, "failed", error=code, summary=summary)).next(
        sfn.Fail(scope, name, error_path="$.failure.errorType", cause=SEE_RECORD)
    )


def _step(
    scope: Construct,
    name: str,
    function: lambda_.IFunction,
    result_path: str,
    ladder: Ladder,
    failures: Failures,
) -> tasks.LambdaInvoke:
    """Return a step's task: tried again only after what can pass by itself, and failing into the record."""
    assert function.timeout is not None  # noqa: S101 every function of ours has one
    state = tasks.LambdaInvoke(
        scope,
        name,
        lambda_function=function,
        payload=sfn.TaskInput.from_object({"run_id": sfn.JsonPath.string_at("$.run_id")}),
        payload_response_only=True,
        retry_on_service_exceptions=False,
        result_path=result_path,
        task_timeout=sfn.Timeout.duration(function.timeout.plus(cdk.Duration.seconds(30))),
    )
    _retry(state, LAMBDA_FAULTS, Ladder(cdk.Duration.seconds(2), 2, 6))
    _retry(state, LAMBDA_DEATHS, Ladder(ladder.interval, ladder.rate, min(2, ladder.attempts)))
    _retry(state, (TRANSIENT,), ladder)
    for errors, ending in failures:
        state.add_catch(ending, errors=list(errors), result_path="$.failure")
    return state


def _retry(state: tasks.LambdaInvoke, errors: Sequence[str], ladder: Ladder) -> None:
    state.add_retry(
        errors=list(errors),
        interval=ladder.interval,
        backoff_rate=ladder.rate,
        max_attempts=ladder.attempts,
        jitter_strategy=sfn.JitterType.NONE,
    )
