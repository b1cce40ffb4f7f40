"""Which run is meant: by its id, by the beginning of it, or the newest."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from rosterbridge.cli.api_client import Json
from rosterbridge.cli.output import merged
from rosterbridge.cli.terminal import refuse_usage
from rosterbridge.cli.verbs import Call

PREFIX_SEARCH = 200  # how far back a shortened run id is looked for
WHOLE_ID = re.compile(r"[0-9a-f]{32}")

RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="The run's id, or its beginning.")]


def find_run(call: Call, run: str, project: str | None) -> Json:
    """Return the run; an empty text means the newest one of the project."""
    identity = run if WHOLE_ID.fullmatch(run) else _by_beginning(call, run, project)
    found: Json = call.api.get(call.path("runs", identity)).content
    return found


def _by_beginning(call: Call, run: str, project: str | None) -> str:
    path = call.path("projects", call.project_id(project), "runs")
    known = merged(call.api.pages(path, limit=PREFIX_SEARCH if run else 1))["items"]
    found: list[str] = [one["id"] for one in known if one["id"].startswith(run)]
    if len(found) != 1:
        none = f"no run {run} among the newest {PREFIX_SEARCH}" if run else "no run yet"
        raise refuse_usage(none if not found else f"{len(found)} runs begin with {run}")
    return found[0]
