"""An upload is recognised by its content, and look-alikes are refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from rosterbridge.roster import ConversionOptions
from tests.support.rosters import Files, added, asm, oneroster_1_1, oneroster_1_2, process


@pytest.mark.parametrize(
    ("files", "fmt"), [(oneroster_1_1(), "oneroster-1.1"), (oneroster_1_2(), "oneroster-1.2"), (asm(), "asm")]
)
def test_the_format_is_told_from_the_files(tmp_path: Path, files: Files, fmt: str) -> None:
    assert process(tmp_path, files).report.format == fmt


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"classes.csv": "sourcedId,orgSourcedId,title\n1,2,x\n", "users.csv": "sourcedId\n1\n"}, "microsoft-sds"),
        ({**oneroster_1_2(), "userFlags.csv": "userSourcedId,flag\n"}, "microsoft-sds"),
        ({"roles.csv": "userSourcedId,orgSourcedId,role,sessionSourcedId,isPrimary\n"}, "microsoft-sds"),
        ({"students.csv": "School_id,Student_id\n", "enrollments.csv": "School_id,Section_id\n"}, "clever"),
        ({"students.csv": "School_id,Student_id\n", "sections.csv": "School_id,Section_id\n"}, "clever"),
        ({"School.csv": "a\n", "Section.csv": "a\n", "Student.csv": "a\n"}, "microsoft-sds"),
        ({"schools.csv": "a\n", "sections.csv": "a\n", "students.csv": "a\n", "teachers.csv": "a\n"}, "clever"),
        ({**oneroster_1_1(), "students.csv": "person_id\n"}, "mixed-formats"),
        ({"readme.txt": "hello"}, "unknown-format"),
        ({}, "unknown-format"),
    ],
)
def test_others_are_refused_by_name(tmp_path: Path, files: Files, code: str) -> None:
    report = process(tmp_path, files).report
    assert report.codes == (code,)
    assert report.summary.startswith("Rejected: ")


def test_org_csv_is_orgs_csv(tmp_path: Path) -> None:
    files = oneroster_1_1()
    files["org.csv"] = files.pop("orgs.csv")
    outcome = process(tmp_path, files)
    assert outcome.report.accepted
    assert outcome.report.counts["orgs.csv"].read == 3


@pytest.mark.parametrize(
    ("header", "version"),
    [
        ({"School.csv": "SIS ID,Name\n", "Student.csv": "SIS ID\n"}, "V1"),
        ({"classes.csv": "sourcedId,orgSourcedId,title\n", "orgs.csv": "sourcedId\n"}, "V2"),
        ({"classes.csv": "sourcedId,orgSourcedId,title,sessionSourcedIds\n"}, "V2.1"),
    ],
)
def test_the_edition_of_microsofts_format_is_named(tmp_path: Path, header: Files, version: str) -> None:
    (entry,) = process(tmp_path, header).report.entries
    assert f"({version})" in entry.message
    assert "OneRoster CSV 1.1 or 1.2" in entry.mend


def test_mixed_files_are_named(tmp_path: Path) -> None:
    (entry,) = process(tmp_path, {"orgs.csv": "sourcedId\n", "students.csv": "person_id\n"}).report.entries
    assert "orgs.csv and students.csv" in entry.message


@pytest.mark.parametrize("stray", ["schools.csv", "teachers.csv", "sections.csv", "student.csv"])
def test_one_stray_file_makes_no_other_format(tmp_path: Path, stray: str) -> None:
    report = process(tmp_path, {**oneroster_1_1(), stray: "a\n"}).report
    assert report.accepted
    assert [entry.code for entry in report.entries] == ["unknown-file"]


def test_files_of_other_purposes_are_left_unread(tmp_path: Path) -> None:
    files = {**oneroster_1_1(), "demographics.csv": b"\xff\xfe not even text", "results.csv": b'"'}
    report = process(tmp_path, {**files, "userprofiles.csv": "", "AcademicSessions.csv": "\0"}).report
    assert report.accepted
    assert report.skipped == ("demographics.csv", "results.csv", "userProfiles.csv", "academicSessions.csv")
    assert [(entry.code, entry.file) for entry in report.entries] == [("empty-optional-file", "userProfiles.csv")]


def test_skipped_files_are_told_of_a_rejected_upload_too(tmp_path: Path) -> None:
    files = {**oneroster_1_1(), "demographics.csv": "x\n", "users.csv": "nothing\n"}
    report = process(tmp_path, files).report
    assert (report.accepted, report.skipped) == (False, ("demographics.csv",))


@pytest.mark.parametrize("files", [oneroster_1_1(), oneroster_1_2(), asm()], ids=["1.1", "1.2", "asm"])
@pytest.mark.parametrize(("profile", "is_accepted"), [("lenient", True), ("strict", False)])
def test_a_file_of_no_format_is_named_once(tmp_path: Path, files: Files, profile: str, is_accepted: bool) -> None:
    options = ConversionOptions(profile=profile)  # type: ignore[arg-type]
    report = process(tmp_path, {**files, "Notes.txt": "hello", ".DS_Store": "x"}, options).report
    assert [entry.message.split()[0] for entry in report.entries if entry.code == "unknown-file"] == ["Notes.txt"]
    assert ("unknown-file" not in report.codes) is is_accepted
    assert report.skipped == ()


def test_a_oneroster_file_beside_apples_six_is_foreign_to_them(tmp_path: Path) -> None:
    report = process(tmp_path, {**asm(), "demographics.csv": "x\n"}).report
    assert [entry.code for entry in report.entries] == ["unknown-file"]


def test_an_empty_courses_file_is_passed_over(tmp_path: Path) -> None:
    report = process(tmp_path, {**oneroster_1_1(), "courses.csv": ""}).report
    assert report.accepted
    assert [(entry.code, entry.file) for entry in report.entries] == [("empty-optional-file", "courses.csv")]


def test_what_the_manifest_calls_absent_and_is_there_is_noted(tmp_path: Path) -> None:
    files = added({**oneroster_1_1(), "demographics.csv": "x\n"}, "manifest.csv", "file.demographics,absent")
    files = added(files, "manifest.csv", "fiel.results,bulk", "file.courses,bulk")
    report = process(tmp_path, files).report
    assert [(entry.code, entry.file) for entry in report.entries] == [("manifest-differs", "demographics.csv")]


def test_org_csv_beside_orgs_csv_is_ambiguous(tmp_path: Path) -> None:
    files = oneroster_1_1()
    files["org.csv"] = files["orgs.csv"]
    assert process(tmp_path, files).report.codes == ("duplicate-file",)


def test_a_utf_16_file_is_named_before_its_columns_are_missed(tmp_path: Path) -> None:
    files = oneroster_1_1()
    files["users.csv"] = str(files["users.csv"]).encode("utf-16")
    entry = process(tmp_path, files).report.entries[0]
    assert (entry.code, entry.file) == ("not-utf8", "users.csv")


def test_an_empty_roles_file_beside_users_with_roles_is_1_1(tmp_path: Path) -> None:
    files = {**oneroster_1_1(), "roles.csv": str(oneroster_1_2()["roles.csv"]).splitlines()[0] + "\n"}
    outcome = process(tmp_path, files)
    assert outcome.report.format == "oneroster-1.1"
    assert outcome.report.accepted
