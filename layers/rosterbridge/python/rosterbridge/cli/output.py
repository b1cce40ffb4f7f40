"""What the API's answers look like in a terminal, and which exit code a failure has."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import typer

from rosterbridge.cli.terminal import WRONG_USAGE, add_row, console, fail, print_json, say, table
from rosterbridge.errors import PermanentError, RosterbridgeError

REJECTED, SERVICE_FAILED = 1, 3
WIDTH = 16


@contextmanager
def answering(*, as_json: bool = False) -> Iterator[None]:
    """Tell in a line what was refused, and end with 2 where the call was wrong, with 3 where a service failed.

    With ``as_json`` the API's problem goes to standard output too.
    """
    from rosterbridge.cli.api_client import ProblemError

    try:
        yield
    except typer.Abort:
        fail("stopped: there was no answer to the question")
        raise typer.Exit(WRONG_USAGE) from None
    except ProblemError as error:
        _print_problem(error.problem)
        if error.seconds is not None:
            fail(f"  try again in {error.seconds} s")
        if as_json:
            print_object(error.problem)
        raise typer.Exit(SERVICE_FAILED if error.of_service else WRONG_USAGE) from None
    except RosterbridgeError as error:
        fail(shown(str(error)))
        raise typer.Exit(WRONG_USAGE if isinstance(error, PermanentError) else SERVICE_FAILED) from None


def _print_problem(problem: Mapping[str, Any]) -> None:
    lines = [f"{problem['code']}: {problem.get('title', '')} {problem.get('detail', '')}".strip()]
    lines += [f"  {error['field']}: {error['message']}" for error in problem.get("errors") or ()]
    lines += [f"  flow {flow['name']} ({flow['id']})" for flow in problem.get("flows") or ()]
    for line in lines:
        fail(shown(line))


def print_object(content: Any) -> None:
    """Print what the API answered, as JSON."""
    print_json(json.dumps(content, indent=2, ensure_ascii=False))


def print_table(things: Sequence[Mapping[str, Any]], columns: Mapping[str, Any], *, none: str) -> None:
    """Print a line a thing; a column is a key of the thing, or a function that makes the cell of it."""
    if not things:
        console.print(none)
        return
    made = table(*columns)
    for thing in things:
        add_row(made, *(cell(thing) if callable(cell) else shown(thing.get(cell)) for cell in columns.values()))
    console.print(made)


def print_values(values: Mapping[str, Any]) -> None:
    """Print a line a value, those without one left out."""
    for name, value in values.items():
        if text := shown(value):
            say(f"{name:<{WIDTH}}{text}")


def shown(value: Any) -> str:
    """Return a value of JSON as a person reads it; nothing of it commands the terminal."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(shown(one) for one in value)
    return "".join(letter if letter.isprintable() else " " for letter in str(value))


def moment(value: str | None) -> str:
    """Return a time of the API in this machine's own time zone."""
    return f"{datetime.fromisoformat(value).astimezone():%Y-%m-%d %H:%M:%S}" if value else ""


def print_secret(name: str, value: str | None) -> None:
    """Print a secret that is never shown again."""
    if value:
        say(f"{name:<{WIDTH}}{value}", "bold")
        say("Copy it now: it is not shown again.", "yellow")


def merged(pages: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return pages as one list with the last page's cursor."""
    items: list[Any] = []
    cursor = None
    for page in pages:
        items += page["items"]
        cursor = page["cursor"]
    return {"items": items, "cursor": cursor}
