"""Repair of uploads in Apple's own format: what is mended, how each change is listed, and what still rejects."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from rosterbridge.roster import ConversionOptions
from rosterbridge.roster.options import AsmRepair
from rosterbridge.roster.report import FileCounts
from tests.support.rosters import Files, Outcome, added, asm, process, replaced, zip_bytes

REPAIR = ConversionOptions(repair=True)
GENEROUS = ConversionOptions(repair=True, max_dropped=0.5)


def with_unknown_instructors() -> Files:
    files = replaced(asm(), "classes.csv", "instructor_id_3,location_id", "instructor_id_3,location_id,instructor_id_4")
    return replaced(files, "classes.csv", "k1,t1,,,s1", "k1,t9,t1,,s1,t8")


def accepted_again(folder: Path, outcome: Outcome) -> bool:
    """Whether what was sent passes by itself, byte for byte and without a finding."""
    assert outcome.zip is not None
    again = process(folder, outcome.zip.read_bytes())
    return again.report.accepted and again.report.unchanged and again.report.entries == ()


def test_unknown_instructors_are_emptied_and_the_others_keep_their_places(tmp_path: Path) -> None:
    outcome = process(tmp_path, with_unknown_instructors(), REPAIR)
    [sent] = outcome.rows("classes.csv")
    assert [sent[f"instructor_id{end}"] for end in ("", "_2", "_3", "_4")] == ["", "t1", "", ""]
    assert [(entry.code, entry.severity, entry.file, entry.line, entry.column) for entry in outcome.report.entries] == [
        ("instructor-emptied", "warning", "classes.csv", 2, "instructor_id"),
        ("instructor-emptied", "warning", "classes.csv", 2, "instructor_id_4"),
    ]
    assert outcome.report.entries[0].message == (
        "instructor_id = 't9' does not reference any person_id in staff.csv; it was emptied."
    )
    assert outcome.report.counts["classes.csv"] == FileCounts(read=1, sent=1)
    assert not outcome.report.unchanged
    assert accepted_again(tmp_path, outcome)


def test_rosters_of_an_unknown_class_or_student_are_dropped_and_counted(tmp_path: Path) -> None:
    files = added(asm(), "rosters.csv", "e3,c9,p1", "e4,c1,p9")
    outcome = process(tmp_path, files, GENEROUS)
    assert outcome.column("rosters.csv", "roster_id") == ["e1", "e2"]
    assert [(entry.code, entry.line, entry.column) for entry in outcome.report.entries] == [
        ("roster-dropped", 4, "class_id"),
        ("roster-dropped", 5, "student_id"),
    ]
    assert outcome.report.counts["rosters.csv"] == FileCounts(read=4, sent=2, dropped=2, reasons={"roster-dropped": 2})
    assert outcome.report.sent["rosters.csv"] == 2
    assert "2 rosters were dropped; see the report." in outcome.report.summary
    assert accepted_again(tmp_path, outcome)


def test_a_roster_that_is_wrong_twice_is_dropped_once(tmp_path: Path) -> None:
    outcome = process(tmp_path, added(asm(), "rosters.csv", "e3,c9,p9"), GENEROUS)
    assert outcome.found == [("roster-dropped", "rosters.csv", 4)]
    assert outcome.report.counts["rosters.csv"].dropped == 1


def test_repair_is_off_unless_switched_on(tmp_path: Path) -> None:
    outcome = process(tmp_path, with_unknown_instructors())
    assert outcome.report.codes == ("asm-unknown-reference",)


@pytest.mark.parametrize(
    ("switch", "file", "line"),
    [
        ("instructors", "classes.csv", "c2,B,k1,t9,,,s1"),
        ("roster-classes", "rosters.csv", "e3,c9,p1"),
        ("roster-students", "rosters.csv", "e3,c1,p9"),
    ],
)
def test_each_repair_has_a_switch_of_its_own(tmp_path: Path, switch: AsmRepair, file: str, line: str) -> None:
    files = added(asm(), file, line)
    others = tuple(other for other in REPAIR.asm_repairs if other != switch)
    alone = ConversionOptions(repair=True, asm_repairs=(switch,), max_dropped=0.5)
    without = ConversionOptions(repair=True, asm_repairs=others, max_dropped=0.5)
    assert process(tmp_path, files, alone).report.accepted
    assert process(tmp_path, files, without).report.rejected_by == "asm-unknown-reference"


@pytest.mark.parametrize(
    ("file", "line", "code"),
    [
        ("staff.csv", "t2,,Bo,,Berg,,,s9", "asm-unknown-reference"),
        ("staff.csv", "t2,,Bo,,,,,s1", "asm-missing-value"),
        ("classes.csv", "c2,B,k9,,,,s1,", "asm-unknown-reference"),
        ("rosters.csv", "e3,,p1", "asm-missing-value"),
        ("rosters.csv", "e1,c1,p2", "asm-duplicate-id"),
    ],
)
def test_what_repair_does_not_mend_still_rejects(tmp_path: Path, file: str, line: str, code: str) -> None:
    outcome = process(tmp_path, added(with_unknown_instructors(), file, line), GENEROUS)
    assert outcome.report.rejected_by == code


def test_dropping_more_rows_than_the_limit_rejects(tmp_path: Path) -> None:
    rosters = "".join(f"r{number},c1,p1\n" for number in range(37))
    files = {**asm(), "rosters.csv": f"{asm()['rosters.csv']!s}{rosters}x1,c9,p1\n"}
    assert process(tmp_path, added(files, "rosters.csv", "x2,c9,p1"), REPAIR).report.accepted is True
    outcome = process(tmp_path, added(files, "rosters.csv", "x2,c9,p1", "x3,c9,p1"), REPAIR)
    assert outcome.report.rejected_by == "too-many-dropped"
    assert "3 of 42 rows" in outcome.report.summary


def test_emptied_instructors_do_not_count_against_the_limit(tmp_path: Path) -> None:
    assert process(tmp_path, with_unknown_instructors(), ConversionOptions(repair=True, max_dropped=0)).report.accepted


def test_with_nothing_to_mend_the_zip_passes_byte_for_byte(tmp_path: Path) -> None:
    files = replaced(asm(), "locations.csv", "North", '"North \\"A\\" "')
    outcome = process(tmp_path, files, REPAIR)
    assert outcome.zip is not None
    assert outcome.zip.read_bytes() == zip_bytes(files)
    assert outcome.report.unchanged
    assert outcome.report.entries == ()


def test_all_other_values_stay_and_columns_are_in_apples_order(tmp_path: Path) -> None:
    files = added(asm(), "rosters.csv", "e3,c9,p1")
    for name in files:
        rows = [line.split(",")[::-1] for line in str(files[name]).splitlines()]
        files[name] = "".join(";".join(row) + "\r\n" for row in rows)
    outcome = process(tmp_path, files, GENEROUS)
    for name, text in asm().items():
        assert outcome.rows(name) == list(csv.DictReader(io.StringIO(str(text)))), name
        assert list(outcome.rows(name)[0]) == str(text).splitlines()[0].split(",")
    assert accepted_again(tmp_path, outcome)


def test_a_new_zip_holds_clean_values_and_says_which_were_not(tmp_path: Path) -> None:
    files = replaced(with_unknown_instructors(), "locations.csv", "s1,North", 's1,"North \\"A\\"\nwing"')
    files = replaced(files, "staff.csv", "Ada", '" Ada"')
    outcome = process(tmp_path, files, REPAIR)
    assert outcome.column("locations.csv", "location_name")[0] == "North 'A' wing"
    assert outcome.column("staff.csv", "first_name") == ["Ada"]
    cleaned = [entry for entry in outcome.report.entries if entry.code == "value-cleaned"]
    assert {(entry.file, entry.column) for entry in cleaned} == {
        ("locations.csv", "location_name"),
        ("staff.csv", "first_name"),
    }
    assert accepted_again(tmp_path, outcome)


def test_an_instructor_who_is_known_but_for_a_space_is_kept(tmp_path: Path) -> None:
    outcome = process(tmp_path, replaced(asm(), "classes.csv", "k1,t1,", "k1,t1 ,"), REPAIR)
    assert outcome.column("classes.csv", "instructor_id") == ["t1"]
    assert outcome.found == [("value-cleaned", "classes.csv", None)]
    assert not outcome.report.unchanged


def test_ids_that_cleaning_makes_one_are_refused(tmp_path: Path) -> None:
    files = added(with_unknown_instructors(), "staff.csv", '" t1",,Bo,,Berg,,,s1')
    assert process(tmp_path, files, REPAIR).report.rejected_by == "asm-duplicate-id"


def test_every_change_is_listed_also_beyond_a_thousand(tmp_path: Path) -> None:
    lines = [f"r{number},c1,p{9 if number % 2 else 1}" for number in range(2400)]
    outcome = process(tmp_path, added(asm(), "rosters.csv", *lines), GENEROUS)
    assert len(outcome.report.entries) == 1200
    assert [entry.line for entry in outcome.report.entries] == list(range(5, 2404, 2))


def test_a_flow_may_refuse_what_repair_would_drop(tmp_path: Path) -> None:
    options = ConversionOptions(repair=True, max_dropped=0.5, severities={"roster-dropped": "error"})
    outcome = process(tmp_path, added(asm(), "rosters.csv", "e3,c9,p1"), options)
    assert outcome.report.rejected_by == "roster-dropped"


def test_the_summary_of_a_repair_shows_no_value_of_a_row(tmp_path: Path) -> None:
    outcome = process(tmp_path, added(asm(), "rosters.csv", "e3,c1,planted-pupil"), GENEROUS)
    assert "planted-pupil" in outcome.report.entries[0].message
    assert "planted-pupil" not in outcome.report.summary
