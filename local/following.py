"""Show a run while it happens: a line for each step that ends, and a spinner meanwhile when somebody looks."""

from __future__ import annotations

import csv
import io
import json
import time
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from local.processes import LocalStackError
from local.stack import OPERATOR, LocalStack
from rosterbridge.flows.forwarding import remote_name
from rosterbridge.flows.models import Run, RunStatus, RunSummary, Step
from rosterbridge.flows.ports import RunFilter

RECEIVE_SECONDS = 60
RUN_SECONDS = 3600
POLL_SECONDS = 0.1
SHOWN_RUNS = 100
SHOWN_ENTRIES = 10
APPROVED = "Approved at once: behind this server nobody is deactivated."
MARKS = {"succeeded": "[green]✓[/]", "rejected": "[red]✗[/]", "held": "[yellow]…[/]", "failed": "[red]✗[/]"}


def known_runs(stack: LocalStack, project_id: str) -> set[str]:
    """Return the ids of the project's newest runs."""
    return {run.id for run in _newest(stack, project_id)}


def _newest(stack: LocalStack, project_id: str) -> Sequence[RunSummary]:
    return stack.stores.runs.page(RunFilter(stack.organization_id, project_id), limit=SHOWN_RUNS).items


def wait_for_new_run(stack: LocalStack, project_id: str, known: set[str]) -> Run:
    """Return the run that an upload has started; raises LocalStackError."""
    until = time.monotonic() + RECEIVE_SECONDS
    while time.monotonic() < until:
        stack.processes.check()
        for found in _newest(stack, project_id):
            if found.id not in known and (run := stack.stores.runs.get(found.id)):
                return run
        time.sleep(POLL_SECONDS)
    message = f"the upload started no run within {RECEIVE_SECONDS} s; see the logs in {stack.state / 'logs'}"
    raise LocalStackError(message)


def follow(stack: LocalStack, run: Run, console: Console) -> Run:
    """Show the run's steps until it ends, and return how it ended; raises LocalStackError."""
    until = time.monotonic() + RUN_SECONDS
    shown: set[tuple[str, int]] = set()
    with console.status(run.status.value) as status:
        while time.monotonic() < until:
            stack.processes.check()
            run = stack.stores.runs.get(run.id) or run
            for step in run.steps:
                if step.ended_at and (step.name, step.attempts) not in shown:
                    shown.add((step.name, step.attempts))
                    console.print(_line(step))
            if run.status is RunStatus.HELD and run.hold and run.hold.decision is None:
                stack.stores.holds.approve(OPERATOR, run.organization_id, run.id, APPROVED)
                console.print(f"[yellow]{APPROVED}[/] Elsewhere: rosterbridge runs approve {run.id[:12]}")
            if run.status.final:
                return run
            status.update(f"{run.status.value} ...")
            time.sleep(POLL_SECONDS)
    message = f"run {run.id} is still {run.status.value} after {RUN_SECONDS} s"
    raise LocalStackError(message)


def _line(step: Step) -> str:
    seconds = (step.ended_at - step.started_at).total_seconds() if step.ended_at else 0.0
    attempt = f" (try {step.attempts})" if step.attempts > 1 else ""
    text = step.message or ", ".join(f"{number:,} {name}" for name, number in step.counts.items())
    return f"  {MARKS.get(step.outcome, '·')} {step.name:<9}{seconds:6.2f} s  {escape(text)}{attempt}"


def outcome(stack: LocalStack, run: Run) -> Iterator[str]:
    """Yield the lines that tell how the run ended: where the ZIP landed and its rows, or why there is none."""
    if run.status is RunStatus.SUCCEEDED:
        landed = stack.received / remote_name(run.id)
        yield f"[green]{escape(run.summary)}[/]"
        yield f"Apple's stand-in has it: {escape(str(landed))}"
        for name, rows in row_counts(landed).items():
            yield f"  {name:<14}{rows:>9,} rows"
        return
    reason = run.summary or run.error or "no reason recorded"
    told = reason.casefold().startswith(run.status.value)
    yield f"[red]{escape(reason if told else f'{run.status.value.capitalize()}: {reason}')}[/]"
    if run.report is not None:
        yield from _entries(json.loads(stack.stores.objects.get_text(run.report))["entries"])


def _entries(entries: list[dict[str, Any]]) -> Iterator[str]:
    """Yield a report's first entries, errors before warnings."""
    for entry in sorted(entries, key=lambda entry: entry["severity"])[:SHOWN_ENTRIES]:
        place = " ".join(str(entry[part]) for part in ("file", "line", "column") if entry.get(part) is not None)
        where = f" in {place}" if place else ""
        yield escape(f"  {entry['severity']} {entry['code']}{where}: {entry['message']} {entry['mend']}")
    if len(entries) > SHOWN_ENTRIES:
        yield f"  ... and {len(entries) - SHOWN_ENTRIES:,} more"


def row_counts(path: Path) -> dict[str, int]:
    """Return the rows of each file of a ZIP, its header left out."""
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.lower().endswith(".csv")]
        return {name: _rows(archive, name) for name in names}


def _rows(archive: zipfile.ZipFile, name: str) -> int:
    with archive.open(name) as file, io.TextIOWrapper(file, "utf-8-sig", newline="") as text:
        return max(0, sum(1 for _ in csv.reader(text)) - 1)
