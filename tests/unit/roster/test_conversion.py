"""The rules of mapping.md, each on a bundle that shows it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from rosterbridge.roster import ConversionOptions
from tests.support.rosters import Files, added, oneroster_1_1, oneroster_1_2, process, replaced


def test_people_classes_and_rosters_arrive_with_apples_columns(tmp_path: Path, bundle: Files) -> None:
    outcome = process(tmp_path, bundle)

    assert outcome.report.summary == "Accepted: 3 students, 2 staff, 2 courses, 2 classes, 3 rosters, 2 locations."
    assert outcome.rows("students.csv")[0] == {
        "person_id": "p1",
        "person_number": "P-1",
        "first_name": "Cy",
        "middle_name": "Q",
        "last_name": "Holm",
        "grade_level": "9",
        "email_address": "cy@school.example",
        "sis_username": "cy",
        "password_policy": "",
        "location_id": "s1",
        "location_id_2": "",
    }
    assert outcome.column("classes.csv", "class_number") == ["ALG-A", "Biology, B"]
    assert [tuple(row.values()) for row in outcome.rows("rosters.csv")] == [
        ("e3", "c1", "p1"),
        ("e4", "c1", "p2"),
        ("e5", "c2", "p3"),
    ]


def test_both_versions_give_the_same_bytes(tmp_path: Path) -> None:
    results = []
    for files in (oneroster_1_1(), oneroster_1_2()):
        outcome = process(tmp_path, files)
        assert outcome.zip is not None
        results.append(outcome.zip.read_bytes())

    assert results[0] == results[1]


class TestVersion:
    """Rules 2 and 3."""

    def test_headers_decide_and_another_claim_is_only_noted(self, tmp_path: Path) -> None:
        files = replaced(oneroster_1_1(), "manifest.csv", "oneroster.version,1.1", "oneroster.version,1.2")
        outcome = process(tmp_path, files)
        assert outcome.report.format == "oneroster-1.1"
        assert [code for code, *_ in outcome.found] == ["version-differs"]

    def test_1_2_1_is_1_2(self, tmp_path: Path) -> None:
        files = replaced(oneroster_1_2(), "manifest.csv", "oneroster.version,1.2", "oneroster.version,1.2.1")
        assert process(tmp_path, files).found == []

    def test_without_manifest_the_version_is_inferred(self, tmp_path: Path, bundle: Files) -> None:
        del bundle["manifest.csv"]
        outcome = process(tmp_path, bundle)
        assert outcome.report.accepted
        assert [code for code, *_ in outcome.found] == ["no-manifest"]

    def test_strict_wants_the_manifest(self, tmp_path: Path, bundle: Files) -> None:
        del bundle["manifest.csv"]
        outcome = process(tmp_path, bundle, ConversionOptions(profile="strict"))
        assert outcome.report.rejected_by == "no-manifest"

    def test_names_of_1_0_are_read(self, tmp_path: Path) -> None:
        files = oneroster_1_1()
        del files["manifest.csv"]
        files = replaced(files, "users.csv", "grades,password", "grade,password")
        files = replaced(files, "classes.csv", "termSourcedIds", "termSourcedId")
        outcome = process(tmp_path, files)
        assert outcome.report.format == "oneroster-1.0"
        assert outcome.column("students.csv", "grade_level") == ["9", "KG", "10"]

    @pytest.mark.parametrize("name", ["orgs.csv", "users.csv", "classes.csv", "enrollments.csv"])
    def test_a_missing_core_file_rejects(self, tmp_path: Path, bundle: Files, name: str) -> None:
        del bundle[name]
        outcome = process(tmp_path, bundle)
        assert outcome.report.codes == ("missing-file",)
        assert outcome.report.entries[-1].file == name

    def test_roles_are_required_in_1_2(self, tmp_path: Path) -> None:
        files = oneroster_1_2()
        del files["roles.csv"]
        assert [entry.file for entry in process(tmp_path, files).report.entries] == ["roles.csv"]

    @pytest.mark.parametrize("name", ["orgs.csv", "users.csv", "classes.csv", "enrollments.csv"])
    def test_a_core_file_without_rows_rejects(self, tmp_path: Path, bundle: Files, name: str) -> None:
        text = bundle[name]
        assert isinstance(text, str)
        outcome = process(tmp_path, {**bundle, name: text.splitlines()[0] + "\n"})
        assert outcome.report.codes == ("empty-file",)

    def test_courses_may_be_missing(self, tmp_path: Path, bundle: Files) -> None:
        del bundle["courses.csv"]
        outcome = process(tmp_path, bundle)
        assert outcome.report.accepted
        assert [code for code, *_ in outcome.found] == ["missing-courses"]
        assert outcome.column("courses.csv", "course_name") == ["Algebra A", "Biology, B"]

    def test_a_delta_is_refused_with_its_own_code(self, tmp_path: Path, bundle: Files) -> None:
        files = added(bundle, "manifest.csv", "file.users,delta")
        assert process(tmp_path, files).report.codes == ("delta-without-state",)

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
    @pytest.mark.parametrize("separator", [",", ";", "\t"])
    def test_a_delta_is_seen_however_the_manifest_is_written(
        self, tmp_path: Path, encoding: str, separator: str
    ) -> None:
        manifest = "propertyName,value\r\nFILE.Users, Delta\r\n".replace(",", separator)
        outcome = process(tmp_path, {**oneroster_1_1(), "manifest.csv": manifest.encode(encoding)})
        assert outcome.report.codes == ("delta-without-state",)


class TestStatus:
    """Rule 4."""

    @pytest.mark.parametrize("status", ["tobedeleted", "inactive", "toBeDeleted"])
    def test_deleted_rows_are_left_out_and_counted(self, tmp_path: Path, bundle: Files, status: str) -> None:
        outcome = process(tmp_path, replaced(bundle, "users.csv", "\np3,,", f"\np3,{status},"))
        assert outcome.column("students.csv", "person_id") == ["p1", "p2"]
        assert outcome.report.counts["users.csv"].reasons["inactive"] == 1
        assert outcome.report.counts["enrollments.csv"].reasons["user-left-out"] == 1

    def test_disabled_users_are_kept_unless_the_flow_drops_them(self, tmp_path: Path, bundle: Files) -> None:
        files = replaced(bundle, "users.csv", "\np3,,,true", "\np3,,,FALSE")
        assert len(process(tmp_path, files).rows("students.csv")) == 3
        dropped = process(tmp_path, files, ConversionOptions(disabled_users="drop"))
        assert dropped.column("students.csv", "person_id") == ["p1", "p2"]


class TestDates:
    """Rule 6."""

    def test_what_has_ended_is_kept_and_counted(self, tmp_path: Path, bundle: Files) -> None:
        outcome = process(tmp_path, bundle, as_of=date(2028, 1, 1))
        assert len(outcome.rows("rosters.csv")) == 3
        assert [(total.code, total.count) for total in outcome.report.totals] == [("ended-kept", 6)]

    @pytest.mark.parametrize(
        ("as_of", "sent"), [("2026-08-14", 0), ("2026-08-15", 3), ("2027-06-11", 3), ("2027-06-12", 0)]
    )
    def test_drop_leaves_a_day_of_grace_at_the_end(self, tmp_path: Path, bundle: Files, as_of: str, sent: int) -> None:
        outcome = process(tmp_path, bundle, ConversionOptions(ended="drop"), as_of=date.fromisoformat(as_of))
        assert len(outcome.rows("rosters.csv")) == sent


class TestFilters:
    """Rule 7."""

    def test_terms(self, tmp_path: Path, bundle: Files) -> None:
        outcome = process(tmp_path, bundle, ConversionOptions(terms=("term2",)))
        assert outcome.column("classes.csv", "class_id") == ["c2"]
        assert outcome.column("rosters.csv", "roster_id") == ["e5"]
        assert outcome.report.counts["classes.csv"].reasons == {"other-term": 1}

    def test_schools(self, tmp_path: Path, bundle: Files) -> None:
        outcome = process(tmp_path, bundle, ConversionOptions(schools=("s2",)))
        assert outcome.column("locations.csv", "location_id") == ["s2"]
        assert outcome.column("students.csv", "person_id") == ["p2", "p3"]
        assert outcome.column("staff.csv", "person_id") == ["t2"]
        assert outcome.column("classes.csv", "class_id") == ["c2"]

    def test_grades(self, tmp_path: Path, bundle: Files) -> None:
        outcome = process(tmp_path, bundle, ConversionOptions(grades=("09", "KG")))
        assert outcome.column("students.csv", "person_id") == ["p1", "p2"]
        assert outcome.report.counts["users.csv"].reasons["other-grade"] == 1


class TestValues:
    """Rules 19 to 21."""

    def test_what_apple_does_not_take_is_cleaned_and_counted(self, tmp_path: Path) -> None:
        files = replaced(oneroster_1_1(), "users.csv", "Cy,Holm", '" Cy ""C""","Hol\tm\r\n\u0085x"')
        outcome = process(tmp_path, files)
        student = outcome.rows("students.csv")[0]
        assert (student["first_name"], student["last_name"]) == ("Cy 'C'", "Hol m x")
        assert [(total.code, total.count) for total in outcome.report.totals] == [("value-cleaned", 2)]

    def test_unusual_ids_are_kept_with_a_warning(self, tmp_path: Path) -> None:
        files = {
            name: text.replace("p1", "TCH_p.1") if isinstance(text, str) else text
            for name, text in oneroster_1_1().items()
        }
        outcome = process(tmp_path, files)
        assert outcome.column("students.csv", "person_id")[0] == "TCH_p.1"
        assert [(total.code, total.file, total.count) for total in outcome.report.totals] == [
            ("unusual-id", "users.csv", 1)
        ]

    @pytest.mark.parametrize("name", ["p1", "c1", "e3"])
    def test_ids_with_separators_stay_whole_in_rosters(self, tmp_path: Path, name: str) -> None:
        odd = f"{name[0]},{name[1]}"
        files = {file: str(text).replace(name, f'"{odd}"') for file, text in oneroster_1_1().items()}
        ids = list(process(tmp_path, files).rows("rosters.csv")[0].values())
        assert ids == [odd if id_ == name else id_ for id_ in ("e3", "c1", "p1")]

    def test_ids_differ_by_case(self, tmp_path: Path) -> None:
        files = replaced(oneroster_1_1(), "enrollments.csv", "c2,s2,p3", "c2,s2,P3")
        outcome = process(tmp_path, files, ConversionOptions(max_dropped=0.5))
        assert outcome.report.totals[0].code == "unknown-user"

    @pytest.mark.parametrize("name", ["orgs.csv", "users.csv", "courses.csv", "classes.csv", "enrollments.csv"])
    def test_an_identical_row_collapses(self, tmp_path: Path, name: str) -> None:
        text = oneroster_1_1()[name]
        assert isinstance(text, str)
        outcome = process(tmp_path, added(oneroster_1_1(), name, text.splitlines()[1]))
        assert outcome.report.accepted
        assert outcome.report.counts[name].reasons["same-row-again"] == 1
        assert outcome.report.totals[0].code == "duplicate-row"

    def test_different_rows_with_one_id_reject(self, tmp_path: Path) -> None:
        files = added(oneroster_1_1(), "users.csv", "p1,,,true,s1,student,zoe,,Zoe,Other,,,,,,,,")
        outcome = process(tmp_path, files)
        assert outcome.found == [("duplicate-id", "users.csv", 4), ("duplicate-id", "users.csv", 8)]
        assert "p1" in outcome.report.entries[0].message
        assert "p1" not in outcome.report.summary


class TestSeverity:
    def test_a_few_wrong_rows_are_dropped_many_reject(self, tmp_path: Path) -> None:
        files = added(oneroster_1_1(), "enrollments.csv", "e7,,,c9,s1,p1,student,,,")
        rejected = process(tmp_path, files).report
        assert rejected.codes == ("unknown-class", "too-many-dropped")
        assert rejected.rejected_by == "too-many-dropped"
        assert process(tmp_path, files, ConversionOptions(max_dropped=0.15)).report.accepted

    def test_without_repair_any_wrong_row_rejects(self, tmp_path: Path) -> None:
        files = added(oneroster_1_1(), "enrollments.csv", "e7,,,c9,s1,p1,student,,,")
        outcome = process(tmp_path, files, ConversionOptions(repair=False, max_dropped=1))
        assert outcome.report.codes == ("unknown-class", "rows-dropped")

    def test_no_student_left_rejects_and_no_staff_does_not(self, tmp_path: Path) -> None:
        no_students = replaced(oneroster_1_1(), "users.csv", ",student,", ",parent,")
        no_students = replaced(no_students, "users.csv", "p3,,,true,s2,,", "p3,,,true,s2,parent,")
        assert process(tmp_path, no_students).report.codes == ("no-students",)
        no_staff = replaced(oneroster_1_1(), "users.csv", ",teacher,", ",aide,")
        no_staff = replaced(no_staff, "enrollments.csv", ",teacher,", ",proctor,")
        outcome = process(tmp_path, no_staff)
        assert outcome.report.accepted
        assert outcome.found == [("no-staff", "users.csv", None)]

    def test_the_same_input_gives_the_same_bytes(self, tmp_path: Path, bundle: Files) -> None:
        results = set()
        for _ in range(2):
            outcome = process(tmp_path, bundle)
            assert outcome.zip is not None
            results.add(outcome.zip.read_bytes())
        assert len(results) == 1

    def test_an_entry_list_is_capped_and_its_total_is_not(self, tmp_path: Path) -> None:
        lines = [f"x{number},,,c9,s1,p1,student,,," for number in range(1500)]
        report = process(tmp_path, added(oneroster_1_1(), "enrollments.csv", *lines)).report
        assert sum(entry.code == "unknown-class" for entry in report.entries) == 1000
        assert {total.code: total.count for total in report.totals}["unknown-class"] == 1500


def test_nothing_that_apple_does_not_need_is_in_the_result(tmp_path: Path, bundle: Files) -> None:
    outcome = process(tmp_path, bundle)
    assert outcome.zip is not None
    sent = "".join(
        ",".join(row.values())
        for name in ("students.csv", "staff.csv", "classes.csv", "locations.csv")
        for row in outcome.rows(name)
    )
    for secret in ("secret", "555", "fay@school.example"):
        assert secret not in sent
