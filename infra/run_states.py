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

from infra.large_packages import LargePackages
from infra.run_endings import TRANSIENT, Endings, Failures
from infra.settings import Settings

# Longer than a hold, and any ladder that the settings allow, together
DAYS = 40

# What Lambda itself may answer although nothing is wrong with the step
LAMBDA_FAULTS = (
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
)
# As many functions run as the account may have at once
LAMBDA_BUSY = ("Lambda.TooManyRequestsException",)
# A function that died or was stopped in the middle
LAMBDA_DEATHS = ("Lambda.Unknown", "Sandbox.Timedout", "Runtime.ExitError", "States.Timeout")
# The same of a container: it could not be started, or it died
CONTAINER_FAULTS = ("ECS.AmazonECSException", "ECS.ServerException", "ECS.ThrottlingException", "AmazonECS.Unknown")
CONTAINER_DEATHS = ("Runtime.ExitError", "States.HeartbeatTimeout", "States.Timeout")


@dataclass(frozen=True)
class Ladder:
    """How a step is tried again: first wait, growth, number of repeats; one with a longest wait waits by chance."""

    interval: cdk.Duration
    rate: float
    attempts: int
    longest: cdk.Duration | None = None


# All districts may upload at the same hour: some two and a half hours, and not all of them again at the same second
PATIENT = Ladder(cdk.Duration.seconds(2), 2, 300, cdk.Duration.seconds(60))


@dataclass(frozen=True)
class StepFunctions:
    """The functions that the steps call."""

    validate: lambda_.Alias
    convert: lambda_.Alias
    guard: lambda_.Alias
    forward: lambda_.Alias


@dataclass(frozen=True)
class Step:
    """Where a step begins, and its tasks: one, or a second one for large uploads."""

    begin: sfn.IChainable
    tasks: tuple[tasks.LambdaInvoke | sfn.CustomState, ...]


def main_chain(
    scope: Construct,
    *,
    table: dynamodb.ITable,
    outcomes: sqs.IQueue,
    steps: StepFunctions,
    settings: Settings,
    large: LargePackages | None = None,
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
    validate = _step(scope, "Validate", steps.validate, "$.validation", short, failures, large)
    convert = _step(scope, "Convert", steps.convert, "$.conversion", short, failures, large)
    guard = _step(scope, "Guard", steps.guard, "$.guarding", short, failures, large)
    forward = _step(scope, "Forward", steps.forward, "$.forwarding", delivery, failures)
    hold = _hold(
        scope, steps.guard, settings, failures, expired=endings.ending("HoldExpired", "rejected", "hold-expired")
    )

    rejected = endings.ending("Rejected", "rejected")
    superseded = endings.ending("Superseded", "superseded", "run-overtaken")
    lost = endings.ending("DeltaOvertaken", "rejected", "delta-overtaken")
    turned_down = endings.ending("HoldRejected", "rejected", "hold-rejected")
    sent = endings.ending("Succeeded", "succeeded")

    turn = _pause(scope, "WaitForTurn", settings).next(validate.begin)
    lane = _pause(scope, "WaitForLane", settings).next(forward.begin)
    _branch(
        scope,
        validate.tasks,
        "Accepted?",
        "$.validation.outcome",
        accepted=convert.begin,
        waiting=turn,
        rejected=rejected,
    )
    _branch(
        scope,
        convert.tasks,
        "Converted?",
        "$.conversion.outcome",
        converted=guard.begin,
        stale=validate.begin,
        lost=lost,
        superseded=superseded,
    )
    _branch(
        scope, guard.tasks, "Guarded?", "$.guarding.decision", forward=forward.begin, hold=hold, superseded=superseded
    )
    _branch(
        scope,
        (hold,),
        "Approved?",
        "$.holding.decision",
        approved=guard.begin,
        rejected=turned_down,
        superseded=superseded,
    )
    _branch(
        scope,
        forward.tasks,
        "Sent?",
        "$.forwarding.outcome",
        sent=sent,
        busy=lane,
        stale=guard.begin,
        superseded=superseded,
    )
    return large.measure(validate.begin, failures) if large else validate.begin


def closing_chain(scope: Construct, *, table: dynamodb.ITable, outcomes: sqs.IQueue) -> sfn.IChainable:
    """Return the states that close the record of an execution which could not do so itself."""
    return Endings(scope, table=table, outcomes=outcomes).closing()


def _branch(
    scope: Construct,
    states: Sequence[tasks.LambdaInvoke | sfn.CustomState],
    name: str,
    path: str,
    **ways: sfn.IChainable,
) -> None:
    """Let a step go on by the word that its function answered; another word is a fault, and the run fails."""
    choice = sfn.Choice(scope, name)
    for word, way in ways.items():
        choice.when(sfn.Condition.string_equals(path, word), way)
    for state in states:
        state.next(choice)


def _pause(scope: Construct, name: str, settings: Settings) -> sfn.Wait:
    seconds = cdk.Duration.seconds(1 if settings.local else 15)
    return sfn.Wait(scope, name, time=sfn.WaitTime.duration(seconds))


def _hold(
    scope: Construct, function: lambda_.Alias, settings: Settings, failures: Failures, *, expired: sfn.IChainable
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
    _retry(state, LAMBDA_BUSY, PATIENT)
    _retry(state, (*LAMBDA_FAULTS, *LAMBDA_DEATHS[:-1], TRANSIENT), Ladder(cdk.Duration.seconds(2), 2, 6))
    state.add_catch(expired, errors=["States.Timeout"], result_path=sfn.JsonPath.DISCARD)
    for errors, ending in failures:
        state.add_catch(ending, errors=list(errors), result_path="$.failure")
    return state


def _step(
    scope: Construct,
    name: str,
    function: lambda_.Alias,
    result_path: str,
    ladder: Ladder,
    failures: Failures,
    large: LargePackages | None = None,
) -> Step:
    """Return a step: tried again only after what can pass by itself, and failing into the record.

    A large upload goes to a container at once, another one when its function has died of it.
    """
    timeout = function.lambda_.timeout
    assert timeout is not None  # noqa: S101 every function of ours has one
    state = tasks.LambdaInvoke(
        scope,
        name,
        lambda_function=function,
        payload=sfn.TaskInput.from_object({"run_id": sfn.JsonPath.string_at("$.run_id")}),
        payload_response_only=True,
        retry_on_service_exceptions=False,
        result_path=result_path,
        task_timeout=sfn.Timeout.duration(timeout.plus(cdk.Duration.seconds(30))),
    )
    _retry(state, LAMBDA_BUSY, PATIENT)
    _retry(state, LAMBDA_FAULTS, Ladder(cdk.Duration.seconds(2), 2, 6))
    _retry(state, LAMBDA_DEATHS, Ladder(ladder.interval, ladder.rate, min(2, ladder.attempts)))
    _retry(state, (TRANSIENT,), ladder)
    container = _in_container(name, result_path, ladder, failures, large) if large else None
    if container:
        state.add_catch(container, errors=list(LAMBDA_DEATHS), result_path=sfn.JsonPath.DISCARD)
    for errors, ending in failures:
        state.add_catch(ending, errors=list(errors), result_path="$.failure")
    if large and container:
        return Step(large.choose(f"{name}Where?", small=state, large=container), (state, container))
    return Step(state, (state,))


def _in_container(
    name: str, result_path: str, ladder: Ladder, failures: Failures, large: LargePackages
) -> sfn.CustomState:
    state = large.state(name, result_path)
    _retry(state, CONTAINER_FAULTS, Ladder(cdk.Duration.seconds(30), 2, 6))
    _retry(state, CONTAINER_DEATHS, Ladder(ladder.interval, ladder.rate, min(2, ladder.attempts)))
    _retry(state, (TRANSIENT,), ladder)
    for errors, ending in failures:
        state.add_catch(ending, errors=list(errors), result_path="$.failure")
    return state


def _retry(state: tasks.LambdaInvoke | sfn.CustomState, errors: Sequence[str], ladder: Ladder) -> None:
    state.add_retry(
        errors=list(errors),
        interval=ladder.interval,
        backoff_rate=ladder.rate,
        max_attempts=ladder.attempts,
        max_delay=ladder.longest,
        jitter_strategy=sfn.JitterType.FULL if ladder.longest else sfn.JitterType.NONE,
    )
