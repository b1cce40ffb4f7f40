"""The states of a run: which step follows which, what is tried again, and when a run waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from infra.run_endings import TRANSIENT, Endings, Failures
from infra.settings import Settings

# Longer than a hold, and any ladder that the settings allow, together
DAYS = 40

# What Lambda itself may answer although nothing is wrong with the step
LAMBDA_FAULTS = (
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
)
# A function that died or was stopped in the middle
LAMBDA_DEATHS = ("Lambda.Unknown", "Sandbox.Timedout", "Runtime.ExitError", "States.Timeout")


@dataclass(frozen=True)
class Ladder:
    """How a step is tried again: first wait, growth, number of repeats."""

    interval: cdk.Duration
    rate: float
    attempts: int


@dataclass(frozen=True)
class StepFunctions:
    """The functions that the steps call."""

    validate: lambda_.IFunction
    convert: lambda_.IFunction
    guard: lambda_.IFunction
    forward: lambda_.IFunction


def main_chain(
    scope: Construct, *, table: dynamodb.ITable, outcomes: sqs.IQueue, steps: StepFunctions, settings: Settings
) -> sfn.IChainable:
    """Return validate → convert → guard → forward, each with its choices; the input is a run id and S3 references only.

    A run waits for its turn in its flow before it is validated, for somebody when the guard holds it, and for the lane
    while another run of the flow is being sent.
    """
    endings = Endings(scope, table=table, outcomes=outcomes)
    failures = endings.failures()
    short = Ladder(cdk.Duration.seconds(1 if settings.local else 5), 3, 3)
    delivery = Ladder(
        cdk.Duration.seconds(settings.forward_retry_seconds),
        settings.forward_retry_rate,
        settings.forward_retry_attempts,
    )
    validate = _step(scope, "Validate", steps.validate, "$.validation", short, failures)
    convert = _step(scope, "Convert", steps.convert, "$.conversion", short, failures)
    guard = _step(scope, "Guard", steps.guard, "$.guarding", short, failures)
    forward = _step(scope, "Forward", steps.forward, "$.forwarding", delivery, failures)
    hold = _hold(
        scope, steps.guard, settings, failures, expired=endings.ending("HoldExpired", "rejected", "hold-expired")
    )

    rejected = endings.ending("Rejected", "rejected")
    superseded = endings.ending("Superseded", "superseded", "run-overtaken")
    lost = endings.ending("DeltaOvertaken", "rejected", "delta-overtaken")
    turned_down = endings.ending("HoldRejected", "rejected", "hold-rejected")
    sent = endings.ending("Succeeded", "succeeded")

    turn = _pause(scope, "WaitForTurn", settings).next(validate)
    lane = _pause(scope, "WaitForLane", settings).next(forward)
    _branch(scope, validate, "Accepted?", "$.validation.outcome", accepted=convert, waiting=turn, rejected=rejected)
    _branch(
        scope,
        convert,
        "Converted?",
        "$.conversion.outcome",
        converted=guard,
        stale=validate,
        lost=lost,
        superseded=superseded,
    )
    _branch(scope, guard, "Guarded?", "$.guarding.decision", forward=forward, hold=hold, superseded=superseded)
    _branch(scope, hold, "Approved?", "$.holding.decision", approved=guard, rejected=turned_down, superseded=superseded)
    _branch(scope, forward, "Sent?", "$.forwarding.outcome", sent=sent, busy=lane, stale=guard, superseded=superseded)
    return validate


def closing_chain(scope: Construct, *, table: dynamodb.ITable, outcomes: sqs.IQueue) -> sfn.IChainable:
    """Return the states that close the record of an execution which could not do so itself."""
    return Endings(scope, table=table, outcomes=outcomes).closing()


def _branch(scope: Construct, state: tasks.LambdaInvoke, name: str, path: str, **ways: sfn.IChainable) -> None:
    """Let a state go on by the word that its function answered; another word is a fault, and the run fails."""
    choice = sfn.Choice(scope, name)
    for word, way in ways.items():
        choice.when(sfn.Condition.string_equals(path, word), way)
    state.next(choice)


def _pause(scope: Construct, name: str, settings: Settings) -> sfn.Wait:
    seconds = cdk.Duration.seconds(1 if settings.local else 15)
    return sfn.Wait(scope, name, time=sfn.WaitTime.duration(seconds))


def _hold(
    scope: Construct, function: lambda_.IFunction, settings: Settings, failures: Failures, *, expired: sfn.IChainable
) -> tasks.LambdaInvoke:
    """Return the state in which a run waits for whoever answers with the token that its function keeps."""
    state = tasks.LambdaInvoke(
        scope,
        "Hold",
        lambda_function=function,
        integration_pattern=sfn.IntegrationPattern.WAIT_FOR_TASK_TOKEN,
        payload=sfn.TaskInput.from_object(
            {"run_id": sfn.JsonPath.string_at("$.run_id"), "task_token": sfn.JsonPath.task_token}
        ),
        retry_on_service_exceptions=False,
        result_path="$.holding",
        task_timeout=sfn.Timeout.duration(cdk.Duration.days(settings.hold_days)),
    )
    _retry(state, (*LAMBDA_FAULTS, *LAMBDA_DEATHS[:-1], TRANSIENT), Ladder(cdk.Duration.seconds(2), 2, 6))
    state.add_catch(expired, errors=["States.Timeout"], result_path=sfn.JsonPath.DISCARD)
    for errors, ending in failures:
        state.add_catch(ending, errors=list(errors), result_path="$.failure")
    return state


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
