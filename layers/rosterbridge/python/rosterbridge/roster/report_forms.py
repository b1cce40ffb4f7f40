"""A report as JSON, as CSV for spreadsheets, and as lines of text, for a file or a store."""

from __future__ import annotations

import csv
import io
import re

from rosterbridge.roster.report import Entry, Report

SUFFIXES = (".json", ".csv", ".txt")
COLUMNS = ("code", "severity", "file", "line", "column", "message", "mend")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def report_as(report: Report, suffix: str) -> bytes:
    """Return the report in the form of one of SUFFIXES."""
    if suffix == ".csv":
        return report_to_csv(report).encode("utf-8-sig")  # without the mark, Excel takes it for Windows-1252
    if suffix == ".txt":
        return report_to_lines(report).encode()
    from rosterbridge.roster.documents import report_to_json

    return report_to_json(report, indent=2).encode()


def report_to_csv(report: Report) -> str:
    """Return the entries as CSV that a spreadsheet opens without running anything of it."""
    made = io.StringIO()
    writer = csv.writer(made)
    writer.writerow(COLUMNS)
    writer.writerows([_harmless(getattr(entry, column)) for column in COLUMNS] for entry in report.entries)
    return made.getvalue()


def report_to_lines(report: Report) -> str:
    """Return a line for each entry: ``file:line - message``, the form in which Claris Connect reports."""
    return "".join(f"{one_line(_line(entry))}\n" for entry in report.entries)


def one_line(text: str) -> str:
    """Return a text without line breaks and control characters, which a terminal would obey."""
    return BREAKS.sub(" ", text)


def _line(entry: Entry) -> str:
    place = f"{entry.file}:{entry.line}" if entry.file and entry.line else entry.file
    message = entry.message.removesuffix(".")
    return f"{place} - {message}" if place else message


def _harmless(value: object) -> str:
    """Put an apostrophe before what a spreadsheet would take for a formula (OWASP ASVS 5.0 1.2.10)."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
