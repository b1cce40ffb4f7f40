"""The states of a run: which step follows which, what is tried again, and how every ending reaches the record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from infra.settings import Settings

# What Lambda itself may answer although nothing is wrong with the step
LAMBDA_FAULTS = (
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
)
# A function that died or was stopped in the middle
LAMBDA_DEATHS = ("Lambda.Unknown", "Sandbox.Timedout", "Runtime.ExitError", "States.Timeout")
TRANSIENT = "TransientError"  # rosterbridge.errors.TransientError: matched by its exact name
NOW = "$$.State.EnteredTime"


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
    failed = record(scope, "RecordFailed", table, "failed", error="$.failure.Error").next(
        sfn.Fail(scope, "Failed", error_path="$.failure.Error", cause="The run's record names the step and the code")
    )
    short = Ladder(cdk.Duration.seconds(1 if settings.local else 5), 3, 3)
    delivery = Ladder(
        cdk.Duration.seconds(settings.forward_retry_seconds),
        settings.forward_retry_rate,
        settings.forward_retry_attempts,
    )
    step_validate = _step(scope, "Validate", validate, "$.validation", short, failed)
    step_convert = _step(scope, "Convert", convert, "$.conversion", short, failed)
    step_forward = _step(scope, "Forward", forward, "$.forwarding", delivery, failed)

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
        error="$.error",
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
    condition: str = "attribute_exists(id)",
) -> tasks.DynamoUpdateItem:
    """Return a state that writes how the run ended, without a function; ``error`` is a JSON path."""
    text = tasks.DynamoAttributeValue.from_string
    values = {":status": text(status), ":now": text(sfn.JsonPath.string_at(NOW))}
    names = {"#status": "status"}
    expression = "SET #status = :status, ended_at = :now"
    if error:
        values[":error"] = text(sfn.JsonPath.string_at(error))
        names["#error"] = "error"
        expression += ", #error = :error"
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
        errors=["DynamoDB.ProvisionedThroughputExceededException", "DynamoDB.ThrottlingException", "States.Timeout"],
        interval=cdk.Duration.seconds(2),
        backoff_rate=2,
        max_attempts=6,
        jitter_strategy=sfn.JitterType.FULL,
    )
    return state


def _step(
    scope: Construct,
    name: str,
    function: lambda_.IFunction,
    result_path: str,
    ladder: Ladder,
    failed: sfn.IChainable,
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
    state.add_catch(failed, errors=["States.ALL"], result_path="$.failure")
    return state


def _retry(state: tasks.LambdaInvoke, errors: Sequence[str], ladder: Ladder) -> None:
    state.add_retry(
        errors=list(errors),
        interval=ladder.interval,
        backoff_rate=ladder.rate,
        max_attempts=ladder.attempts,
        jitter_strategy=sfn.JitterType.NONE,
    )
