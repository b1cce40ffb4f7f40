"""``runs list`` and ``runs show``: the history as DynamoDB has it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import typer
from pydantic import TypeAdapter

from rosterbridge.adapters.dynamodb import DynamoRunStore
from rosterbridge.adapters.s3 import S3ObjectStore
from rosterbridge.cli.deployment import StageOption, connect
from rosterbridge.cli.reports import ReportOption, print_report, write_reports
from rosterbridge.cli.terminal import JsonOption, add_row, console, print_json, refuse_usage, say, table
from rosterbridge.errors import NotFoundError
from rosterbridge.flows.models import ObjectRef, Run, Step
from rosterbridge.roster.documents import report_from_json
from rosterbridge.roster.report import Report

PREFIX_SEARCH = 200  # how far back a shortened run id is looked for
STYLES = {"succeeded": "green", "rejected": "red", "failed": "red", "superseded": "yellow"}

runs_app = typer.Typer(no_args_is_help=True)

ProjectOption = Annotated[str | None, typer.Option("--project", help="The project; locally the one of `make run`.")]


@runs_app.command("list")
def list_runs(
    project: ProjectOption = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many, newest first.")] = 20,
    stage: StageOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the runs of a project, newest first."""
    deployment = connect(stage)
    project_id = project or deployment.project_id
    if project_id is None:
        raise refuse_usage("name a --project")
    runs = DynamoRunStore(deployment.outputs.RunTable).list(project_id, limit=limit)
    if as_json:
        print_json(TypeAdapter(Sequence[Run]).dump_json(runs, indent=2).decode())
        return
    if not runs:
        console.print("no run yet")
        return
    _print_runs(runs)


def _print_runs(runs: Sequence[Run]) -> None:
    flows = len({run.flow_id for run in runs}) > 1
    found = table("run", "received", "status", *(["flow"] if flows else []), "file", "what happened")
    for run in runs:
        flow = [run.flow_name] if flows else []
        add_row(found, run.id[:12], _time(run.received_at), run.status, *flow, run.file_name, run.summary)
    console.print(found)


@runs_app.command("show")
def show_run(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="The run's id, or its beginning.")],
    project: ProjectOption = None,
    report_files: ReportOption = None,
    stage: StageOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one run: its steps with times and outcome, counts, the report, and where source and result lie."""
    deployment = connect(stage)
    store = DynamoRunStore(deployment.outputs.RunTable)
    run = store.get(run_id) or _by_prefix(store, run_id, project or deployment.project_id)
    report = _report(run)
    if report_files:
        if report is None:
            raise refuse_usage("this run has no report, or none any more")
        write_reports(report, report_files)
    if as_json:
        print_json(TypeAdapter(dict[str, Run | Report | None]).dump_json({"run": run, "report": report}).decode())
        return
    _print_run(run)
    if report:
        console.print()
        print_report(report)


def _by_prefix(store: DynamoRunStore, prefix: str, project_id: str | None) -> Run:
    runs = store.list(project_id, limit=PREFIX_SEARCH) if project_id else ()
    found = [run for run in runs if run.id.startswith(prefix)]
    if len(found) != 1:
        raise refuse_usage(f"no run {prefix}" if not found else f"{len(found)} runs begin with {prefix}")
    return found[0]


def _report(run: Run) -> Report | None:
    if run.report is None:
        return None
    try:
        return report_from_json(S3ObjectStore().get_text(run.report))
    except NotFoundError:  # reports are kept for a shorter time than the history
        return None


def _print_run(run: Run) -> None:
    say(f"{run.status}  {run.summary}", f"bold {STYLES.get(run.status, 'cyan')}")
    for name, value in (
        ("run", run.id),
        ("flow", f"{run.flow_name} ({run.flow_id})"),
        ("file", f"{run.file_name}, {run.file_bytes:,} bytes"),
        ("received", _time(run.received_at)),
        ("ended", _time(run.ended_at)),
        ("error", run.error),
        ("source", _place(run.source)),
        ("report", _place(run.report)),
        ("result", _place(run.result)),
        ("provenance", _place(run.provenance)),
        ("delivered to", run.delivered_to),
    ):
        if value:
            say(f"{name:<14}{value}")
    console.print()
    steps = table("step", "started", "took", "tries", "outcome", "code", numbers=("took", "tries"))
    for step in run.steps:
        add_row(steps, step.name, _time(step.started_at), _took(step), step.attempts, step.outcome, step.code)
    console.print(steps)
    console.print()
    for step in run.steps:
        counts = {name: f"{count:,}" for name, count in step.counts.items()}
        for name, content in (("counts", counts), ("request", step.request), ("response", step.response)):
            if content:
                say(f"{step.name} {name}: {', '.join(f'{key} {value}' for key, value in content.items())}")


def _time(moment: datetime | None) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}" if moment else ""


def _took(step: Step) -> str:
    return f"{(step.ended_at - step.started_at).total_seconds():.2f} s" if step.ended_at else ""


def _place(ref: ObjectRef | None) -> str:
    return f"s3://{ref.bucket}/{ref.key}" if ref else ""
