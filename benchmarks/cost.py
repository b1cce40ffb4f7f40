"""``python -m benchmarks.cost [--keep]``: dollars a month by line item, for districts that all upload once a night.

The arithmetic over what ``benchmarks.steps`` and ``benchmarks.requests`` have measured; what is assumed stands here as
a constant. No free tier is taken off but Cognito's, which has no end. Rewrites the tables of its section.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from benchmarks import ROOT, districts, prices
from benchmarks.durations import ANSWER_SECONDS, seconds
from benchmarks.figures import Figures, figures
from benchmarks.prices import dollars
from benchmarks.tables import rewrite
from infra.settings import default_context

PAGE = ROOT / "docs" / "scale.md"
DISTRICTS = (10, 1_000, 13_000)
NIGHTS, HOURS = 30, 730  # a month
GB = 1e9
STEPS = ("validate", "convert", "guard", "forward")
STEP_STORAGE_GB = 4 - 0.5

# Assumed, since no deployment has been watched for a month
LOGGED_FUNCTION_BYTES = 500  # Lambda's own lines of a call
LOGGED_STATE_BYTES = 900  # the events of a state, without their data
LOGGED_METRIC_BYTES = 300  # a line for each value
LOGGED_SESSION_BYTES = 3_000  # Transfer Family's lines of a session
KEY_REQUESTS = 9  # of an upload: one a function and bucket, as each starts cold
TRACES = 4  # of an upload
USERS, CALLS = 1, 200  # of a district and month: who looks, and how often the API is asked
RUN_KB, RUN_KEPT_DAYS = 3, 400
METRICS, ALARMS, DASHBOARDS = 20, 50, 2
POLLS = 3 * 5 * 3 * 60 * HOURS  # requests of a month: three queues, five pollers, three times a minute
WATCHES, SWEEPS = 12 * HOURS, HOURS
WATCH_SECONDS = 0.3

Bill = Counter[str]


def per_upload(known: Figures, pupils: float) -> Bill:
    """Return what one upload costs."""
    bill: Bill = Counter()
    source, result = known.file("source.zip", pupils), known.file("result.zip", pupils)
    for name in (*STEPS, "authenticate", "receive", "notify"):
        _add_function(bill, known, name, pupils)
    for function in known.functions.values():
        _add_requests(bill, function)
    bill["Transfer Family, data"] += dollars("transfer-gb", source / GB)
    bill["Step Functions"] += dollars("transition", known.transitions)
    bill["SQS"] += dollars("sqs-request", 2 * 2)  # received and deleted, of two queues; S3's notice is sent, too
    bill["SQS"] += dollars("sqs-request", 2)
    bill["KMS"] += dollars("key-request", KEY_REQUESTS)
    bill["X-Ray"] += dollars("trace", TRACES)
    bill["Data to Apple"] += dollars("out-gb", result / GB)
    logged = known.log_bytes + LOGGED_FUNCTION_BYTES * 7 + LOGGED_STATE_BYTES * known.transitions + LOGGED_SESSION_BYTES
    bill["CloudWatch logs"] += dollars("log-gb", logged / GB)
    return bill


def _add_function(bill: Bill, known: Figures, name: str, pupils: float) -> None:
    took = seconds(known, name, pupils)
    bill[f"Lambda, {name}"] += dollars("lambda-request", 1)
    bill[f"Lambda, {name}"] += dollars("lambda-gb-second", took * known.memory[name] / 1024)
    if name in STEPS:
        bill[f"Lambda, {name}"] += dollars("lambda-storage", took * STEP_STORAGE_GB)


def _add_requests(bill: Bill, function: Mapping[str, Any]) -> None:
    for kind, count in function["requests"].items():
        service, operation = kind.split(":")
        if service == "s3" and not operation.startswith("Delete"):
            read = operation.startswith(("Get", "Head"))
            bill["S3, requests"] += dollars("s3-get" if read else "s3-put", count)
    bill["DynamoDB, writes"] += dollars("write-unit", sum(function["write_units"].values()))
    bill["DynamoDB, reads"] += dollars("read-unit", function["read_units"])


def stored(known: Figures, pupils: float, *, kept_days: int) -> Bill:
    """Return what a month of keeping a district's files and history costs, when it has uploaded every night."""
    kept = known.files(pupils) * kept_days + known.files(pupils, "lane_files")
    return Counter(
        {
            "S3, storage": dollars("s3-gb", kept / GB),
            "DynamoDB, storage": dollars("table-gb", RUN_KB * 1e3 * RUN_KEPT_DAYS / GB),
        }
    )


def fixed(count: int) -> Bill:
    """Return what a month costs however little is uploaded, and what its users cost."""
    bill: Bill = Counter()
    bill["Transfer Family, endpoint"] += dollars("transfer-hour", HOURS)
    bill["KMS"] += dollars("key", 1)
    bill["SQS"] += dollars("sqs-request", POLLS)
    bill["CloudWatch metrics, alarms, dashboards"] += (
        dollars("metric", METRICS) + dollars("alarm", ALARMS) + dollars("dashboard", DASHBOARDS)
    )
    watched = (WATCHES + SWEEPS) * WATCH_SECONDS * 0.5
    bill["Lambda, watch and sweep"] += dollars("lambda-gb-second", watched) + dollars("lambda-request", WATCHES)
    bill["API Gateway"] += dollars("api-request", CALLS * count)
    bill["Lambda, api"] += dollars("lambda-gb-second", CALLS * count * 0.1 * 0.5)
    bill["Cognito"] += dollars("user", max(0, USERS * count - prices.FREE_USERS))
    return bill


def month(known: Figures, count: int, *, kept_days: int) -> Bill:
    """Return the bill of a month for so many districts."""
    bill = fixed(count)
    for pupils in districts.pupils(count):
        for name, amount in per_upload(known, pupils).items():
            bill[name] += amount * NIGHTS
        bill.update(stored(known, pupils, kept_days=kept_days))
    return bill


def fixed_egress(known: Figures, count: int) -> float:
    """Return what a fixed address towards Apple costs in a month, which is off by default."""
    sent = sum(known.file("result.zip", pupils) for pupils in districts.pupils(count)) * NIGHTS
    return dollars("nat-hour", HOURS) + dollars("address-hour", HOURS) + dollars("nat-gb", sent / GB)


def flow_metrics(count: int) -> float:
    """Return what a metric of each flow costs in a month, if each expects its upload by a time of day."""
    looks = WATCHES * count
    first = min(count, prices.FIRST_METRICS)
    metrics = dollars("metric", first) + dollars("more-metric", count - first)
    reading = dollars("read-unit", looks) + dollars("lambda-gb-second", looks * ANSWER_SECONDS["dynamodb"] * 0.5)
    return metrics + reading + dollars("log-gb", looks * LOGGED_METRIC_BYTES / GB)


def table(bills: dict[int, Bill], wanted: dict[str, Iterable[float]]) -> str:
    """Return a Markdown table, the largest line first: a month in all, a district's share of it, and what is extra."""
    last = bills[max(bills)]
    head = " | ".join(f"{count:,} districts" for count in bills)
    lines = [f"| US dollars a month | {head} |", "|---" * (len(bills) + 1) + "|"]
    lines += [_row(name, (bill[name] for bill in bills.values())) for name in sorted(last, key=lambda one: -last[one])]
    lines.append(_row("**in all**", (bill.total() for bill in bills.values())))
    lines.append(_row("**a district**", (bill.total() / count for count, bill in bills.items()), digits=3))
    lines += [_row(f"more, {name}", amounts) for name, amounts in wanted.items()]
    return "\n".join(lines)


def _row(name: str, amounts: Iterable[float], *, digits: int = 2) -> str:
    return f"| {name} | {' | '.join(f'{amount:,.{digits}f}' for amount in amounts)} |"


def main() -> None:
    """Compute, print, and keep the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cost", description="Compute what a month costs.")
    parser.add_argument("--keep", action="store_true", help="leave the page as it is")
    given = parser.parse_args()
    known, kept_days = figures(), _data_retention_days()
    bill = partial(month, known, kept_days=kept_days)
    bills = {count: bill(count) for count in DISTRICTS}
    wanted = {
        "a fixed address towards Apple": [fixed_egress(known, count) for count in DISTRICTS],
        "a metric of each flow": [flow_metrics(count) for count in DISTRICTS],
    }
    text = table(bills, wanted)
    sys.stdout.write(f"{text}\n\n{prices.table()}\n")
    if not given.keep:
        rewrite(PAGE, "cost", text, by="make cost")
        rewrite(PAGE, "prices", f"{prices.table()}\n\nus-east-1, {prices.AS_OF}.", by="make cost")


def _data_retention_days() -> int:
    context = default_context()
    stages = context.get("stages", {})
    return int({**context, **stages.get("default", {})}["data_retention_days"])


if __name__ == "__main__":
    main()
