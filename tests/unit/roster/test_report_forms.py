"""A report as lines of text, as CSV and as JSON."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from rosterbridge.roster import Report
from rosterbridge.roster.documents import report_from_json
from rosterbridge.roster.report import Entry
from rosterbridge.roster.report_forms import report_as, report_to_csv, report_to_lines
from tests.support.rosters import asm, process, replaced


def report(*entries: Entry) -> Report:
    return Report(accepted=False, format="asm", summary="Rejected.", entries=entries)


def entry(message: str, file: str | None = None, line: int | None = None) -> Entry:
    return Entry(code="asm-unknown-reference", severity="error", message=message, mend="Mend it.", file=file, line=line)


def test_a_line_names_file_line_and_fault_as_claris_does(tmp_path: Path) -> None:
    found = process(tmp_path, replaced(asm(), "staff.csv", "Lind,,,s1", "Lind,,,10")).report
    assert report_to_lines(found) == (
        "staff.csv:2 - location_id = '10' does not reference any location_id in locations.csv\n"
    )


def test_a_line_has_as_much_of_the_place_as_is_known() -> None:
    lines = report_to_lines(report(entry("It is missing.", "staff.csv"), entry("Not a ZIP.")))
    assert lines == "staff.csv - It is missing\nNot a ZIP\n"


def test_no_value_breaks_a_line_or_commands_a_terminal() -> None:
    lines = report_to_lines(report(entry("id = 'a\r\nb\x1b[31mc\x85d\u2028e\x0bf' is odd.", "staff.csv", 2)))
    assert lines.splitlines() == ["staff.csv:2 - id = 'a b [31mc d e f' is odd"]


def test_no_entry_is_no_line() -> None:
    assert report_to_lines(report()) == ""


def test_a_spreadsheet_gets_a_row_an_entry_and_no_formula() -> None:
    text = report_to_csv(report(entry("=1+1", "-x.csv", 3), entry('one "two"\nthree')))
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [(row["file"], row["line"], row["message"]) for row in rows] == [
        ("'-x.csv", "3", "'=1+1"),
        ("", "", 'one "two"\nthree'),
    ]


def test_json_holds_the_whole_report(tmp_path: Path) -> None:
    found = process(tmp_path, asm()).report
    assert report_from_json(report_as(found, ".json")) == found
