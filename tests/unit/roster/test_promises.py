"""What every report promises whatever the upload holds: sums that make sense, and no value of a row in a log."""

from __future__ import annotations

import csv
import io
import json
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from rosterbridge.roster import ConversionOptions
from rosterbridge.roster.documents import report_to_json
from rosterbridge.roster.findings import Findings, RosterError
from rosterbridge.roster.formats import VOCABULARIES
from tests.fuzz.uploads import OPTIONS, damaged_uploads
from tests.support.examples import examples
from tests.support.rosters import Files, Outcome, asm, oneroster_1_1, oneroster_1_2, process
from tests.unit.roster.test_properties import OPTIONS as RULE_OPTIONS
from tests.unit.roster.test_properties import Registrar
from tests.unit.roster.test_strict import package_1_1, package_1_2

MARK = "zq"  # in no message, no file's name and no column's
UNMARKED = {*VOCABULARIES, "beginDate", "endDate", "grades", "grade_level", "password_policy", "classType"}


def marked(text: str) -> str:
    """Put the mark at both ends of every name, id, address and number, so that references still meet."""
    rows = csv.DictReader(io.StringIO(text))
    columns = list(rows.fieldnames or [])
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        changed = {column: [f"{MARK}{one}{MARK}" for one in row[column].split(",")] for column in columns}
        writer.writerow({c: row[c] if c in UNMARKED or not row[c] else ",".join(changed[c]) for c in columns})
    return buffer.getvalue()


def planted(bundle: Callable[[], Files]) -> Callable[[], Files]:
    return lambda: {name: text if name == "manifest.csv" else marked(str(text)) for name, text in bundle().items()}


PLANTED = tuple(planted(bundle) for bundle in (oneroster_1_1, oneroster_1_2, asm))
STRICT_PLANTED = (planted(package_1_1), planted(package_1_2))


@pytest.mark.parametrize("bundle", PLANTED, ids=["1.1", "1.2", "asm"])
def test_the_marks_are_sent_to_apple_and_shown_in_the_report_of_a_fault(
    tmp_path: Path, bundle: Callable[[], Files]
) -> None:
    outcome = process(tmp_path, bundle())
    assert MARK in outcome.rows("students.csv")[0]["first_name"]
    files = bundle()
    name = "rosters.csv" if "rosters.csv" in files else "enrollments.csv"
    broken = {**files, name: str(files[name]).replace("p1zq", "gonezq")}
    report = process(tmp_path, broken).report
    assert MARK in report_to_json(report)
    assert MARK not in report.summary


def first_row_in_the_header(header: str, row: str) -> str:
    return f"{header},{row}"


def first_row_in_a_cell_of_the_header(header: str, row: str) -> str:
    return f'{header},"metadata.x\n{row.replace(chr(34), "")}"'


def no_header(_: str, row: str) -> str:
    return row


@pytest.mark.parametrize("profile", ["lenient", "strict"])
@pytest.mark.parametrize("hurt", [first_row_in_the_header, first_row_in_a_cell_of_the_header, no_header])
@pytest.mark.parametrize("bundle", [*PLANTED, *STRICT_PLANTED], ids=["1.1", "1.2", "asm", "whole 1.1", "whole 1.2"])
def test_a_row_in_the_place_of_the_header_is_in_no_summary(
    tmp_path: Path, bundle: Callable[[], Files], hurt: Callable[[str, str], str], profile: str
) -> None:
    options = ConversionOptions(profile=profile)  # type: ignore[arg-type]
    for name, text in bundle().items():
        header, row, rest = str(text).split("\n", 2)
        report = process(tmp_path, {**bundle(), name: f"{hurt(header, row)}\n{rest}"}, options).report
        assert MARK not in report.summary


@settings(max_examples=examples(20), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(upload=damaged_uploads(PLANTED + STRICT_PLANTED), options=OPTIONS)
def test_no_value_of_a_row_is_in_a_summary_or_an_exception(upload: bytes, options: ConversionOptions) -> None:
    errors: list[RosterError] = []
    add_error = Findings.add_error

    def recorded(findings: Findings, error: RosterError) -> None:
        errors.append(error)
        add_error(findings, error)

    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setattr(Findings, "add_error", recorded)
        report = process(Path(folder), upload, options).report
    event(report.rejected_by or "accepted")
    assert MARK not in report.summary
    for error in errors:
        assert MARK not in f"{error} {error!r} {error.detail}"
        assert MARK not in "".join(traceback.format_exception(error))
    told = json.loads(report_to_json(report))
    for loggable in ("rejected_by", "format", "totals", "counts", "sent"):
        assert MARK not in json.dumps(told[loggable])


def check_sums(outcome: Outcome) -> None:
    """Hold what Apple gets to the rows from which it is said to come."""
    report = outcome.report
    assert report.sent == {name: len(outcome.rows(name)) for name in report.sent}
    assert len(report.sent) == 6
    counts = report.counts
    for rows in counts.values():  # process() asserts that each adds up
        assert sum(rows.reasons.values()) == rows.left_out + rows.dropped
        assert min(rows.read, rows.sent, rows.left_out, rows.dropped) >= 0
    if report.format == "asm":
        assert {name: rows.sent for name, rows in counts.items()} == report.sent
        return
    assert counts["users.csv"].sent == report.sent["students.csv"] + report.sent["staff.csv"]
    assert counts["classes.csv"].sent == report.sent["classes.csv"]
    assert counts["orgs.csv"].sent == report.sent["locations.csv"]
    columns = [column for column in (outcome.rows("classes.csv") or [{}])[0] if column.startswith("instructor_id")]
    instructors = sum(bool(row[column]) for row in outcome.rows("classes.csv") for column in columns)
    assert counts["enrollments.csv"].sent == report.sent["rosters.csv"] + instructors
    assert counts["courses.csv"].sent <= report.sent["courses.csv"] <= report.sent["classes.csv"]


@settings(max_examples=examples(10), deadline=None)
@given(seed=st.integers(0, 2**32), options=RULE_OPTIONS)
def test_the_sums_of_a_careless_registrars_uploads_make_sense(seed: int, options: ConversionOptions) -> None:
    with tempfile.TemporaryDirectory() as folder:
        outcome = process(Path(folder), Registrar(seed).package(), options)
        event("accepted" if outcome.zip else "rejected")
        if outcome.zip:
            check_sums(outcome)


@settings(max_examples=examples(10), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(upload=damaged_uploads(), options=OPTIONS)
def test_the_sums_of_damaged_uploads_make_sense(upload: bytes, options: ConversionOptions) -> None:
    with tempfile.TemporaryDirectory() as folder:
        outcome = process(Path(folder), upload, options)
        event("accepted" if outcome.zip else "rejected")
        if outcome.zip:
            check_sums(outcome)
