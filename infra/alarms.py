"""What somebody must look at: each alarm has a section in ``docs/runbook.md``, whose heading is its name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.lambda_function import LambdaFunction
from infra.measures import NAMES, PERIOD, aws_metric, own_metric, session_metric
from infra.observed import Observed
from infra.settings import Settings

QUARTER = cdk.Duration.minutes(15)
SLOW_SIGN_IN = 5000  # ms: Transfer Family waits for 15 s at most
API_FAULTS = 5
# State machines call these again when they fail: what comes of it in the end has an alarm of its own
STEPS = ("validate", "convert", "guard", "forward", "erase")
# These answer each request themselves, also when something is wrong
ANSWERING = ("api",)
# A deploy fails with these, and whoever deploys sees it
DEPLOYING = ("host_keys", "publish")


@dataclass(frozen=True)
class Watch:
    """An alarm to be: its name, one sentence that says what it means, and from what value on it is raised."""

    name: str
    means: str
    metric: cloudwatch.IMetric
    threshold: float = 1
    periods: int = 1


class Alarms(Construct):
    """Builds every alarm; ``topic`` hears of its beginning and its end."""

    def __init__(self, scope: Construct, *, settings: Settings, observed: Observed, topic: sns.ITopic) -> None:
        super().__init__(scope, "Alarms")
        action = actions.SnsAction(topic)
        for watch in _watches(settings, observed):
            alarm = cloudwatch.Alarm(
                self,
                watch.name,
                alarm_name=f"{NAMES.service_of(settings.stage)}-{watch.name}",
                alarm_description=f"{watch.means} See docs/runbook.md, {watch.name}.",
                metric=watch.metric,
                threshold=watch.threshold,
                evaluation_periods=watch.periods,
                comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
                treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            )
            alarm.add_alarm_action(action)
            alarm.add_ok_action(action)


def _watches(settings: Settings, observed: Observed) -> Iterator[Watch]:
    yield from _of_runs(settings)
    yield from _of_clients(settings, observed)
    yield from _of_state_machines(observed)
    yield from _of_functions(observed.functions)
    yield from _of_throttling(settings, observed)
    for name, queue in observed.dead_letters.items():
        metric = queue.metric_approximate_number_of_messages_visible(statistic="Maximum", period=PERIOD)
        yield Watch(f"dead-letters-{name}", "A message could not be handled and waits for somebody.", metric)


def _of_runs(settings: Settings) -> Iterator[Watch]:
    failed = own_metric(settings, NAMES.RUNS_BY_STATUS["failed"])
    yield Watch("runs-failed", "An upload failed on its way to Apple.", failed)
    held = own_metric(settings, NAMES.HELD_TOO_LONG, "Maximum", QUARTER)
    yield Watch("holds-waiting", "A held upload has waited for somebody for more than 24 hours.", held)
    refused = own_metric(settings, NAMES.BY_ERROR["asm-sign-in-refused"])
    yield Watch("apple-refused-credentials", "Apple's server refused the user name or password of a flow.", refused)
    changed = own_metric(settings, NAMES.BY_ERROR["asm-host-key-refused"])
    yield Watch("host-key-changed", "Apple's server showed a host key that nobody has accepted.", changed)
    opened = own_metric(settings, NAMES.CIRCUIT_OPENED)
    yield Watch("apple-away", "Apple's server was not reached several times in a row.", opened)
    missing = own_metric(settings, NAMES.UPLOAD_MISSING)
    yield Watch("upload-missing", "A flow got no upload by the time of day at which it expects one.", missing)


def _of_clients(settings: Settings, observed: Observed) -> Iterator[Watch]:
    """Yield what keeps clients from uploading or users from administering."""
    slow = observed.authenticate.metric_duration(statistic="p99", period=PERIOD)
    yield Watch("authenticate-slow", "Sign-ins by SFTP take long.", slow, SLOW_SIGN_IN, 3)
    failures = session_metric(settings, "SignInFailures", QUARTER)
    yield Watch("sign-in-failures", "Many SFTP sign-ins failed.", failures, settings.sign_in_failures)
    faults = aws_metric("ApiGateway", "5xx", ApiId=observed.api_id)
    yield Watch("api-faults", "The API answered several requests with a fault of its own.", faults, API_FAULTS)


def _of_state_machines(observed: Observed) -> Iterator[Watch]:
    timed_out = observed.runs.metric_timed_out(period=PERIOD)
    yield Watch("runs-timed-out", "The execution of a run lasted longer than any may.", timed_out)
    open_records = observed.closing.metric_failed(period=PERIOD)
    yield Watch("records-open", "The record of a run that had ended could not be closed.", open_records)
    half_erased = observed.erasures.metric_failed(period=PERIOD)
    yield Watch("erasures-failed", "The erasure of an organization stopped before its end.", half_erased)


def _of_functions(functions: Sequence[LambdaFunction]) -> Iterator[Watch]:
    for function in functions:
        if function.name not in (*STEPS, *ANSWERING, *DEPLOYING):
            errors = function.function.metric_errors(period=PERIOD)
            yield Watch(f"{function.name}-errors", f"The function {function.name} ended with an error.", errors)


def _of_throttling(settings: Settings, observed: Observed) -> Iterator[Watch]:
    # without a dimension: functions share what the account may run at once, with whatever else is in it
    functions = aws_metric("Lambda", "Throttles")
    yield Watch("functions-throttled", "The account runs as many functions at once as it may.", functions)
    started = observed.runs.metric_throttled(period=PERIOD)
    yield Watch("executions-throttled", "Step Functions slows the executions of runs down.", started)
    services = own_metric(settings, NAMES.THROTTLED)
    yield Watch("services-throttled", "An AWS service took less than it was asked, also when asked again.", services)
