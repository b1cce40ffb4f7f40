"""An upload is recognised by its content, and look-alikes are refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.rosters import Files, asm, oneroster_1_1, oneroster_1_2, process


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


def test_files_of_other_purposes_are_left_unread(tmp_path: Path) -> None:
    files = {**oneroster_1_1(), "demographics.csv": b"\xff\xfe not even text", "results.csv": b'"'}
    assert process(tmp_path, files).report.accepted


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
