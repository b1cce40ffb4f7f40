"""Two dashboards: how the runs go, for whoever answers the phone, and how the parts are, for whoever mends them."""

from __future__ import annotations

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.measures import NAMES, PERIOD, SESSIONS, aws_metric, own_metric, session_metric
from infra.observed import Observed
from infra.settings import Settings

WIDTH, HEIGHT = 12, 6
HOUR = cdk.Duration.hours(1)
ENDINGS = ("succeeded", "rejected", "held", "failed", "superseded")
THROTTLES = ("ReadThrottleEvents", "WriteThrottleEvents")


class Dashboards(Construct):
    """Builds both; ``urls`` are the addresses at which they are seen."""

    def __init__(self, scope: Construct, *, settings: Settings, observed: Observed) -> None:
        super().__init__(scope, "Dashboards")
        stack = cdk.Stack.of(self)
        self.urls: dict[str, str] = {}
        for name, widgets in (("Runs", _runs(settings)), ("Internals", _internals(settings, observed))):
            dashboard = settings.stack_name(name)
            cloudwatch.Dashboard(
                self,
                name,
                dashboard_name=dashboard,
                default_interval=cdk.Duration.days(1),
                widgets=[widgets[at : at + 2] for at in range(0, len(widgets), 2)],
            )
            home = f"https://{stack.region}.console.aws.amazon.com/cloudwatch/home?region={stack.region}"
            self.urls[name] = f"{home}#dashboards:name={dashboard}"


def _graph(title: str, *metrics: cloudwatch.IMetric, width: int = WIDTH) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=width, height=HEIGHT)


def _runs(settings: Settings) -> Sequence[cloudwatch.IWidget]:
    names = [NAMES.RUNS_RECEIVED, *(NAMES.RUNS_BY_STATUS[status] for status in ENDINGS)]
    troubles = [*NAMES.BY_ERROR.values(), NAMES.CIRCUIT_OPENED, NAMES.UPLOAD_MISSING, NAMES.SIGN_IN_REFUSED]
    delivery = [own_metric(settings, NAMES.TIME_TO_DELIVERY, statistic, HOUR) for statistic in ("p50", "p99")]
    return [
        cloudwatch.SingleValueWidget(
            title="Runs",
            metrics=[own_metric(settings, name) for name in names],
            set_period_to_time_range=True,
            width=2 * WIDTH,
            height=3,
        ),
        _graph("Runs each hour", *(own_metric(settings, name, period=HOUR) for name in names), width=2 * WIDTH),
        _graph("Time to delivery, seconds from the last byte on", *delivery),
        _graph("Held for more than 24 hours", own_metric(settings, NAMES.HELD_TOO_LONG, "Maximum")),
        _graph("Age of the last success of each flow, seconds", _ages(settings)),
        _graph("Troubles", *(own_metric(settings, name) for name in troubles)),
    ]


def _ages(settings: Settings) -> cloudwatch.MathExpression:
    """Return a search: the flows are not known when the stack is deployed."""
    service, name = NAMES.service_of(settings.stage), NAMES.AGE_OF_LAST_SUCCESS
    wanted = f'{{{NAMES.NAMESPACE},flow_id,service}} MetricName="{name}" service="{service}"'
    search = f"SEARCH('{wanted}', 'Maximum', {int(PERIOD.to_seconds())})"
    return cloudwatch.MathExpression(expression=search, using_metrics={}, label="", period=PERIOD)


def _internals(settings: Settings, observed: Observed) -> Sequence[cloudwatch.IWidget]:
    return [*_functions(observed), *_queues(observed), *_services(settings, observed)]


def _functions(observed: Observed) -> list[cloudwatch.IWidget]:
    functions = [function.function for function in observed.functions]
    at_once = [
        aws_metric("Lambda", "ConcurrentExecutions", "Maximum", FunctionName=function.function_name)
        for function in functions
    ]
    return [
        _graph("Functions: errors", *(function.metric_errors(period=PERIOD) for function in functions)),
        _graph(
            "Functions: duration p99, ms",
            *(function.metric_duration(statistic="p99", period=PERIOD) for function in functions),
        ),
        _graph("Functions: throttled", *(function.metric_throttles(period=PERIOD) for function in functions)),
        _graph("Functions: at once", *at_once),
    ]


def _queues(observed: Observed) -> list[cloudwatch.IWidget]:
    def labelled(name: str, metric: cloudwatch.Metric) -> cloudwatch.Metric:
        return metric.with_(label=name)

    return [
        _graph(
            "Queues: messages",
            *(
                labelled(name, queue.metric_approximate_number_of_messages_visible(statistic="Maximum", period=PERIOD))
                for name, queue in observed.queues.items()
            ),
        ),
        _graph(
            "Queues: age of the oldest message, s",
            *(
                labelled(name, queue.metric_approximate_age_of_oldest_message(statistic="Maximum", period=PERIOD))
                for name, queue in observed.queues.items()
            ),
        ),
        _graph(
            "Dead letters",
            *(
                labelled(name, queue.metric_approximate_number_of_messages_visible(statistic="Maximum", period=PERIOD))
                for name, queue in observed.dead_letters.items()
            ),
        ),
    ]


def _services(settings: Settings, observed: Observed) -> list[cloudwatch.IWidget]:
    runs, closing = observed.runs, observed.closing
    throttles = [
        aws_metric("DynamoDB", name, TableName=table.table_name).with_(label=f"{label} {name}")
        for label, table in observed.tables.items()
        for name in THROTTLES
    ]
    latency = [aws_metric("ApiGateway", "Latency", statistic, ApiId=observed.api_id) for statistic in ("p50", "p99")]
    return [
        _graph(
            "State machine",
            runs.metric_started(period=PERIOD),
            runs.metric_succeeded(period=PERIOD),
            runs.metric_failed(period=PERIOD),
            runs.metric_timed_out(period=PERIOD),
            runs.metric_aborted(period=PERIOD),
            runs.metric_throttled(period=PERIOD),
            closing.metric_failed(period=PERIOD, label="Closing failed"),
        ),
        _graph("DynamoDB: throttled", *throttles),
        _graph("AWS services: throttled in spite of repeats", own_metric(settings, NAMES.THROTTLED)),
        _graph(
            "API: requests and refusals",
            *(aws_metric("ApiGateway", name, ApiId=observed.api_id) for name in ("Count", "4xx", "5xx")),
        ),
        _graph("API: latency, ms", *latency),
        _graph("SFTP: sessions and their troubles", *(session_metric(settings, name) for name in SESSIONS)),
        _graph(
            "SFTP: files and bytes",
            *(aws_metric("Transfer", name, ServerId=observed.server_id) for name in ("FilesIn", "BytesIn")),
        ),
    ]
