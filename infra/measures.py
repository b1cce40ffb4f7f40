"""Our own metrics: their names are read from the file of the service, which alarms and dashboards then cannot miss."""

from __future__ import annotations

import runpy
from types import SimpleNamespace

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch

from infra.build import OWN_CODE
from infra.settings import Settings

# Read from its file: the environment that deploys need not have Rosterbridge itself installed
NAMES = SimpleNamespace(**runpy.run_path(str(OWN_CODE / "rosterbridge" / "measures.py")))
PERIOD = cdk.Duration.minutes(5)
# What Transfer Family's log tells, as metrics of ours, by what is looked for in its lines
SESSIONS = {
    "SftpSessions": '{ $.activity-type = "CONNECTED" }',
    "SignInFailures": '{ $.activity-type = "AUTH_FAILURE" }',
    "KeyExchangeFailures": '"KEX_FAILURE"',  # AWS does not say in which field it stands
    "UploadsBrokenOff": '{ $.activity-type = "PARTIAL_CLOSE" }',
}


def own_metric(
    settings: Settings, name: str, statistic: str = "Sum", period: cdk.Duration = PERIOD
) -> cloudwatch.Metric:
    """Return a metric that the functions tell."""
    return cloudwatch.Metric(
        namespace=NAMES.NAMESPACE,
        metric_name=name,
        dimensions_map={"service": NAMES.service_of(settings.stage)},
        statistic=statistic,
        period=period,
    )


def session_namespace(settings: Settings) -> str:
    """Return where the metrics of Transfer Family's log are: a filter cannot give them the stage as a dimension."""
    return f"{NAMES.NAMESPACE}/{settings.stage}"


def session_metric(settings: Settings, name: str, period: cdk.Duration = PERIOD) -> cloudwatch.Metric:
    """Return a metric that is made of Transfer Family's log."""
    return cloudwatch.Metric(namespace=session_namespace(settings), metric_name=name, statistic="Sum", period=period)


def aws_metric(
    namespace: str, name: str, statistic: str = "Sum", period: cdk.Duration = PERIOD, **dimensions: str
) -> cloudwatch.Metric:
    """Return a metric of AWS's own."""
    return cloudwatch.Metric(
        namespace=f"AWS/{namespace}",
        metric_name=name,
        dimensions_map=dimensions,
        statistic=statistic,
        period=period,
    )
