"""A report as a person reads it, as JSON, and as CSV for spreadsheets."""

from __future__ import annotations

import csv
from pathlib import Path

from rosterbridge.cli.terminal import add_row, console, say, table
from rosterbridge.roster.report import Report

SHOWN_ENTRIES = 20
ERROR_COLUMNS = ("code", "severity", "file", "line", "column", "message", "mend")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def print_report(report: Report) -> None:
    """Print the outcome in one sentence, the counts per file, and the first entries."""
    say(report.summary, "bold green" if report.accepted else "bold red")
    if report.counts:
        counts = table("file", "read", "sent", "left out", "dropped", numbers=("read", "sent", "left out", "dropped"))
        for file, count in report.counts.items():
            add_row(counts, file, *(f"{n:,}" for n in (count.read, count.sent, count.left_out, count.dropped)))
        console.print(counts)
    if report.entries:
        entries = table("", "code", "where", "what", "how to mend")
        for entry in report.entries[:SHOWN_ENTRIES]:
            where = f"{entry.file or ''}{f':{entry.line}' if entry.line else ''}"
            add_row(entries, entry.severity, entry.code, where, entry.message, entry.mend)
        console.print(entries)
    more = sum(total.count for total in report.totals) - min(len(report.entries), SHOWN_ENTRIES)
    if more > 0:
        console.print(f"… and {more:,} more: --report FILE.json or --errors FILE.csv has them.")


def write_errors(report: Report, path: Path) -> None:
    """Write the entries as CSV that a spreadsheet opens without running anything of it."""
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerow(ERROR_COLUMNS)
        for entry in report.entries:
            writer.writerow([_harmless(getattr(entry, column)) for column in ERROR_COLUMNS])


def _harmless(value: object) -> str:
    """Put an apostrophe before what a spreadsheet would take for a formula (OWASP ASVS 5.0 1.2.10)."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
