"""A run's files and report, on this machine."""

from __future__ import annotations

import json
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rosterbridge.cli.api_client import Json, ProblemError
from rosterbridge.cli.deployment import is_loopback
from rosterbridge.cli.http import http_client
from rosterbridge.cli.terminal import errors, refuse_usage
from rosterbridge.cli.verbs import Call
from rosterbridge.errors import PermanentError, TransientError

if TYPE_CHECKING:
    from rosterbridge.roster.report import Report

BLOCK_BYTES = 256 * 1024


class Downloadable(StrEnum):
    """What can be downloaded of a run."""

    SOURCE = "source"
    RESULT = "result"
    ERRORS = "errors"
    PROVENANCE = "provenance"
    CHANGES = "changes"


ENDINGS = {"source": "zip", "result": "zip", "errors": "csv", "provenance": "csv.gz", "changes": "csv.gz"}
OutputOption = Annotated[
    Path | None,
    typer.Option("--output", metavar="FILE", dir_okay=False, help="Where to; RUN-WHAT.zip or .csv here by default."),
]


def report_of(call: Call, run: Json) -> Report | None:
    """Return the run's report; None where there is none, or none any more."""
    if "report" not in run["links"]:
        return None
    from rosterbridge.roster.documents import report_from_json

    try:
        return report_from_json(json.dumps(call.api.get(call.path("runs", run["id"], "report")).content))
    except ProblemError as error:
        if error.code in {"report-missing", "data-expired", "object-missing"}:
            return None
        raise


def write_report(call: Call, run: Json, paths: list[Path]) -> None:
    """Write the report to each file in the form that its name says."""
    from rosterbridge.cli.reports import write_reports

    report = report_of(call, run)
    if report is None:
        raise refuse_usage("this run has no report, or none any more")
    write_reports(report, paths)


def save(url: str, run_id: str, what: Downloadable, output: Path | None) -> Path:
    """Download to ``output``, which must not exist; nothing is left of a download that breaks off."""
    target = output or Path(f"{run_id[:12]}-{what}.{ENDINGS[what]}")
    if target.exists():
        raise refuse_usage(f"{target} is there already: name another file by --output")
    if not target.parent.is_dir():
        raise refuse_usage(f"there is no folder {target.parent}")
    if not (url.startswith("https://") or is_loopback(url)):
        raise PermanentError("link-unsafe", "the link leads to a server without encryption")
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".rosterbridge-") as folder:
        made = Path(folder) / "download"
        _fetch(url, made)
        made.replace(target)
    return target


def _fetch(url: str, path: Path) -> None:
    """Follow the link, which is signed itself: the token of the API goes nowhere else."""
    import httpx

    try:
        with http_client(url) as client, client.stream("GET", url) as answer, path.open("wb") as file:
            if not answer.is_success:
                raise TransientError("download-refused", f"the store answers {answer.status_code}: try again")
            with errors.status("downloading ..."):
                for block in answer.iter_bytes(BLOCK_BYTES):
                    file.write(block)
    except httpx.HTTPError as error:
        raise TransientError("download-broken-off", type(error).__name__) from None
