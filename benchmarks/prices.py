"""What AWS asks for, in us-east-1; one table, so that one place is to be looked at."""

from __future__ import annotations

from dataclasses import dataclass

AS_OF = "29 November 2026"
PAGE = "https://aws.amazon.com/{}/pricing/"


@dataclass(frozen=True)
class Price:
    """``dollars`` for one ``unit``; ``checked`` if a second copy of the price list had the same."""

    dollars: float
    unit: str
    source: str
    checked: bool = True


MILLION = 1e6
PRICES = {
    "transfer-hour": Price(0.30, "hour of one protocol of an endpoint", PAGE.format("aws-transfer-family")),
    "transfer-gb": Price(0.04, "GB up or down", PAGE.format("aws-transfer-family")),
    "lambda-gb-second": Price(0.0000133334, "GB-second on arm64", PAGE.format("lambda")),
    "lambda-request": Price(0.20 / MILLION, "request", PAGE.format("lambda")),
    "lambda-storage": Price(0.0000000309, "GB-second of storage above 512 MB", PAGE.format("lambda")),
    "transition": Price(0.025 / 1000, "transition of a Standard workflow", PAGE.format("step-functions")),
    "sqs-request": Price(0.40 / MILLION, "request to a standard queue", PAGE.format("sqs")),
    "event": Price(0, "event of an AWS service, or scheduled", PAGE.format("eventbridge"), checked=False),
    "write-unit": Price(0.625 / MILLION, "write unit on demand", PAGE.format("dynamodb") + "on-demand/"),
    "read-unit": Price(0.125 / MILLION, "read unit on demand", PAGE.format("dynamodb") + "on-demand/"),
    "table-gb": Price(0.25 + 0.20, "GB-month of a table with point-in-time recovery", PAGE.format("dynamodb")),
    "s3-put": Price(0.005 / 1000, "PUT, COPY or LIST", PAGE.format("s3")),
    "s3-get": Price(0.0004 / 1000, "GET or HEAD", PAGE.format("s3")),
    "s3-gb": Price(0.023, "GB-month", PAGE.format("s3")),
    "key": Price(1.0, "key and month", PAGE.format("kms")),
    "key-request": Price(0.03 / 10_000, "request", PAGE.format("kms")),
    "log-gb": Price(0.50 + 0.03 * 0.15 * 3, "GB of logs, kept for 90 days", PAGE.format("cloudwatch")),
    "metric": Price(0.30, "own metric and month", PAGE.format("cloudwatch"), checked=False),
    "more-metric": Price(0.10, "own metric and month, above 10,000", PAGE.format("cloudwatch"), checked=False),
    "alarm": Price(0.10, "alarm and month", PAGE.format("cloudwatch"), checked=False),
    "dashboard": Price(3.0, "dashboard and month", PAGE.format("cloudwatch"), checked=False),
    "trace": Price(5 / MILLION, "trace", PAGE.format("xray"), checked=False),
    "api-request": Price(1 / MILLION, "request to an HTTP API", PAGE.format("api-gateway")),
    "user": Price(0.015, "user who is active in a month, above 10,000", PAGE.format("cognito"), checked=False),
    "out-gb": Price(0.09, "GB to the internet", PAGE.format("ec2") + "on-demand/", checked=False),
    "nat-hour": Price(0.045, "hour of a NAT gateway", PAGE.format("vpc")),
    "nat-gb": Price(0.045, "GB through a NAT gateway", PAGE.format("vpc")),
    "address-hour": Price(0.005, "hour of a public IPv4 address", PAGE.format("vpc"), checked=False),
    "fargate-core-hour": Price(0.03238, "vCPU-hour on arm64", PAGE.format("fargate")),
    "fargate-gb-hour": Price(0.00356, "GB-hour on arm64", PAGE.format("fargate")),
}
FREE_USERS, FIRST_METRICS = 10_000, 10_000


def dollars(name: str, quantity: float) -> float:
    """Return what so much of something costs."""
    return PRICES[name].dollars * quantity


def table() -> str:
    """Return the prices as Markdown; those that could be seen in one place only are marked."""
    lines = ["| what | US dollars | source |", "|---|---|---|"]
    for price in PRICES.values():
        mark = "" if price.checked else " (not checked)"
        lines.append(f"| {price.unit}{mark} | {price.dollars:.10f}".rstrip("0").rstrip(".") + f" | <{price.source}> |")
    return "\n".join(lines)
