"""Erasing an organization: whether it is meant, waiting until it is done, and the certificate."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import quote

import typer

from rosterbridge.cli.api_client import Json, ProblemError
from rosterbridge.cli.output import moment, print_values, shown
from rosterbridge.cli.terminal import add_row, console, errors, say, table
from rosterbridge.cli.verbs import Call
from rosterbridge.errors import TransientError

ERASURES = "/v1/erasures"
COLUMNS = {
    "organization": "organization_id",
    "asked for": lambda erasure: moment(erasure["requested_at"]),
    "by": "requested_by",
    "erased": lambda erasure: moment(erasure["ended_at"]),
}
POLL_SECONDS = 2.0
STALLED_SECONDS = 45 * 60  # longer than any piece of the work takes with its repeats
FAULTS = 30  # how often in a row the API may fail before the waiting ends
REMAINS = {
    "messages": "messages of queues that nobody could handle, with names of uploaded files",
    "backups": "DynamoDB's backups for point-in-time recovery, encrypted",
    "executions": "histories of executions: ids and places of files that are gone",
    "logs": "logs: ids, codes, counts, and addresses of senders",
    "certificate": "this certificate",
}


def known(call: Call, organization_id: str) -> Json | None:
    """Return an organization's erasure, None before it was asked for."""
    found: list[Json] = call.api.get(ERASURES).content["items"]
    return next((erasure for erasure in found if erasure["organization_id"] == organization_id), None)


def begin(call: Call, organization_id: str, name: str | None) -> None:
    """Have it erased, or go on with it, if it is meant: by ``name``, or by the name that is typed."""
    if name is None:
        organizations: list[Json] = call.api.get("/v1/organizations").content["items"]
        right = next((one["name"] for one in organizations if one["id"] == organization_id), None)
        name = _asked(organization_id) if right is not None else ""
        if right is not None and name != right:
            errors.print("this is not its name: nothing was changed", highlight=False)
            raise typer.Exit
    call.api.post(f"/v1/organizations/{quote(organization_id, safe='')}/erasure", {"name": name})


def _asked(organization_id: str) -> str:
    errors.print(
        f"All that {shown(organization_id)} has is erased: accounts, flows, users, history, files. "
        "Nobody can bring it back.",
        highlight=False,
        markup=False,
    )
    typed: str = typer.prompt("The organization's name, to go on", err=True)
    return typed


def follow(call: Call, organization_id: str) -> Json:
    """Ask until it is erased, and return the certificate; the work goes on where nobody asks."""
    before, since, faults = None, time.monotonic(), 0
    with _told() as tell:
        while time.monotonic() - since < STALLED_SECONDS:
            try:
                erasure = known(call, organization_id)
                faults = 0
            except (TransientError, ProblemError) as error:
                faults += 1
                if faults > FAULTS or not (isinstance(error, TransientError) or error.of_service):
                    raise
            else:
                if erasure is not None and erasure["ended_at"] is not None:
                    return erasure
                if erasure != before:
                    before, since = erasure, time.monotonic()
                    tell(_stage(erasure))
            time.sleep(POLL_SECONDS)
    raise TransientError("erasure-stalled", "nothing has happened for long: call the same command again")


def _stage(erasure: Json | None) -> str:
    if erasure is None or erasure["quiet_until"] is None:
        return "stopping what is under way"
    removed = sum(erasure["counts"].values())
    return f"erasing from {moment(erasure['quiet_until'])} on, when nothing can be under way; {removed} removed"


@contextmanager
def _told() -> Iterator[Callable[[str], None]]:
    """Show each stage: beside a spinner on a terminal, else as a line."""
    if not errors.is_terminal:
        yield lambda stage: errors.print(stage, highlight=False)
        return
    with errors.status("stopping what is under way") as status:
        yield status.update


def print_certificate(erasure: Json) -> None:
    """Print what was erased, when, for whom, and what remains until when."""
    print_values(
        {
            "organization": erasure["organization_id"],
            "asked for": f"{moment(erasure['requested_at'])} by {erasure['requested_by']}",
            "erased": moment(erasure["ended_at"]),
        }
    )
    say("")
    erased = table("erased", "count", numbers=("count",))
    for kind, count in sorted(erasure["counts"].items()):
        add_row(erased, kind.replace("_", " "), count)
    console.print(erased)
    say("")
    left = table("remains", "until")
    for kind, until in sorted(erasure["remains"].items(), key=lambda entry: str(entry[1])):
        add_row(left, REMAINS.get(kind, kind), moment(until))
    console.print(left)
