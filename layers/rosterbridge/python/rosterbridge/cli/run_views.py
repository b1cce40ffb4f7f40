"""A run, a list of runs and a step, as a person reads them in a terminal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rosterbridge.cli.api_client import Json
from rosterbridge.cli.output import moment, print_table, print_values, shown
from rosterbridge.cli.terminal import add_row, console, say, table

STYLES = {"succeeded": "green", "rejected": "red", "failed": "red", "superseded": "yellow", "held": "yellow"}
SHOWN_ID = 12
FILES = ("source", "result", "errors", "provenance", "changes", "report")


def print_runs(runs: Sequence[Json]) -> None:
    """Print a line a run, with the flow's name where there are several."""
    flows = len({run["flow_id"] for run in runs}) > 1
    columns: dict[str, Any] = {
        "run": lambda run: run["id"][:SHOWN_ID],
        "received": lambda run: moment(run["received_at"]),
        "status": "status",
        **({"flow": "flow_name"} if flows else {}),
        "file": "file_name",
        "what happened": "summary",
    }
    print_table(runs, columns, none="no run yet")


def print_run(run: Json) -> None:
    """Print a run with its steps."""
    say(f"{run['status']}  {shown(run['summary'])}", f"bold {STYLES.get(run['status'], 'cyan')}")
    print_values(
        {
            "run": run["id"],
            "flow": f"{run['flow_name']} ({run['flow_id']})",
            "file": f"{run['file_name']}, {run['file_bytes']:,} bytes",
            "received": moment(run["received_at"]),
            "ended": moment(run["ended_at"]),
            "error": run["error"],
            **_hold(run["hold"]),
            "delivered to": run["delivered_to"],
            "rerun of": run["rerun_of"],
            "downloads": [name for name in FILES if name in run["links"]],
        }
    )
    console.print()
    steps = table("step", "started", "took", "tries", "outcome", "code", numbers=("took", "tries"))
    for step in run["steps"]:
        times = moment(step["started_at"]), _took(step)
        add_row(steps, step["name"], *times, step["attempts"], step["outcome"], step["code"])
    console.print(steps)
    for step in run["steps"]:
        if step["counts"]:
            counts = ", ".join(f"{name} {count:,}" for name, count in step["counts"].items())
            say(f"{step['name']} counts: {shown(counts)}")


def _hold(hold: Json | None) -> Json:
    """Return why a run waits until when, or what was decided."""
    if hold is None:
        return {}
    decided = f"{hold['decision']} {moment(hold['decided_at'])}" if hold["decision"] else None
    return {
        "held for": hold["reasons"],
        "waits until": None if decided else moment(hold["until"]),
        "decided": decided,
        "by": hold["decided_by"],
        "reason": hold["reason"],
    }


def print_links(links: Json) -> None:
    """Print addresses, each whole and in a line of its own, so that a terminal opens them."""
    for name, address in links.items():
        say(name, "bold")
        say(address)


def print_step(step: Json) -> None:
    """Print a step whole: also the request and the response that its project saves."""
    say(f"{step['name']}: {step['outcome']}", "bold")
    print_values(
        {
            "started": moment(step["started_at"]),
            "ended": moment(step["ended_at"]),
            "tries": step["attempts"],
            "code": step["code"],
            "message": step["message"],
            **{f"  {name}": f"{count:,}" for name, count in step["counts"].items()},
        }
    )
    for part in ("request", "response"):
        say(f"{part}:", "bold")
        if not step[part]:
            say("  nothing: the project does not save it")
        for name, value in step[part].items():
            say(f"  {name} {shown(value if isinstance(value, str) else json.dumps(value))}")


def _took(step: Json) -> str:
    if not step["ended_at"]:
        return ""
    started, ended = (datetime.fromisoformat(step[name]) for name in ("started_at", "ended_at"))
    return f"{(ended - started).total_seconds():.2f} s"
