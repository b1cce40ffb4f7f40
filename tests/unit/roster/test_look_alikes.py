"""Formats that look like OneRoster: converted where they mean the same, else refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.rosters import Files, asm, oneroster_1_1, process, replaced, zip_bytes


def oneroster_1_0() -> Files:
    files = oneroster_1_1()
    del files["manifest.csv"]
    files = replaced(files, "users.csv", "grades,password", "grade,password")
    files = replaced(files, "users.csv", "userIds", "userId")
    files = replaced(files, "users.csv", "agentSourcedIds", "agents")
    return replaced(files, "classes.csv", "termSourcedIds", "termSourcedId")


def rest_names() -> Files:
    files = oneroster_1_1()
    for name, column, rest in (
        ("users.csv", "orgSourcedIds", "orgs"),
        ("orgs.csv", "parentSourcedId", "parent"),
        ("courses.csv", "orgSourcedId", "org"),
        ("classes.csv", "courseSourcedId", "course"),
        ("classes.csv", "schoolSourcedId", "school"),
        ("classes.csv", "termSourcedIds", "terms"),
        ("enrollments.csv", "classSourcedId", "class"),
        ("enrollments.csv", "userSourcedId", "user"),
    ):
        files = replaced(files, name, column, rest)
    return files


@pytest.mark.parametrize(
    ("upload", "fmt", "codes"),
    [
        pytest.param(oneroster_1_0(), "oneroster-1.0", {"no-manifest", "other-spelling"}, id="OneRoster 1.0"),
        pytest.param(rest_names(), "oneroster-1.1", {"other-spelling"}, id="columns named as in the web service"),
    ],
)
def test_older_and_other_names_are_converted_with_a_warning(
    tmp_path: Path, upload: Files, fmt: str, codes: set[str]
) -> None:
    expected = process(tmp_path, oneroster_1_1()).sent
    outcome = process(tmp_path, upload)
    assert outcome.report.format == fmt
    assert {entry.code for entry in outcome.report.entries} == codes
    assert outcome.sent == expected


def microsoft_2_1() -> Files:
    return {
        "orgs.csv": "sourcedId,name,type\ns1,North,school\n",
        "users.csv": "sourcedId,username,givenName,familyName\nu1,a,A,B\n",
        "roles.csv": "userSourcedId,orgSourcedId,role,sessionSourcedId,isPrimary\nu1,s1,student,,true\n",
        "classes.csv": "sourcedId,orgSourcedId,title,sessionSourcedIds,courseSourcedId\nc1,s1,Maths,,\n",
        "enrollments.csv": "classSourcedId,userSourcedId,role\nc1,u1,student\n",
        "userFlags.csv": "userSourcedId,flag\n",
        "relationships.csv": "userSourcedId,relationshipUserSourcedId,relationshipRole\n",
    }


def clever() -> Files:
    return {
        "schools.csv": "School_id,School_name\n1,North\n",
        "sections.csv": "School_id,Section_id,Teacher_id\n1,2,3\n",
        "students.csv": "School_id,Student_id\n1,4\n",
        "teachers.csv": "School_id,Teacher_id\n1,3\n",
        "enrollments.csv": "School_id,Section_id,Student_id\n1,2,4\n",
    }


@pytest.mark.parametrize(
    ("upload", "code", "words"),
    [
        pytest.param(microsoft_2_1(), "microsoft-sds", "V2.1", id="Microsoft SDS v2.1"),
        pytest.param(
            {"School.csv": "SIS ID,Name\n", "Section.csv": "SIS ID\n", "Student.csv": "SIS ID\n"},
            "microsoft-sds",
            "V1",
            id="Microsoft SDS v1",
        ),
        pytest.param(clever(), "clever", "Clever", id="Clever"),
        pytest.param({**asm(), **oneroster_1_1()}, "mixed-formats", "Apple School Manager", id="both sets of files"),
    ],
)
def test_look_alikes_are_refused_by_name(tmp_path: Path, upload: Files, code: str, words: str) -> None:
    report = process(tmp_path, upload).report
    assert report.codes == (code,)
    assert words in report.summary
    assert "OneRoster" in report.summary


def test_apples_own_six_files_pass_byte_for_byte(tmp_path: Path) -> None:
    outcome = process(tmp_path, asm())
    assert (outcome.report.format, outcome.report.unchanged) == ("asm", True)
    assert outcome.sent == zip_bytes(asm())
