"""How files deviate from the standard, one case each: what is uploaded, what its sender reads and what Apple gets.

What test_archive.py holds of unsafe ZIPs, and test_reading.py of faults on the way, is not repeated here.
"""

from __future__ import annotations

import csv
import io
import random
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from rosterbridge.roster import ConversionOptions
from tests.support.rosters import Files, added, asm, oneroster_1_1, oneroster_1_2, process, replaced, zip_bytes

Place = tuple[str, str | None, int | None, str | None]
CORE = ("orgs.csv", "users.csv", "classes.csv", "enrollments.csv")
NOISE = random.Random(2).randbytes(5 * 2**20).hex()  # noqa: S311 not to be packed well


def each_text(change: Callable[[str], str | bytes]) -> Callable[[Files], Files]:
    return lambda files: {name: change(str(text)) for name, text in files.items()}


def each_row(change: Callable[[int, list[str]], list[str]], quoting: int = csv.QUOTE_MINIMAL) -> Callable[[str], str]:
    """Return what rewrites a file row by row; the header is row 0."""

    def rewrite(text: str) -> str:
        buffer = io.StringIO()
        rows = csv.reader(io.StringIO(text))
        csv.writer(buffer, lineterminator="\n", quoting=quoting).writerows(  # type: ignore[call-overload]
            change(number, row) for number, row in enumerate(rows)
        )
        return buffer.getvalue()

    return rewrite


def alternating_ends(text: str) -> str:
    return "".join(line + ("\r\n" if number % 2 else "\n") for number, line in enumerate(text.splitlines()))


def with_own_columns(number: int, row: list[str]) -> list[str]:
    return [row[0], "" if number == 0 else "x", *row[1:3], "metadata.x" if number == 0 else "1", *row[3:], "ext_y"]


def only_needed_columns(files: Files) -> Files:
    needed = {
        "orgs.csv": ["sourcedId", "name", "type"],
        "users.csv": ["sourcedId", "orgSourcedIds", "role", "givenName", "familyName"],
        "courses.csv": ["sourcedId", "title"],
        "classes.csv": ["sourcedId", "title", "courseSourcedId", "schoolSourcedId"],
        "enrollments.csv": ["sourcedId", "classSourcedId", "userSourcedId", "role", "primary"],
    }
    thin: Files = {"manifest.csv": files["manifest.csv"]}
    for name, columns in needed.items():
        rows = csv.DictReader(io.StringIO(str(files[name])))
        thin[name] = ",".join(columns) + "\n" + "".join(",".join(f'"{row[c]}"' for c in columns) + "\n" for row in rows)
    return thin


def in_a_folder(files: Files) -> Files:
    return {f"Export/{name}": text for name, text in files.items()} | {"__MACOSX/Export/._x": b"\0", ".DS_Store": b"\0"}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(each_text(lambda text: b"\xef\xbb\xbf" + text.encode()), id="a byte order mark"),
        pytest.param(each_text(lambda text: text.replace("\n", "\r\n")), id="CRLF"),
        pytest.param(each_text(alternating_ends), id="LF and CRLF by turns"),
        pytest.param(each_text(lambda text: text.removesuffix("\n")), id="no final newline"),
        pytest.param(each_text(lambda text: text + "\n\r\n"), id="trailing blank lines"),
        pytest.param(each_text(each_row(lambda _, row: row, csv.QUOTE_ALL)), id="everything quoted, the header too"),
        pytest.param(each_text(each_row(lambda _, row: row[::-1])), id="columns in another order"),
        pytest.param(each_text(each_row(with_own_columns)), id="columns of one's own and empty header cells"),
        pytest.param(each_text(each_row(lambda _, row: [*row, "", ""])), id="surplus empty cells, header and rows"),
        pytest.param(each_text(each_row(lambda number, row: [*row, ""] if number else row)), id="surplus empty cells"),
        pytest.param(in_a_folder, id="one top folder and the litter of a Mac"),
        pytest.param(lambda files: {**files, "demographics.csv": "sourcedId\n"}, id="an optional file with no rows"),
        pytest.param(
            lambda files: {
                **files,
                "academicSessions.csv": "sourcedId,schoolYear,parentSourcedId\nterm1,2026-2027,gone\n",
            },
            id="a school year of two years and a term of no parent",
        ),
        pytest.param(lambda files: replaced(files, "orgs.csv", ",d1\n", ",gone\n"), id="an org of an unknown parent"),
        pytest.param(lambda files: replaced(files, "classes.csv", "term1", "gone"), id="a class of an unknown term"),
    ],
)
def test_what_changes_no_meaning_is_accepted_silently(
    tmp_path: Path, bundle: Files, change: Callable[[Files], Files]
) -> None:
    expected = process(tmp_path, bundle).sent
    files = {**change(bundle)}
    names = {name.rpartition("/")[2]: name for name in files}
    if "Export/" not in names["manifest.csv"]:
        files["manifest.csv"] = bundle["manifest.csv"]  # where a cell of its own would be a value
    outcome = process(tmp_path, files)
    assert outcome.places == []
    assert outcome.sent == expected


def test_missing_optional_columns_are_accepted_silently_and_empty(tmp_path: Path) -> None:
    outcome = process(tmp_path, only_needed_columns(oneroster_1_1()))
    assert outcome.places == []
    expected = {**process(tmp_path, oneroster_1_1()).rows("students.csv")[0], "person_number": "", "email_address": ""}
    outcome = process(tmp_path, only_needed_columns(oneroster_1_1()))
    assert outcome.rows("students.csv")[0] == expected | {"middle_name": "", "grade_level": "", "sis_username": ""}


@pytest.mark.parametrize(
    ("file", "column"),
    [
        *((file, "sourcedId") for file in ("orgs.csv", "users.csv", "courses.csv", "classes.csv")),
        *(("users.csv", column) for column in ("givenName", "familyName")),
        ("classes.csv", "schoolSourcedId"),
        *(("enrollments.csv", column) for column in ("classSourcedId", "userSourcedId", "role")),
        *(("roles.csv", column) for column in ("userSourcedId", "role")),
    ],
)
def test_a_missing_required_column_rejects(tmp_path: Path, file: str, column: str) -> None:
    files = replaced(oneroster_1_2(), file, column, "other")
    assert process(tmp_path, files).places[-1] == ("missing-column", file, 1, column)


def test_only_enrolments_may_lack_their_ids_since_ids_are_made_of_class_and_student(tmp_path: Path) -> None:
    outcome = process(tmp_path, replaced(oneroster_1_1(), "enrollments.csv", "sourcedId,", "other,"))
    assert outcome.places == []
    assert outcome.column("rosters.csv", "roster_id") == ["c1-p1", "c1-p2", "c2-p3"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(
            lambda files: replaced(files, "orgs.csv", "sourcedId,", "sourcedID,"),
            [("other-spelling", "orgs.csv", 1, None)],
            id="a header in another case, as on Apple's own pages",
        ),
        pytest.param(
            lambda files: {name.upper() if name == "users.csv" else name: text for name, text in files.items()},
            [("other-spelling", "users.csv", 1, None)],
            id="a file name in another case",
        ),
        pytest.param(
            lambda files: {"org.csv" if name == "orgs.csv" else name: text for name, text in files.items()},
            [("other-spelling", "orgs.csv", 1, None)],
            id="org.csv for orgs.csv",
        ),
        pytest.param(
            lambda files: replaced(files, "orgs.csv", "dateLastModified", "dataLastModified"),
            [],
            id="a near miss of a column that is not read",
        ),
        pytest.param(
            lambda files: replaced(files, "classes.csv", "classCode", "classCod"),
            [("column-guessed", "classes.csv", 1, "classCode")],
            id="a near miss of one optional column",
        ),
        pytest.param(
            lambda files: replaced(files, "manifest.csv", "manifest.version,1.0", "manifest.version,1"),
            [("manifest-version", "manifest.csv", None, None)],
            id="manifest.version 1",
        ),
        pytest.param(
            lambda files: added(files, "manifest.csv", "fiel.demographics,absent", "file.users,", "file.orgs"),
            [],
            id="misspelled and empty properties of the manifest",
        ),
        pytest.param(
            lambda files: {name: text for name, text in files.items() if name != "manifest.csv"},
            [("no-manifest", "manifest.csv", None, None)],
            id="no manifest",
        ),
        pytest.param(
            lambda files: {**files, "manifest.csv": ""},
            [("empty-optional-file", "manifest.csv", None, None)],
            id="a manifest of no bytes",
        ),
        pytest.param(
            lambda files: {**files, "demographics.csv": ""},
            [("empty-optional-file", "demographics.csv", None, None)],
            id="an optional file of no bytes",
        ),
        pytest.param(
            lambda files: added(files, "manifest.csv", "file.orgs,absent"),
            [("manifest-differs", "orgs.csv", None, None)],
            id="declared absent and there",
        ),
        pytest.param(
            lambda files: added(files, "manifest.csv", "file.academicSessions,bulk"),
            [],
            id="a file that is not read, declared bulk and not there",
        ),
        pytest.param(
            lambda files: {**files, "notes/users.txt": "x", "readme.txt": "y"},
            [("unknown-file", None, None, None)],
            id="a file of no format",
        ),
    ],
)
def test_what_is_repaired_is_said_and_apple_gets_the_same(
    tmp_path: Path,
    bundle: Files,
    change: Callable[[Files], Files],
    expected: list[Place],
) -> None:
    before = process(tmp_path, bundle).sent
    outcome = process(tmp_path, change(bundle))
    assert outcome.places == expected
    assert all(entry.severity == "warning" for entry in outcome.report.entries)
    assert outcome.sent == before


def test_a_core_file_declared_bulk_and_not_there_rejects(tmp_path: Path) -> None:
    files = added(oneroster_1_1(), "manifest.csv", "file.enrollments,bulk")
    del files["enrollments.csv"]
    assert ("missing-file", "enrollments.csv", None, None) in process(tmp_path, files).places


@pytest.mark.parametrize("version", ["1.2", "1.2.1"])
def test_version_1_1_with_the_files_of_1_2_is_1_2_and_said(tmp_path: Path, version: str) -> None:
    files = replaced(oneroster_1_2(), "manifest.csv", "oneroster.version,1.2", f"oneroster.version,{version}")
    before = process(tmp_path, files).sent
    outcome = process(tmp_path, replaced(files, "manifest.csv", version, "1.1"))
    assert outcome.report.format == "oneroster-1.2"
    assert outcome.places == [("version-differs", "manifest.csv", None, None)]
    assert outcome.sent == before


def test_of_both_sources_of_roles_those_of_roles_csv_win_and_the_conflict_is_said(tmp_path: Path) -> None:
    number = iter([",role\n", ",student\n", ",teacher\n", ",student\n", ",student\n", ",student\n", ",parent\n"])
    text = "".join(line + next(number) for line in str(oneroster_1_2()["users.csv"]).splitlines())
    outcome = process(tmp_path, {**oneroster_1_2(), "users.csv": text})
    assert outcome.report.format == "oneroster-1.2"
    assert outcome.places == [("role-conflict", "users.csv", None, "role")]
    assert outcome.report.totals[0].count == 1
    assert outcome.column("staff.csv", "person_id") == ["t1", "t2"]


@pytest.mark.parametrize("folder", ["old/", "Export/old/"])
def test_two_candidates_for_one_file_reject_wherever_they_lie(tmp_path: Path, folder: str) -> None:
    top = "Export/" if folder.startswith("Export") else ""
    files = {f"{top}{name}": text for name, text in oneroster_1_1().items()}
    report = process(tmp_path, {**files, f"{folder}Users.csv": "sourcedId\n"}).report
    assert report.codes == ("duplicate-file",)
    assert "users.csv" in report.summary.casefold()


def test_a_header_only_courses_file_is_as_none_at_all(tmp_path: Path, bundle: Files) -> None:
    files = {**bundle, "courses.csv": str(bundle["courses.csv"]).splitlines()[0]}
    outcome = process(tmp_path, files)
    assert outcome.places == [("missing-courses", "courses.csv", None, None)]
    assert outcome.column("courses.csv", "course_name") == ["Algebra A", "Biology, B"]


class TestRaggedRows:
    def test_surplus_values_drop_the_row_and_what_refers_to_it(self, tmp_path: Path) -> None:
        files = replaced(oneroster_1_1(), "users.csv", ",10,\n", ",10,,surplus\n")
        outcome = process(tmp_path, files, ConversionOptions(max_dropped=1))
        assert outcome.places == [
            ("surplus-values", "users.csv", 6, None),
            ("user-dropped", "enrollments.csv", 6, "userSourcedId"),
        ]
        assert outcome.column("students.csv", "person_id") == ["p1", "p2"]

    def test_short_rows_are_padded_with_one_warning_a_file(self, tmp_path: Path) -> None:
        files = replaced(oneroster_1_1(), "users.csv", ",10,\n", ",10\n")
        files = replaced(files, "users.csv", ",,g1,09,\n", "\n")
        outcome = process(tmp_path, files)
        assert outcome.places == [("short-row", "users.csv", None, None)]
        assert outcome.report.totals[0].count == 2
        assert outcome.column("students.csv", "grade_level") == ["", "KG", "10"]


def cr_only(text: str) -> str:
    return text.replace("\n", "\r")


USERS = str(oneroster_1_1()["users.csv"])


@pytest.mark.parametrize(
    ("users", "code", "line", "column", "words"),
    [
        pytest.param(USERS.encode("utf-16"), "not-utf8", 1, None, "UTF-16", id="UTF-16"),
        pytest.param(USERS.encode("utf-16-le"), "not-utf8", 1, None, "UTF-16", id="UTF-16 without its mark"),
        pytest.param(USERS.encode("utf-16-be"), "not-utf8", 1, None, "UTF-16", id="UTF-16 the other way round"),
        pytest.param(
            USERS.replace("Holm", "Hölm").encode("cp1252"), "not-utf8", 4, None, "Windows-1252", id="Windows-1252"
        ),
        pytest.param(USERS.replace("Cy", "C\0y"), "nul-byte", 4, None, "NUL", id="a NUL byte"),
        pytest.param(
            USERS.replace(",Fay,", ',"Fay,'), "unclosed-quote", 7, None, "never closed", id="an unclosed quote"
        ),
        pytest.param(cr_only(USERS), "lone-carriage-return", 1, None, "Macs", id="lines of CR only"),
        pytest.param(
            USERS.replace("identifier", "Email"), "duplicate-column", 1, "email", "twice", id="a duplicate header"
        ),
        pytest.param(USERS.replace("Cy", NOISE), "value-too-long", 4, None, "1 MiB", id="a field of 10 MB"),
        pytest.param(
            USERS.replace("Cy", f'"{NOISE}"'), "value-too-long", 4, None, "1 MiB", id="a quoted field of 10 MB"
        ),
        pytest.param(b"", "empty-file", None, None, "no rows", id="0 bytes"),
        pytest.param(USERS.splitlines()[0], "empty-file", None, None, "no rows", id="a header and nothing else"),
        pytest.param("\n\n", "missing-column", 1, "sourcedId", "sourcedId", id="blank lines only"),
        pytest.param(USERS.replace(",", ";"), "wrong-separator", 1, None, "semicolons", id="semicolons"),
        pytest.param(USERS.replace(",", "\t"), "wrong-separator", 1, None, "tabs", id="tabs"),
        pytest.param(
            USERS.replace("sourcedId,", "id,", 1), "missing-column", 1, "sourcedId", "sourcedId", id="no sourcedId"
        ),
    ],
)
def test_an_unreadable_file_rejects_with_its_line(
    tmp_path: Path, users: str | bytes, code: str, line: int | None, column: str | None, words: str
) -> None:
    outcome = process(tmp_path, {**oneroster_1_1(), "users.csv": users})
    assert outcome.report.rejected_by == code
    assert outcome.places[-1] == (code, "users.csv", line, column)
    assert words in outcome.report.summary


def mapped_course_clash() -> Files:
    files = added(oneroster_1_1(), "classes.csv", "c3,,,Biology C,10,k2,,scheduled,,s1,term2,,,")
    files = added(files, "classes.csv", "c4,,,Clash,10,k2-s1,,scheduled,,s1,term2,,,")
    return added(files, "courses.csv", "k2-s1,,,,Clash,CLA,,s1,,")


@pytest.mark.parametrize(
    ("upload", "code", "file", "line"),
    [
        *(
            pytest.param(
                {name: text for name, text in oneroster_1_1().items() if name != core},
                "missing-file",
                core,
                None,
                id=f"{core} missing",
            )
            for core in CORE
        ),
        pytest.param(
            added(oneroster_1_1(), "manifest.csv", "file.users,delta"),
            "delta-without-state",
            "users.csv",
            None,
            id="a delta without state",
        ),
        pytest.param(mapped_course_clash(), "made-id-clash", "courses.csv", None, id="a made id meets another"),
        pytest.param(
            added(asm(), "staff.csv", "p1,,Cy,,Holm,,,s1"),
            "asm-person-twice",
            "staff.csv",
            3,
            id="one person both student and staff in Apple's format",
        ),
        pytest.param(
            replaced(
                replaced(oneroster_1_1(), "users.csv", ",student,", ",parent,"), "users.csv", "s2,,ed", "s2,parent,ed"
            ),
            "no-students",
            "users.csv",
            None,
            id="no student left",
        ),
    ],
)
def test_what_cannot_be_used_rejects_by_its_own_code(
    tmp_path: Path, upload: Files, code: str, file: str, line: int | None
) -> None:
    report = process(tmp_path, upload).report
    assert report.rejected_by == code
    assert (code, file, line) in [(entry.code, entry.file, entry.line) for entry in report.entries]
    assert report.sent == {}


def test_more_bytes_declared_than_four_gib_reject_before_anything_is_unpacked(tmp_path: Path) -> None:
    data = bytearray(zip_bytes(oneroster_1_1()))
    at = data.find(b"PK\x01\x02")
    while at >= 0:
        data[at + 24 : at + 28] = struct.pack("<I", 2**31)
        at = data.find(b"PK\x01\x02", at + 4)
    report = process(tmp_path, bytes(data)).report
    assert report.codes == ("archive-too-large",)
    assert "4 GiB" in report.summary
