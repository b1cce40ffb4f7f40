"""A report as a person reads it in a terminal, and the files that ``--report`` writes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from rosterbridge.cli.terminal import add_row, console, say, table
from rosterbridge.roster.report import Report
from rosterbridge.roster.report_forms import SUFFIXES, one_line, report_as

SHOWN_ENTRIES = 20


def _checked(paths: list[Path] | None) -> list[Path]:
    """Refuse, before any work is done, a file that could not be written or whose form is unknown."""
    for path in paths or []:
        if path.suffix.lower() not in SUFFIXES:
            message = f"{path.name}: a report's name ends in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"
            raise typer.BadParameter(message)
        if not path.parent.is_dir():
            message = f"there is no folder {path.parent}"
            raise typer.BadParameter(message)
    return paths or []


ReportOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--report",
        metavar="FILE",
        dir_okay=False,
        callback=_checked,
        help="Write the report: whole as .json, its entries as .csv for a spreadsheet, or as .txt, one line each;"
        " may be given again.",
    ),
]


def print_report(report: Report) -> None:
    """Print the outcome in one sentence, the counts per file, how often each code was found, and the first entries."""
    say(one_line(report.summary), "bold green" if report.accepted else "bold red")
    if report.counts:
        counts = table("file", "read", "sent", "left out", "dropped", numbers=("read", "sent", "left out", "dropped"))
        for file, count in report.counts.items():
            add_row(counts, file, *(f"{n:,}" for n in (count.read, count.sent, count.left_out, count.dropped)))
        console.print(counts)
    if report.totals:
        console.print()
        totals = table("", "code", "file", "count", numbers=("count",))
        for total in report.totals:
            add_row(totals, total.severity, total.code, total.file, f"{total.count:,}")
        console.print(totals)
    if report.entries:
        console.print()
        _print_entries(report)


def _print_entries(report: Report) -> None:
    entries = table("", "code", "where", "what", "how to mend")
    for entry in report.entries[:SHOWN_ENTRIES]:
        where = f"{entry.file or ''}{f':{entry.line}' if entry.line else ''}"
        add_row(entries, entry.severity, entry.code, where, one_line(entry.message), one_line(entry.mend))
    console.print(entries)
    more = len(report.entries) - SHOWN_ENTRIES
    if more > 0:
        console.print(f"… and {more:,} more entries: --report FILE.json, FILE.csv or FILE.txt has them.")


def write_reports(report: Report, paths: Iterable[Path] | None) -> None:
    """Write the report to each file in the form that its name says."""
    for path in paths or ():
        path.write_bytes(report_as(report, path.suffix.lower()))


def write_errors(report: Report, path: Path) -> None:
    """Write the entries as CSV whatever the file's name."""
    path.write_bytes(report_as(report, ".csv"))
