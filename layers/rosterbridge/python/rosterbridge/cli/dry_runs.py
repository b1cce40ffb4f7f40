"""``flows dry-run``: what a file would do, without anything being sent."""

from __future__ import annotations

import json
import time
from pathlib import Path

from rosterbridge.cli.api_client import Json
from rosterbridge.cli.deployment import is_loopback
from rosterbridge.cli.http import http_client
from rosterbridge.cli.output import REJECTED, SERVICE_FAILED, moment, print_values, shown
from rosterbridge.cli.terminal import console, errors, say
from rosterbridge.cli.verbs import Call
from rosterbridge.errors import PermanentError, TransientError

POLL_SECONDS = 1.0
STYLES = {"send": "bold green", "hold": "bold yellow", "reject": "bold red"}
WORDS = {"send": "would be sent", "hold": "would be held", "reject": "would be rejected"}


def try_out(call: Call, flow_id: str, path: Path) -> int:
    """Have a file looked at, print what was found, and return the exit code."""
    asked = {"flow_id": flow_id, "file_name": path.name, "file_bytes": path.stat().st_size}
    begun = call.api.create(call.path("dry-runs"), asked).content
    if begun["upload"]:
        _post(begun["upload"], path)
    found = _follow(call, begun["id"])
    call.show(found, _print)
    if found["status"] == "failed":
        return SERVICE_FAILED
    return 0 if found["verdict"] == "send" else REJECTED


def _post(form: Json, path: Path) -> None:
    """Post the file to its form, which is signed itself: the token of the API goes nowhere else."""
    import httpx

    if not (form["url"].startswith("https://") or is_loopback(form["url"])):
        raise PermanentError("link-unsafe", "the form leads to a server without encryption")
    try:
        with http_client(form["url"]) as client, path.open("rb") as file, errors.status("uploading ..."):
            answer = client.post(form["url"], data=form["fields"], files={"file": (path.name, file)})
    except httpx.HTTPError as error:
        raise TransientError("upload-broken-off", type(error).__name__) from None
    if not answer.is_success:
        raise TransientError("upload-refused", f"the store answers {answer.status_code}: try again")


def _follow(call: Call, dry_run_id: str) -> Json:
    """Ask each second until the file was looked at."""
    with errors.status("checking ..."):
        while True:
            found: Json = call.api.get(call.path("dry-runs", dry_run_id)).content
            if found["status"] in {"done", "failed"}:
                return found
            time.sleep(POLL_SECONDS)


def _print(found: Json) -> None:
    verdict = found["verdict"] or ""
    say(f"{WORDS.get(verdict, found['status'])}  {shown(found['summary'])}", STYLES.get(verdict, "bold red"))
    changes = ", ".join(f"{name} {count:,}" for name, count in found["counts"].items())
    print_values(
        {
            "dry run": found["id"],
            "flow": found["flow_id"],
            "file": found["file_name"],
            "error": found["error"],
            "changes": changes,
            "kept until": moment(found["expires_at"]),
        }
    )
    if found["report"]:
        from rosterbridge.cli.reports import print_report
        from rosterbridge.roster.documents import report_from_json

        console.print()
        print_report(report_from_json(json.dumps(found["report"])))
