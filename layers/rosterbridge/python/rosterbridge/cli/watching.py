"""Waiting for a run to end, with a bar where somebody looks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rosterbridge.cli.api_client import Json, ProblemError
from rosterbridge.cli.output import REJECTED, SERVICE_FAILED
from rosterbridge.cli.terminal import errors
from rosterbridge.cli.verbs import Call
from rosterbridge.errors import TransientError

POLL_SECONDS = 1.0
FAULTS = 30  # how often in a row the API may fail before the waiting ends
# How much of the way is behind a run
DONE = {"received": 1, "validating": 2, "converting": 3, "held": 4, "forwarding": 4}
STEPS = 5
EXIT_CODES = {"rejected": REJECTED, "held": REJECTED, "failed": SERVICE_FAILED}


def watch(call: Call, run: Json) -> str:
    """Ask each second until the run has ended, or waits for somebody, and return its status."""
    path = call.path("runs", run["id"]) + "/status"
    etag, faults = None, 0
    with _bar() as show:
        while True:
            try:
                answer = call.api.peek(path, etag)
                faults = 0
            except (TransientError, ProblemError) as error:
                faults += 1
                if faults > FAULTS or not (isinstance(error, TransientError) or error.of_service):
                    raise
            else:
                etag = answer.etag
                if answer.changed:
                    show(answer.content["status"])
                    status: str = answer.content["status"]
                    if answer.content["final"] or status == "held":
                        return status
            time.sleep(POLL_SECONDS)


@contextmanager
def _bar() -> Iterator[Callable[[str], None]]:
    """Show each status: as a bar on a terminal, else as a line."""
    if not errors.is_terminal:
        yield lambda status: errors.print(status, highlight=False)
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description:<11}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=errors, transient=True) as progress:
        task = progress.add_task("received", total=STEPS)
        yield lambda status: progress.update(task, description=status, completed=DONE.get(status, STEPS))
