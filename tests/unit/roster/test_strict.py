"""The strict profile judges as the standard's conformance cases do; lenient ignores the same, unless a flow asks."""

from __future__ import annotations

from pathlib import Path

import pytest

from rosterbridge.roster import ConversionOptions, Report
from rosterbridge.roster.codes import Severity
from rosterbridge.roster.templates import template_files
from tests.support.rosters import Files, added, oneroster_1_1, oneroster_1_2, process, replaced

STRICT = ConversionOptions(profile="strict")
SESSIONS = (
    "sourcedId,status,dateLastModified,title,type,startDate,endDate,parentSourcedId,schoolYear\n"
    "year,,,2026/27,schoolYear,2026-08-01,2027-07-01,,2027\n"
    "term1,,,Autumn,term,2026-08-01,2027-01-15,year,2027\n"
    "term2,,,Spring,term,2027-01-15,2027-07-01,year,2027\n"
)


def package_1_1() -> Files:
    files = {**oneroster_1_1(), "academicSessions.csv": SESSIONS}
    files["manifest.csv"] = template_files("oneroster-1.1")["manifest.csv"]
    return replaced(files, "users.csv", "p3,,,true,s2,,ed", "p3,,,true,s2,student,ed")


def package_1_2() -> Files:
    files = {**oneroster_1_2(), "academicSessions.csv": SESSIONS}
    return {**files, "manifest.csv": template_files("oneroster-1.2")["manifest.csv"]}


@pytest.fixture(params=[package_1_1, package_1_2], ids=["1.1", "1.2"])
def package(request: pytest.FixtureRequest) -> Files:
    files: Files = request.param()
    return files


def found(report: Report) -> list[tuple[str, str | None, int | None, str | None]]:
    return [(entry.code, entry.file, entry.line, entry.column) for entry in report.entries]


def test_a_package_as_the_standard_wants_it_is_accepted_without_a_word(tmp_path: Path, package: Files) -> None:
    report = process(tmp_path, package, STRICT).report
    assert report.accepted
    assert report.entries == ()


CASES = [
    # the header
    ("orgs.csv", "name,type", "type,name", "header-order", 1, "type"),
    ("orgs.csv", ",parentSourcedId\n", ",parentSourcedId,nickname\n", "unknown-column", 1, "nickname"),
    ("courses.csv", ",subjects,subjectCodes", ",subjects,x", "missing-optional-column", 1, "subjectCodes"),
    ("orgs.csv", ",name,", ",Name,", "other-spelling", 1, None),
    ("orgs.csv", "status,dateLastModified", "status,status", "duplicate-column", 1, "status"),
    ("orgs.csv", "dateLastModified", "dataLastModified", "column-guessed", 1, "dateLastModified"),
    # values
    ("orgs.csv", "North School,school", "North School,School", "unknown-word", 3, "type"),
    ("enrollments.csv", "teacher,true", "teacher,TRUE", "unknown-word", 3, "primary"),
    ("enrollments.csv", "e3,,,c1,s1,p1,student", "e3,,,c1,s1,p1,aide", "unknown-word", 4, "role"),
    ("users.csv", "\nt1,", "\nt 1,", "wrong-type", 2, "sourcedId"),
    ("users.csv", "true,", ",", "empty-required-value", 2, "enabledUser"),
    ("enrollments.csv", "p3,student,,2026-08-15", "p3,student,,15.8.2026", "wrong-type", 6, "beginDate"),
    ("enrollments.csv", "p3,student,,2026-08-15", "p3,student,,2026-02-30", "wrong-type", 6, "beginDate"),
    ("academicSessions.csv", "2027-01-15,year,2027", "2027-01-15,year,2026-2027", "wrong-type", 3, "schoolYear"),
    ("classes.csv", "s1,term1,", 's1,"term1, term2",', "wrong-type", 2, "termSourcedIds"),
    ("classes.csv", "Algebra A", '"Algebra\nA"', "line-break", 2, "title"),
    ("orgs.csv", "s1,,", "s1,active,", "status-in-bulk", 3, None),
    ("orgs.csv", "s1,,", "s1,,2026-01-01T00:00:00Z", "status-in-bulk", 3, None),
    # ids and references
    ("orgs.csv", "s2,,", "s1,,", "repeated-id", 4, None),
    ("orgs.csv", "school,,d1", "school,,d9", "unresolved-reference", 3, "parentSourcedId"),
    ("academicSessions.csv", "2027-01-15,year", "2027-01-15,yaer", "unresolved-reference", 3, "parentSourcedId"),
    ("courses.csv", "s1,,", "s7,,", "unresolved-reference", 2, "orgSourcedId"),
    ("classes.csv", "s1,term1,", 's1,"term1,term9",', "unresolved-reference", 2, "termSourcedIds"),
    ("enrollments.csv", "e4,,,c1,s1", "e4,,,c1,s8", "unresolved-reference", 5, "schoolSourcedId"),
    ("enrollments.csv", "e4,,,c1,s1,p2", "e4,,,c1,s1,p9", "unresolved-reference", 5, "userSourcedId"),
    # the manifest
    ("manifest.csv", "file.demographics,absent\n", "", "manifest-property", None, None),
    ("manifest.csv", "file.demographics", "fiel.demographics", "manifest-property", 10, None),
    ("manifest.csv", "file.users,bulk", "file.users,full", "manifest-property", None, None),
    ("manifest.csv", "file.demographics,absent", "file.demographics,bulk", "manifest-differs", None, None),
    ("manifest.csv", "manifest.version,1.0", "manifest.version,1", "manifest-property", 2, None),
    # lengths of rows
    ("orgs.csv", "district,,", "district,,,x", "surplus-values", 2, None),
    ("orgs.csv", "district,,", "district,", "short-row", None, None),
]


@pytest.mark.parametrize(("file", "old", "new", "code", "line", "column"), CASES)
def test_what_the_standard_forbids_rejects(
    tmp_path: Path, package: Files, file: str, old: str, new: str, code: str, line: int | None, column: str | None
) -> None:
    text = str(package[file])
    assert old in text
    package[file] = text.replace(old, new, 1)
    report = process(tmp_path, package, STRICT).report
    assert not report.accepted
    assert code in report.codes
    entry = next(entry for entry in report.entries if entry.code == code)
    assert entry.column == column
    assert line is None or entry.line == line


def test_every_fault_of_every_file_is_told_at_once(tmp_path: Path, package: Files) -> None:
    files = replaced(package, "orgs.csv", "North School,school", "North School,School")
    files = replaced(files, "academicSessions.csv", "sourcedId,", "")
    files = replaced(files, "enrollments.csv", "teacher,false", "teacher,no")
    report = process(tmp_path, files, STRICT).report
    assert [entry[:3] for entry in found(report)] == [
        ("unknown-word", "orgs.csv", 3),
        ("missing-column", "academicSessions.csv", 1),
        ("unknown-word", "enrollments.csv", 2),
    ]


@pytest.mark.parametrize("name", ["orgs.csv", "users.csv", "classes.csv", "enrollments.csv"])
def test_core_files_are_required(tmp_path: Path, package: Files, name: str) -> None:
    del package[name]
    assert ("missing-file", name) in [entry[:2] for entry in found(process(tmp_path, package, STRICT).report)]


@pytest.mark.parametrize(("name", "code"), [("manifest.csv", "no-manifest"), ("courses.csv", "missing-courses")])
def test_manifest_and_courses_are_required(tmp_path: Path, package: Files, name: str, code: str) -> None:
    del package[name]
    report = process(tmp_path, package, STRICT).report
    assert code in report.codes
    assert not report.accepted


def test_references_into_a_missing_file_are_counted_once(tmp_path: Path, package: Files) -> None:
    del package["academicSessions.csv"]
    files = replaced(package, "manifest.csv", "file.academicSessions,bulk", "file.academicSessions,absent")
    report = process(tmp_path, files, STRICT).report
    assert found(report) == [("unresolved-reference", "classes.csv", None, "termSourcedIds")]
    assert report.totals[0].count == 2


def test_terms_with_ext_are_words_of_1_2_only(tmp_path: Path) -> None:
    for files, is_fine in ((package_1_1(), False), (package_1_2(), True)):
        changed = replaced(files, "orgs.csv", "North School,school", "North School,ext:campus")
        report = process(tmp_path, changed, STRICT).report
        assert ("unknown-word" not in report.codes) is is_fine


def test_metadata_may_stand_at_the_end_only(tmp_path: Path, package: Files) -> None:
    orgs = [f"{line}," for line in str(package["orgs.csv"]).splitlines()]
    package["orgs.csv"] = "\n".join([orgs[0] + "metadata.city", *orgs[1:]]) + "\n"
    assert process(tmp_path, package, STRICT).report.accepted
    package["orgs.csv"] = "\n".join(["metadata.city," + orgs[0].rstrip(","), *(f",{line[:-1]}" for line in orgs[1:])])
    assert found(process(tmp_path, package, STRICT).report) == [("header-order", "orgs.csv", 1, "metadata.city")]


def test_the_users_of_1_2_0_are_as_good_as_those_of_1_2_1(tmp_path: Path) -> None:
    files = package_1_2()
    lines = [line.split(",") for line in str(files["users.csv"]).splitlines()]
    place = lines[0].index("preferredGivenName")
    rows = [[*line[:place], "" if number else "resourceSourcedIds", *line[place:]] for number, line in enumerate(lines)]
    files["users.csv"] = "".join(",".join(row) + "\n" for row in rows)
    report = process(tmp_path, files, STRICT).report
    assert report.accepted
    assert report.entries == ()


def test_a_delta_is_judged_as_a_delta(tmp_path: Path, package: Files) -> None:
    files = replaced(package, "manifest.csv", "file.orgs,bulk", "file.orgs,delta")
    files["orgs.csv"] = (
        "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId\n"
        "s1,active,2026-09-01T08:00:00.000Z,North School,school,,known-from-before\n"
        "s2,,2026-09-01,South School,school,,\n"
    )
    report = process(tmp_path, files, STRICT).report
    orgs = [entry for entry in found(report) if entry[1] == "orgs.csv"]
    assert orgs == [
        ("empty-required-value", "orgs.csv", 3, "status"),
        ("wrong-type", "orgs.csv", 3, "dateLastModified"),
    ]


def test_a_delta_as_the_standard_wants_it_is_refused_as_a_delta_only(tmp_path: Path) -> None:
    manifest = str(package_1_2()["manifest.csv"]).replace("bulk", "absent")
    orgs = str(package_1_2()["orgs.csv"]).splitlines()[0]
    files: Files = {
        "manifest.csv": manifest.replace("file.orgs,absent", "file.orgs,delta"),
        "orgs.csv": f"{orgs}\ns1,active,2026-09-01T08:00:00.000Z,North School,school,,known-from-before\n",
    }
    assert process(tmp_path, files, STRICT).report.codes == ("delta-without-state",)


def test_no_name_password_or_telephone_number_is_shown(tmp_path: Path, package: Files) -> None:
    files = replaced(package, "users.csv", "true,", "Secret1,")
    files = replaced(files, "users.csv", "Ada,Lind", '"Sec\nret2",')
    report = process(tmp_path, replaced(files, "users.csv", ",bo,,", ",bo,Secret3,"), STRICT).report
    assert {"line-break", "empty-required-value", "wrong-type"} <= set(report.codes)
    texts = " ".join(entry.message for entry in report.entries)
    assert "Secret1" in texts  # a word, as it should be
    assert "ret2" not in texts
    assert "Secret3" not in texts


def test_a_folder_in_the_zip_is_not_allowed(tmp_path: Path, package: Files) -> None:
    files = {f"export/{name}": text for name, text in package.items()}
    assert process(tmp_path, files).report.accepted
    assert process(tmp_path, files, STRICT).report.codes == ("wrapping-folder",)


def test_files_that_are_not_needed_stay_unread(tmp_path: Path, package: Files) -> None:
    files = replaced(package, "manifest.csv", "file.demographics,absent", "file.demographics,bulk")
    files["demographics.csv"] = b"\xff not even text"
    report = process(tmp_path, files, STRICT).report
    assert report.accepted
    assert report.skipped == ("demographics.csv",)


def test_a_flow_may_forgive_what_strict_forbids(tmp_path: Path, package: Files) -> None:
    files = replaced(package, "orgs.csv", "identifier,parentSourcedId", "identifier,parentSourcedId,nickname")
    files["orgs.csv"] = str(files["orgs.csv"]).replace(",d1\n", ",d1,\n").replace("district,,\n", "district,,,\n")
    options = ConversionOptions(profile="strict", severities={"unknown-column": "warning"})
    report = process(tmp_path, files, options).report
    assert report.accepted
    assert found(report) == [("unknown-column", "orgs.csv", 1, "nickname")]


@pytest.mark.parametrize(("severity", "is_accepted"), [("warning", True), ("error", False)])
@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("status,dateLastModified,name", "dateLastModified,status,name", "header-order"),
        (",identifier,", ",nickname,", "unknown-column"),
        (",identifier,", ",nickname,", "missing-optional-column"),
        ("district,,", "district,,d9", "unresolved-reference"),
    ],
)
def test_a_flow_may_ask_for_it_in_lenient(
    tmp_path: Path, package: Files, old: str, new: str, code: str, severity: Severity, is_accepted: bool
) -> None:
    files = replaced(package, "orgs.csv", old, new)
    assert process(tmp_path, files).report.entries == ()
    report = process(tmp_path, files, ConversionOptions(severities={code: severity})).report
    assert report.accepted is is_accepted
    assert [(entry.code, entry.severity) for entry in report.entries] == [(code, severity)]


def test_asking_for_one_thing_in_lenient_brings_no_other(tmp_path: Path, package: Files) -> None:
    files = {**package, "academicSessions.csv": b"\xff\0 broken"}
    report = process(tmp_path, files, ConversionOptions(severities={"header-order": "error"})).report
    assert report.accepted
    assert report.entries == ()


def test_status_in_a_full_export_is_warned_of_once_a_file_in_lenient(tmp_path: Path, package: Files) -> None:
    files = replaced(package, "orgs.csv", "s1,,", "s1,active,")
    files = replaced(files, "enrollments.csv", "e3,,", "e3,active,")
    files = added(files, "enrollments.csv", "e9,tobedeleted,,c1,s1,p3,student,,,")
    report = process(tmp_path, files).report
    assert report.accepted
    assert [(total.code, total.file, total.count) for total in report.totals] == [
        ("status-in-bulk", "orgs.csv", 1),
        ("status-in-bulk", "enrollments.csv", 2),
    ]
    assert report.counts["enrollments.csv"].reasons == {"inactive": 1}


class TestMisspelledColumns:
    def test_a_close_name_is_read_and_said(self, tmp_path: Path) -> None:
        files = replaced(oneroster_1_2(), "users.csv", "preferredGivenName", "prefferedGivenName")
        outcome = process(tmp_path, files, ConversionOptions(names="preferred"))
        assert outcome.column("students.csv", "first_name") == ["Cyrus", "Di", "Ed"]
        (entry,) = outcome.report.entries
        assert (entry.code, entry.line, entry.column) == ("column-guessed", 1, "preferredGivenName")
        assert "prefferedGivenName" in entry.message

    def test_a_needed_column_is_never_guessed_but_named(self, tmp_path: Path, bundle: Files) -> None:
        files = replaced(bundle, "users.csv", "givenName", "givenNme")
        (entry,) = process(tmp_path, files).report.entries
        assert (entry.code, entry.column) == ("missing-column", "givenName")
        assert "givenNme" in entry.message

    def test_two_candidates_are_none(self, tmp_path: Path, bundle: Files) -> None:
        files = replaced(bundle, "orgs.csv", ",identifier,", ",identifer,")
        files = replaced(files, "orgs.csv", ",parentSourcedId", ",identfier")
        outcome = process(tmp_path, files)
        assert outcome.report.accepted
        assert outcome.found == []

    def test_another_column_of_the_standard_means_itself(self, tmp_path: Path) -> None:
        files = replaced(oneroster_1_1(), "users.csv", ",orgSourcedIds,", ",x,")
        outcome = process(tmp_path, replaced(files, "users.csv", "agentSourcedIds", "gentSourcedIds"))
        assert "column-guessed" not in [code for code, *_ in outcome.found]

    def test_strict_does_not_guess(self, tmp_path: Path) -> None:
        files = replaced(package_1_2(), "users.csv", "preferredGivenName", "prefferedGivenName")
        assert process(tmp_path, files, STRICT).report.codes == ("column-guessed",)
