"""``runs``: the history, what happened to each upload."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer

from rosterbridge.cli import run_files, run_views, watching
from rosterbridge.cli.api_client import Json
from rosterbridge.cli.output import merged, print_object
from rosterbridge.cli.reports import ReportOption
from rosterbridge.cli.run_lookup import RunArgument, find_run
from rosterbridge.cli.terminal import console, refuse_usage, say
from rosterbridge.cli.verbs import AllOption, Call, CursorOption, LimitOption, ProjectOption, noun, verb

runs_app = noun()

TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]


class Status(StrEnum):
    """Where a run is."""

    RECEIVED = "received"
    VALIDATING = "validating"
    CONVERTING = "converting"
    HELD = "held"
    FORWARDING = "forwarding"
    SUCCEEDED = "succeeded"
    REJECTED = "rejected"
    FAILED = "failed"
    SUPERSEDED = "superseded"


class StepName(StrEnum):
    """One stage of a run."""

    RECEIVE = "receive"
    VALIDATE = "validate"
    CONVERT = "convert"
    GUARD = "guard"
    FORWARD = "forward"


@verb(runs_app, "list")
def list_runs(
    call: Call,
    project: ProjectOption = None,
    flow: Annotated[str | None, typer.Option("--flow", metavar="ID", help="Only runs of this flow.")] = None,
    status: Annotated[
        Status | None, typer.Option("--status", metavar="STATUS", help="Only runs with this status.")
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option("--since", metavar="TIME", formats=TIMES, help="Received then or later: 2026-09-01T08:30."),
    ] = None,
    until: Annotated[
        datetime | None, typer.Option("--until", metavar="TIME", formats=TIMES, help="Received earlier.")
    ] = None,
    limit: LimitOption = 20,
    cursor: CursorOption = None,
    every: AllOption = False,
) -> None:
    """List the runs of a project, newest first."""
    pages = call.api.pages(
        call.path("projects", call.project_id(project), "runs"),
        limit=None if every else limit,
        cursor=cursor,
        flow_id=flow,
        status=status,
        since=_written(since),
        until=_written(until),
    )
    found = merged(pages)
    call.show(found, lambda page: run_views.print_runs(page["items"]))
    if found["cursor"] and not call.as_json:
        say(f"… more: --cursor {found['cursor']}")


@verb(runs_app, "show")
def show_run(
    call: Call,
    run: RunArgument,
    project: ProjectOption = None,
    step: Annotated[
        StepName | None, typer.Option("--step", help="Only this step, its request and response in full.")
    ] = None,
    report_files: ReportOption = None,
) -> None:
    """Show a run: its steps with times and outcome, counts, the report, and which of its files are there."""
    found = find_run(call, run, project)
    if report_files:
        run_files.write_report(call, found, report_files)
    if step:
        _show_step(call, found, step)
    else:
        _show(call, found)


def _show(call: Call, run: Json) -> None:
    if call.as_json:
        print_object(run)
        return
    run_views.print_run(run)
    if report := run_files.report_of(call, run):
        from rosterbridge.cli.reports import print_report

        console.print()
        print_report(report)


def _show_step(call: Call, run: Json, name: StepName) -> None:
    step = next((step for step in run["steps"] if step["name"] == name), None)
    if step is None:
        raise refuse_usage(f"this run has no step {name}")
    call.show(step, run_views.print_step)


@verb(runs_app, "watch")
def watch_run(call: Call, run: RunArgument = "", project: ProjectOption = None) -> None:
    """Wait until a run, the newest one by default, has ended or is held; exit 1 if rejected or held, 3 if it fails."""
    found = find_run(call, run, project)
    status = watching.watch(call, found)
    _show(call, call.api.get(call.path("runs", found["id"])).content)
    if code := watching.EXIT_CODES.get(status):
        raise typer.Exit(code)


@verb(runs_app, "links")
def links(call: Call, run: RunArgument, project: ProjectOption = None) -> None:
    """Print where an operator sees a run in AWS's console: its execution, its trace and its log."""
    found = find_run(call, run, project)["console"]
    if not found:
        raise refuse_usage("only operators see AWS's console")
    call.show(found, run_views.print_links)


@verb(runs_app, "download")
def download(
    call: Call,
    run: RunArgument,
    what: Annotated[
        run_files.Downloadable, typer.Argument(metavar="WHAT", help="source, result, errors, provenance, changes")
    ],
    output: run_files.OutputOption = None,
    project: ProjectOption = None,
) -> None:
    """Download the upload, what Apple got, the errors, the provenance or the changes; --json prints only the link."""
    found = find_run(call, run, project)
    link = call.api.get(call.path("runs", found["id"], "downloads", what)).content
    if call.as_json:
        print_object(link)
        return
    say(str(run_files.save(link["url"], found["id"], what, output)))


@verb(runs_app, "rerun")
def rerun(call: Call, run: RunArgument, project: ProjectOption = None) -> None:
    """Run the same file again with the flow's options of today."""
    found = find_run(call, run, project)
    call.show(call.api.create(call.path("runs", found["id"], "rerun")).content, run_views.print_run)


ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, in one line; the run shows it.")]


@verb(runs_app, "approve")
def approve(call: Call, run: RunArgument, reason: ReasonOption, project: ProjectOption = None) -> None:
    """Let a held run go on to Apple."""
    _decide(call, find_run(call, run, project), "approve", reason)


@verb(runs_app, "reject")
def reject(call: Call, run: RunArgument, reason: ReasonOption, project: ProjectOption = None) -> None:
    """End a held run; nothing of it is sent."""
    _decide(call, find_run(call, run, project), "reject", reason)


def _decide(call: Call, run: Json, word: str, reason: str) -> None:
    call.show(call.api.create(call.path("runs", run["id"], word), {"reason": reason}).content, run_views.print_run)


@verb(runs_app, "next")
def next_run(call: Call, run: RunArgument, project: ProjectOption = None) -> None:
    """Show the run that was received after this one."""
    _show_neighbour(call, find_run(call, run, project), "next", "later")


@verb(runs_app, "previous")
def previous_run(call: Call, run: RunArgument, project: ProjectOption = None) -> None:
    """Show the run that was received before this one."""
    _show_neighbour(call, find_run(call, run, project), "previous", "earlier")


def _show_neighbour(call: Call, run: Json, which: str, word: str) -> None:
    neighbour = call.api.get(call.path("runs", run["id"], "neighbours")).content[which]
    if neighbour is None:
        call.show(None, lambda _: say(f"there is no {word} run"))
        return
    _show(call, call.api.get(call.path("runs", neighbour)).content)


def _written(moment: datetime | None) -> str | None:
    """Return a time with its zone, which is this machine's unless it says another."""
    return (moment if moment.tzinfo else moment.astimezone()).isoformat() if moment else None
