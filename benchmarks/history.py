"""``python -m benchmarks.history [--calls 400] [--runs 100 100000] [--keep]``: what the history costs to look at.

The API's handler is called in this process, over DynamoDB of the embedded AWS, with few and with many runs in turns.
Rewrites the section History of the page; ``--keep`` leaves the page as it is.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from statistics import mean, median
from types import ModuleType
from typing import Any

from benchmarks import history_runs
from benchmarks.__main__ import PAGE
from benchmarks.history_emulator import Row
from benchmarks.history_reads import Reads, Request, Sizes, counted
from benchmarks.history_runs import FAILED, FLOW, ORGANIZATION, PROJECT, Table
from benchmarks.measure import bundle
from benchmarks.tables import machine, rewrite
from benchmarks.validate_once import CONTEXT, load
from local.clients import REGION, Aws, clean, environment, variables
from local.processes import LOOPBACK, Processes, choose_port, connects
from local.stack import EMULATOR_PYTHON
from rosterbridge.adapters.clients import client
from rosterbridge.adapters.dynamodb import DynamoAccountStore
from rosterbridge.adapters.dynamodb_items import Position
from rosterbridge.api.service import service
from rosterbridge.flows.changes import Changes
from rosterbridge.flows.ports import Change
from tests.support import api, flows

WARM, STOCK_CALLS, FILL_SECONDS = 5, 3, 600
# What is asked of many runs with MiniStack's own indexes too, which take seconds
COMPARED = ("list-runs", "list-runs, one status", "list-runs, deep page", "show-run", "neighbours of a run")
PAGE_RUNS = 50
SETTINGS = {
    "ACCOUNT_TABLE": "Accounts",
    "AUDIT_TABLE": "Audit",
    "RUN_BUCKET": "rosterbridge-data-runfiles",
    "KEY_ARN": "arn:aws:kms:eu-west-1:000000000000:key/none",
    "STATE_MACHINE_ARN": "arn:aws:states:eu-west-1:000000000000:stateMachine:none",
    "USER_POOL_ID": "eu-west-1_none",
    "CLI_CLIENT_ID": "none",
    "SFTP_HOST": LOOPBACK,
    "SFTP_PORT": "22",
    "SFTP_SERVER_ID": "s-0",
    "RUN_RETENTION_DAYS": "400",
    "AUDIT_RETENTION_DAYS": "400",
    "HOME_GRACE_DAYS": "7",
    "PRIVATE_ASM_HOSTS": "false",
}
LIST = f"/v1/organizations/{ORGANIZATION}/projects/{PROJECT}/runs"
SHOW = f"/v1/organizations/{ORGANIZATION}/runs"


def _deep(rows: list[Row]) -> str:
    """Return the page that begins behind a third of the runs."""
    row = rows[len(rows) // 3]
    return f"{LIST}?cursor={Position(f'{row.received_at}.000000Z', row.run_id).cursor}"


def _any(rows: list[Row]) -> str:
    return f"{SHOW}/{random.choice(rows[1:-1]).run_id}"  # noqa: S311 no secret


# What is asked for, the target, and how many lines the answer must have
CALLS: dict[str, tuple[Callable[[list[Row]], str], int | None]] = {
    "list-runs": (lambda _: LIST, PAGE_RUNS),
    "list-runs, one status": (lambda _: f"{LIST}?status=failed", FAILED),
    "list-runs, one flow": (lambda _: f"{LIST}?flow_id={FLOW}", PAGE_RUNS),
    "list-runs, deep page": (_deep, PAGE_RUNS),
    "list-runs, flow and status": (lambda _: f"{LIST}?flow_id={FLOW}&status=failed", None),
    "show-run": (_any, None),
    "status of a run": (lambda rows: f"{_any(rows)}/status", None),
    "neighbours of a run": (lambda rows: f"{_any(rows)}/neighbours", None),
}


@dataclass(frozen=True)
class Answer:
    """An answer of the handler, the seconds until it was there, and what was asked of DynamoDB meanwhile."""

    body: Any
    seconds: float
    requests: list[Request]


@dataclass
class Measured:
    """The calls of one kind on one table: seconds in all and in which DynamoDB was asked, and the last requests."""

    whole: list[float] = field(default_factory=list)
    asking: list[float] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    def add(self, answer: Answer) -> None:
        """Add a call."""
        self.whole.append(answer.seconds)
        self.asking.append(sum(request.seconds for request in answer.requests))
        self.requests = answer.requests

    @property
    def own(self) -> list[float]:
        """Seconds without those in which DynamoDB was asked."""
        return [whole - asking for whole, asking in zip(self.whole, self.asking, strict=True)]


@dataclass
class Deployed:
    """The handler over one table."""

    table: Table
    rows: list[Row]
    handler: ModuleType

    @classmethod
    def over(cls, table: Table, now: datetime) -> Deployed:
        """Load the handler as Lambda does, with this table in its settings."""
        os.environ.update({**SETTINGS, "RUN_TABLE": table.name})
        service.cache_clear()
        made, handler = service(), load("api")
        handler.service = lambda: made  # type: ignore[attr-defined]
        return cls(table, history_runs.of_project(table.rows(now)), handler)

    def target(self, what: str) -> str:
        """Return what to ask for, for a run chosen at random where one is needed."""
        return CALLS[what][0](self.rows)

    def ask(self, what: str, target: str, reads: Reads) -> Answer:
        """Ask once; raises RuntimeError for another answer than the expected one."""
        event = api.event("GET", target, token=api.claims(organization=ORGANIZATION))
        with reads.listening() as requests:
            start = time.perf_counter()
            answer = self.handler.lambda_handler(event, CONTEXT)
            seconds = time.perf_counter() - start
        body, lines = json.loads(answer["body"]), CALLS[what][1]
        if answer["statusCode"] != HTTPStatus.OK or lines not in {None, len(body.get("items", ()))}:
            raise RuntimeError(f"{what}: {answer['statusCode']}")
        return Answer(body, seconds, requests)


@dataclass(frozen=True)
class Results:
    """What was measured, by kind of call and runs in the table; ``stock`` seconds take a list without order."""

    measured: dict[tuple[str, int], Measured]
    sizes: Sizes
    stock: float


@contextmanager
def emulator(seed: dict[str, Any]) -> Iterator[int]:
    """Start the embedded AWS with these tables; gives its process id, with the environment pointing to it."""
    port = choose_port("EMULATOR_PORT", 4766)
    with tempfile.TemporaryDirectory(prefix="bench-history-") as name:
        folder = Path(name)
        (folder / "seed.json").write_text(json.dumps(seed), encoding="utf-8")
        aws = Aws(f"http://{LOOPBACK}:{port}", REGION)
        processes = Processes(folder / "logs", {**clean(dict(os.environ)), **variables(aws.endpoint, aws.region)})
        try:
            processes.start(
                *("emulator", EMULATOR_PYTHON, "benchmarks.history_emulator", "--port", port, "--region", REGION),
                *("--state", folder, "--seed", folder / "seed.json"),
            )
            until = time.monotonic() + FILL_SECONDS
            while not connects(port) and time.monotonic() < until:
                processes.check()
                time.sleep(0.2)
            with environment(aws.endpoint, aws.region):
                yield processes.pid("emulator")
        finally:
            processes.stop()


def measure(tables: list[Table], calls: int) -> Results:
    """Return what each call took on each table; raises RuntimeError for a wrong answer."""
    now = datetime.now(UTC)
    items = history_runs.templates(history_runs.processed(bundle("S")))
    with emulator(history_runs.seed(tables, items, now)) as pid:
        _create_project(now)
        reads = Reads(client("dynamodb"))
        deployed = [Deployed.over(table, now) for table in tables]
        measured = {(what, one.table.runs): Measured() for what in CALLS for one in deployed}
        for number in range(-WARM, calls):
            turns = [(what, one) for what in CALLS for one in deployed]
            random.shuffle(turns)
            for what, one in turns:
                answer = one.ask(what, one.target(what), reads)
                if number >= 0:
                    measured[what, one.table.runs].add(answer)
        stock = _compare_with_stock(pid, deployed, reads)
    return Results(measured, history_runs.sizes(items[0]), stock)


def _compare_with_stock(pid: int, deployed: list[Deployed], reads: Reads) -> float:
    """Return the seconds of a list by MiniStack's own indexes; raises RuntimeError when they answer otherwise."""
    few, many = deployed[0], deployed[-1]
    asked = [(few, what, few.target(what)) for what in CALLS] + [(many, what, many.target(what)) for what in COMPARED]
    before = [one.ask(what, target, reads) for one, what, target in asked]
    os.kill(pid, signal.SIGUSR1)
    for (one, what, target), ordered in zip(asked, before, strict=True):
        if one.ask(what, target, reads).body != ordered.body:
            raise RuntimeError(f"{what}: the ordered indexes answer otherwise")
    return median(many.ask("list-runs", many.target("list-runs"), reads).seconds for _ in range(STOCK_CALLS))


def _create_project(now: datetime) -> None:
    project = flows.project(id=PROJECT, organization_id=ORGANIZATION, save_data=True, save_data_since=now)
    changes = Changes(DynamoAccountStore("Accounts", audit_table="Audit"), lambda: now, timedelta(days=400))
    changes.commit(Change(audit=changes.entry(flows.operator(), "create", project), creates=(project,)))


def percentile(values: list[float], share: float) -> float:
    """Return the smallest of the values that a share of them does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def costs(results: Results, tables: list[Table]) -> str:
    """Return a Markdown table of what one call reads; a cell has one value where all tables give the same."""
    lines = ["| call | requests | read, KB | read units |", "|---|---|---|---|"]
    for what in CALLS:
        requests = [results.measured[what, table.runs].requests for table in tables]
        cells = (
            [counted(ones) for ones in requests],
            [_kilobytes(sum(one.read(results.sizes) for one in ones)) for ones in requests],
            [f"{sum(one.units(results.sizes) for one in ones):g}" for ones in requests],
        )
        lines.append(f"| {what} | {' | '.join(' → '.join(dict.fromkeys(cell)) for cell in cells)} |")
    return "\n".join(lines)


def _kilobytes(size: int) -> str:
    return f"{size / 1000:,.0f}" if size >= 10_000 else f"{size / 1000:.1f}"  # noqa: PLR2004


def times(results: Results, tables: list[Table]) -> str:
    """Return a Markdown table of milliseconds, p50 / p99, and of the last table's p50 in those of the first."""
    head = [f"{kind}, {table.runs:,} runs" for kind in ("whole", "own") for table in tables]
    lines = [f"| call | {' | '.join(head)} | whole ÷ | own ÷ |", "|---" * (len(head) + 3) + "|"]
    for what in CALLS:
        ones = [results.measured[what, table.runs] for table in tables]
        whole, own = [one.whole for one in ones], [one.own for one in ones]
        ratios = [f"{percentile(kind[-1], 0.5) / percentile(kind[0], 0.5):.2f}" for kind in (whole, own)]
        lines.append(f"| {what} | {' | '.join([*map(_milliseconds, (*whole, *own)), *ratios])} |")
    return "\n".join(lines)


def _milliseconds(seconds: list[float]) -> str:
    return " / ".join(f"{percentile(seconds, share) * 1000:.1f}" for share in (0.5, 0.99))


def remarks(results: Results, tables: list[Table]) -> str:
    """Return what the tables do not tell: how many calls, sizes, and what the emulator takes."""
    share = mean(sum(one.asking) / sum(one.whole) for one in results.measured.values())
    calls = min(len(one.whole) for one in results.measured.values())
    return (
        f"{calls:,} calls of each kind on each table. A run has {results.sizes.run / 1000:.1f} KB, its line in an "
        f"index {results.sizes.line} bytes. Waiting for the emulator is {share:.0%} of a call on average. By "
        f"MiniStack's own indexes, list-runs takes {results.stock:.2f} s with {tables[-1].runs:,} runs."
    )


def main() -> None:
    """Measure, print, and keep the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.history", description="Measure the history.")
    parser.add_argument("--calls", type=int, default=400, help="calls of each kind on each table")
    parser.add_argument("--runs", type=int, nargs="+", default=[100, 100_000], help="runs in the tables")
    parser.add_argument("--keep", action="store_true", help="leave the page as it is")
    given = parser.parse_args()
    tables = [Table(runs) for runs in given.runs]
    results = measure(tables, given.calls)
    versions = machine(("boto3", "aws-lambda-powertools", "pydantic"))
    text = "\n\n".join([costs(results, tables), times(results, tables), remarks(results, tables), versions])
    sys.stdout.write(f"\n{text}\n")
    if not given.keep:
        rewrite(PAGE, "history", text, by="make bench-history")


if __name__ == "__main__":
    main()
