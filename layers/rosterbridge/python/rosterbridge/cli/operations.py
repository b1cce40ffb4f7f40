"""``operations``: what an operator does with rights of their own in the AWS account, not over the API."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rosterbridge.cli.output import answering, print_object, print_table, print_values
from rosterbridge.cli.terminal import JsonOption, console, errors, fail
from rosterbridge.cli.verbs import YesOption, noun
from rosterbridge.errors import NotFoundError

if TYPE_CHECKING:
    from rosterbridge.adapters.deployed_stacks import DeployedStacks
    from rosterbridge.flows.redriving import Redriven, Redriver

operations_app = noun()

KEPT_DAYS = 14  # so long are dead letters kept, and executions may be redriven
TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]
QUEUES = {"queue": "queue", "messages": "messages"}
RUNS = {"run": "run", "flow": "flow", "error": "error", "": "way", "new run": "rerun", "why not": "why_not"}

StageOption = Annotated[str, typer.Option("--stage", metavar="STAGE", help="Which deployment of the account.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]


class Table(StrEnum):
    """A table that can be put back."""

    ACCOUNTS = "accounts"
    RUNS = "runs"
    AUDIT = "audit"


@operations_app.command("redrive")
def redrive(
    runs: Annotated[list[str] | None, typer.Argument(metavar="[RUN]...", help="Only these runs.")] = None,
    stage: StageOption = "prod",
    since: Annotated[
        datetime | None,
        typer.Option("--since", metavar="TIME", formats=TIMES, help="Runs received then or later; 14 days ago."),
    ] = None,
    *,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Let go on what ended badly: dead letters back to their queues, stopped executions, failed runs once more.

    It uses the AWS credentials and the region of this shell.
    """
    from rosterbridge.adapters.deployed_stacks import DeployedStacks

    with answering(as_json=as_json):
        stacks = DeployedStacks(stage)
        outputs = stacks.outputs()
        redriver = _redriver(outputs, dry=dry_run)
        letters = [] if runs else _move_dead_letters(stacks, outputs, dry=dry_run)
        stopped = [] if runs else dead_endings(outputs, redriver, dry=dry_run)
        done = list(redriver.some(runs)) if runs else [*stopped, *redriver.all(_moment(since))]
        print_done(letters, done, as_json=as_json)
        if dry_run:
            errors.print("nothing was changed", highlight=False)


@operations_app.command("restore")
def restore(
    table: Annotated[Table, typer.Argument(metavar="TABLE", help="accounts, runs, audit")],
    source: Annotated[str, typer.Option("--from", metavar="NAME", help="The table that was restored beside it.")],
    stage: StageOption = "prod",
    exact: Annotated[bool, typer.Option("--exact", help="Remove what the restored table has not.")] = False,
    *,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Put back the items of a table that was restored to an earlier time under another name."""
    from rosterbridge.adapters.deployed_stacks import DeployedStacks
    from rosterbridge.adapters.table_copies import TableCopy

    with answering(as_json=as_json):
        outputs = DeployedStacks(stage).outputs()
        names = {Table.ACCOUNTS: "AccountTable", Table.RUNS: "RunTable", Table.AUDIT: "AuditTable"}
        copy = TableCopy(source, outputs[names[table]])
        if not (dry_run or yes or typer.confirm(f"Overwrite items of {outputs[names[table]]}?", err=True)):
            errors.print("nothing was changed", highlight=False)
            raise typer.Exit
        done = copy.put_back(exact=exact, dry=dry_run)
        counts = {word: done[word] for word in ("added", "changed", "removed")}
        print_object(counts) if as_json else print_values({word: str(count) for word, count in counts.items()})
        if dry_run:
            errors.print("nothing was changed", highlight=False)


def _moment(since: datetime | None) -> datetime:
    if since is None:
        return datetime.now(UTC) - timedelta(days=KEPT_DAYS)
    return since if since.tzinfo else since.astimezone()


def _redriver(outputs: Mapping[str, str], *, dry: bool) -> Redriver:
    from rosterbridge.adapters.dynamodb import DynamoAccountStore, DynamoAuditStore, DynamoRunStore
    from rosterbridge.adapters.dynamodb_lanes import DynamoLaneStore
    from rosterbridge.adapters.executions import StepFunctionsExecutions
    from rosterbridge.adapters.s3 import S3ObjectStore
    from rosterbridge.adapters.stepfunctions import StepFunctionsWorkflow
    from rosterbridge.flows.access import Caller
    from rosterbridge.flows.changes import Changes
    from rosterbridge.flows.history import History
    from rosterbridge.flows.models import Role
    from rosterbridge.flows.redriving import Redriver

    accounts = DynamoAccountStore(outputs["AccountTable"], audit_table=outputs["AuditTable"])
    keep_audit = timedelta(days=int(outputs["AuditRetentionDays"]))
    history = History(
        changes=Changes(accounts, lambda: datetime.now(UTC), keep_audit),
        runs=DynamoRunStore(outputs["RunTable"]),
        objects=S3ObjectStore(),
        lanes=DynamoLaneStore(outputs["AccountTable"]),
        workflow=StepFunctionsWorkflow(outputs["RunsStateMachine"]),
        audit=DynamoAuditStore(outputs["AuditTable"]),
        keep_runs=timedelta(days=int(outputs["RunRetentionDays"])),
    )
    executions = StepFunctionsExecutions(outputs["RunsStateMachine"], outputs["ClosingStateMachine"])
    caller = Caller(user_id=_who(), role=Role.OPERATOR, organization_id=None, source_ip="aws")
    return Redriver(caller, history, executions, dry)


def _who() -> str:
    """Return AWS's id of whoever calls; what follows the colon is a session's name, which may be a person's."""
    from rosterbridge.adapters.clients import client, translated

    with translated("sts"):
        identity: str = client("sts").get_caller_identity()["UserId"]
    return f"aws:{identity.partition(':')[0]}"


def _move_dead_letters(stacks: DeployedStacks, outputs: Mapping[str, str], *, dry: bool) -> list[dict[str, Any]]:
    from rosterbridge.adapters.dead_letters import DeadLetterQueue, dead_letter_queues

    found = dead_letter_queues(stacks.queues())
    if dry:
        found.append(DeadLetterQueue(outputs["DeadEndings"]))
    counts = [(queue, queue.count() if dry else queue.move()) for queue in found]
    return [{"queue": queue.name, "messages": count} for queue, count in counts if count]


def dead_endings(outputs: Mapping[str, str], redriver: Redriver, *, dry: bool) -> list[Redriven]:
    """Redrive the runs whose ending EventBridge could not deliver; their executions need not be of the last days."""
    from rosterbridge.adapters.dead_letters import DeadLetterQueue

    queue = DeadLetterQueue(outputs["DeadEndings"])
    if dry:
        return []
    done: list[Redriven] = []

    def handle(message: Mapping[str, Any]) -> None:
        with suppress(NotFoundError):  # a record that is gone needs no ending
            done.extend(redriver.some([run_of(message["Body"])]))

    queue.empty(handle)
    return done


def run_of(body: str) -> str:
    """Return the run that a dead ending is about: the event itself, or what was made of it for the state machine."""
    event = json.loads(body)
    run_id: str = event["detail"]["name"] if "detail" in event else event["run_id"]
    return run_id


def print_done(letters: Sequence[Mapping[str, Any]], done: Sequence[Redriven], *, as_json: bool) -> None:
    """Print which dead letters went back, and what became of each run."""
    rows = [
        {
            "run": one.run.id,
            "flow": one.run.flow_id,
            "error": one.run.error,
            "way": one.way.value,
            "rerun": one.rerun,
            "why_not": one.code,
            "closed": one.closed,
        }
        for one in done
    ]
    if as_json:
        print_object({"dead_letters": letters, "runs": rows})
        return
    print_table(letters, QUEUES, none="no dead letters")
    console.print()
    print_table(rows, RUNS, none="no run to redrive")
    ways = Counter(row["way"] for row in rows)
    if left := sum(ways[way] for way in ("overtaken", "to-be-mended", "refused")):
        fail(f"{left} of {len(rows)} runs stay as they are")
