"""Uploads in Apple's own format: clean ones pass byte for byte, others say what Apple would refuse."""

from __future__ import annotations

from pathlib import Path

import pytest

from rosterbridge.roster import ConversionOptions
from tests.support.rosters import Files, asm, process, replaced, zip_bytes


def test_a_clean_zip_passes_byte_for_byte(tmp_path: Path) -> None:
    outcome = process(tmp_path, asm())
    assert outcome.zip is not None
    assert outcome.zip.read_bytes() == zip_bytes(asm())
    assert outcome.report.unchanged
    assert outcome.report.entries == ()
    assert outcome.report.sent["students.csv"] == 2


def test_semicolons_and_backslash_quotes_are_apples_own(tmp_path: Path) -> None:
    files = {name: str(text).replace(",", ";") for name, text in asm().items()}
    files["locations.csv"] = files["locations.csv"].replace("North", '"North \\"A\\" School"')
    assert process(tmp_path, files).report.accepted


@pytest.mark.parametrize(
    ("name", "old", "new", "found"),
    [
        ("students.csv", "Cy,,Holm", ",,Holm", ("asm-missing-value", "students.csv", 2)),
        ("students.csv", "\np2", "\np1", ("asm-duplicate-id", "students.csv", 3)),
        ("students.csv", "4,s1,s2", "5,s1,s2", ("asm-password-policy", "students.csv", 2)),
        ("students.csv", "s1,s2", "s1,s9", ("asm-unknown-reference", "students.csv", 2)),
        ("students.csv", "location_id_2", "location_id_1000", ("wrong-header", "students.csv", 1)),
        ("students.csv", "first_name", "firstname", ("wrong-header", "students.csv", 1)),
        ("students.csv", "first_name", "First_Name", ("wrong-header", "students.csv", 1)),
        ("students.csv", "p2,,Di,,Falk,KG,,,,s1,", "p2,,Di,,Falk,KG,,,,s1", ("asm-row-length", "students.csv", None)),
        ("rosters.csv", "e2,c1,p2", "e2,c1,p2,x", ("asm-row-length", "rosters.csv", None)),
        ("staff.csv", "\nt1", "\np1", ("asm-person-twice", "staff.csv", 2)),
        ("staff.csv", "Lind,,,s1", "Lind,,,10", ("asm-unknown-reference", "staff.csv", 2)),
        ("classes.csv", "k1,t1", "k1,t9", ("asm-unknown-reference", "classes.csv", 2)),
        ("classes.csv", "A,k1", "A,k9", ("asm-unknown-reference", "classes.csv", 2)),
        ("rosters.csv", "e2,c1,p2", "e2,c9,p2", ("asm-unknown-reference", "rosters.csv", 3)),
        ("rosters.csv", "e2,c1,p2", "e2,c1,t1", ("asm-unknown-reference", "rosters.csv", 3)),
        ("rosters.csv", "e2,", "e1,", ("asm-duplicate-id", "rosters.csv", 3)),
        ("locations.csv", "s2,South", "s2,", ("asm-missing-value", "locations.csv", 3)),
    ],
)
def test_what_apple_would_refuse_is_named(
    tmp_path: Path, name: str, old: str, new: str, found: tuple[str, str, int | None]
) -> None:
    text = str(asm()[name])
    assert old in text
    outcome = process(tmp_path, {**asm(), name: text.replace(old, new, 1)})
    assert not outcome.report.accepted
    assert found in outcome.found


@pytest.mark.parametrize("name", list(asm()))
def test_all_six_files_are_needed(tmp_path: Path, name: str) -> None:
    files = asm()
    del files[name]
    outcome = process(tmp_path, files)
    assert outcome.found == [("missing-file", name, None)]


def test_names_are_exact_and_no_folder_wraps_them(tmp_path: Path) -> None:
    renamed: Files = {name.replace("staff", "Staff"): text for name, text in asm().items()}
    assert process(tmp_path, renamed).report.codes == ("wrong-file-name",)
    wrapped: Files = {f"upload/{name}": text for name, text in asm().items()}
    assert process(tmp_path, wrapped).report.codes == ("files-in-folder",)


def test_the_summary_shows_no_value_of_a_row(tmp_path: Path) -> None:
    files = {**asm(), "rosters.csv": str(asm()["rosters.csv"]).replace("c1,p2", "c1,planted-pupil")}
    report = process(tmp_path, files).report
    assert "planted-pupil" in report.entries[0].message
    assert "planted-pupil" not in report.summary


def test_no_student_is_refused_as_apple_would_deactivate_everybody(tmp_path: Path) -> None:
    files = {
        **asm(),
        "students.csv": str(asm()["students.csv"]).splitlines()[0] + "\n",
        "rosters.csv": "roster_id,class_id,student_id\n",
    }
    assert "no-students" in process(tmp_path, files).report.codes


def test_999_locations_are_allowed(tmp_path: Path) -> None:
    names = [f"location_id_{number}" for number in range(2, 1000)]
    places = [f"place-{number}" for number in range(2, 1000)]
    header = str(asm()["students.csv"]).splitlines()[0].removesuffix(",location_id_2")
    files = {
        **asm(),
        "students.csv": f"{header},{','.join(names)}\np1,,Cy,,Holm,9,,,4,s1,{','.join(places)}\n",
        "locations.csv": str(asm()["locations.csv"]) + "".join(f"{place},{place}\n" for place in places),
        "rosters.csv": "roster_id,class_id,student_id\ne1,c1,p1\n",
    }
    assert process(tmp_path, files).report.accepted


def test_a_missing_header_puts_no_name_into_the_summary(tmp_path: Path) -> None:
    headless = "".join(str(asm()["staff.csv"]).splitlines(keepends=True)[1:])
    report = process(tmp_path, {**asm(), "staff.csv": headless}).report
    assert "missing-column" in report.codes
    assert "Lind" not in report.summary


@pytest.mark.parametrize(
    ("name", "old", "new", "found"),
    [
        ("locations.csv", "s2,South", "s_2,South", ("unusual-id", "locations.csv", None)),
        ("locations.csv", "South", "North", ("same-name-location", "locations.csv", 2)),
        ("staff.csv", "Lind,,", "Lind,cy@school.example,", ("shared-value", "students.csv", 2)),
        ("staff.csv", "t1,,", "t1,N-7,", ("shared-value", "students.csv", 3)),
        ("staff.csv", "\nt1", "\nP2", ("similar-id", "students.csv", 3)),
    ],
)
def test_what_looks_wrong_is_noted_and_passes_byte_for_byte(
    tmp_path: Path, name: str, old: str, new: str, found: tuple[str, str, int | None]
) -> None:
    files = replaced(asm(), "students.csv", "Holm,9,,", "Holm,9,Cy@School.example,")
    files = replaced(files, "students.csv", "p2,,", "p2,N-7,")
    files = replaced(files, "classes.csv", "k1,t1", "k1,")
    files = replaced(files, "students.csv", "4,s1,s2", "4,s1,")
    outcome = process(tmp_path, replaced(files, name, old, new))
    assert outcome.found == [found]
    assert outcome.report.unchanged
    assert outcome.report.entries[0].severity == "warning"


def test_no_roster_is_a_warning(tmp_path: Path) -> None:
    outcome = process(tmp_path, {**asm(), "rosters.csv": "roster_id,class_id,student_id\n"})
    assert outcome.found == [("no-rosters", "rosters.csv", None)]
    assert outcome.report.accepted


def test_blank_names_of_classes_and_missing_addresses_are_told_where_a_flow_asks(tmp_path: Path) -> None:
    files = replaced(replaced(asm(), "classes.csv", "c1,A,", "c1,,"), "courses.csv", "Algebra", "")
    assert process(tmp_path, files).report.entries == ()
    asked = ConversionOptions(severities={"blank-value": "warning", "missing-email": "error"})
    report = process(tmp_path, files, asked).report
    assert report.rejected_by == "missing-email"
    assert [(total.code, total.file, total.count) for total in report.totals] == [
        ("blank-value", "classes.csv", 1),
        ("blank-value", "courses.csv", 1),
        ("missing-email", "students.csv", 2),
        ("missing-email", "staff.csv", 1),
    ]


def test_fifteen_instructors_are_allowed_and_no_sixteenth(tmp_path: Path) -> None:
    def classes(last: int) -> Files:
        further = "".join(f",instructor_id_{number}" for number in range(4, last + 1))
        text = str(asm()["classes.csv"]).replace("location_id", f"location_id{further}")
        return {**asm(), "classes.csv": text.replace(",s1\n", ",s1" + "," * (last - 3) + "\n")}

    assert process(tmp_path, classes(15)).report.accepted
    assert process(tmp_path, classes(16)).report.codes == ("wrong-header",)


def test_a_file_without_a_byte_is_called_empty(tmp_path: Path) -> None:
    assert process(tmp_path, {**asm(), "courses.csv": ""}).found == [("empty-file", "courses.csv", None)]
