"""How values, classes and references deviate, one case each: what the sender reads and what Apple gets."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from rosterbridge.roster import ConversionOptions
from tests.support.rosters import (
    Files,
    Outcome,
    added,
    oneroster_1_1,
    oneroster_1_2,
    process,
    replaced,
    student,
    without_lines,
)

GENEROUS = ConversionOptions(max_dropped=1)
ENDED = ConversionOptions(ended="drop")


class TestSpelling:
    @pytest.mark.parametrize(
        ("file", "old", "new", "column"),
        [
            *(
                ("enrollments.csv", ",teacher,true", f",teacher,{word}", "primary")
                for word in ("TRUE", "True", "1", "yes")
            ),
            *(("users.csv", ",,true,", f",,{word},", "enabledUser") for word in ("TRUE", "True", "1", "yes")),
            ("users.csv", ",student,", ",Student,", "role"),
            ("enrollments.csv", ",teacher,", ",Teacher,", "role"),
            ("orgs.csv", ",school,", ",School,", "type"),
        ],
    )
    def test_booleans_and_words_in_another_spelling_mean_the_same(
        self, tmp_path: Path, file: str, old: str, new: str, column: str
    ) -> None:
        expected = process(tmp_path, oneroster_1_1()).sent
        outcome = process(tmp_path, replaced(oneroster_1_1(), file, old, new))
        assert outcome.places == [("value-respelled", file, None, column)]
        assert outcome.sent == expected

    def test_a_status_in_another_spelling_is_honoured(self, tmp_path: Path) -> None:
        outcome = process(tmp_path, replaced(oneroster_1_1(), "users.csv", "\np3,,", "\np3,toBeDeleted,"))
        assert outcome.places == [
            ("status-in-bulk", "users.csv", None, "status"),
            ("value-respelled", "users.csv", None, "status"),
        ]
        assert outcome.column("students.csv", "person_id") == ["p1", "p2"]

    @pytest.mark.parametrize("status", ["tobedeleted", "inactive"])
    def test_status_in_a_full_export_is_honoured_and_said_once_a_file(self, tmp_path: Path, status: str) -> None:
        files = replaced(oneroster_1_1(), "users.csv", "\np1,,", "\np1,active,2026-08-01")
        files = replaced(files, "users.csv", "\np3,,", f"\np3,{status},2017-05-06 08:01:05")
        outcome = process(tmp_path, files)
        assert outcome.places == [("status-in-bulk", "users.csv", None, "status")]
        assert outcome.totals == [("status-in-bulk", "users.csv", 2)]
        assert outcome.report.counts["users.csv"].reasons["inactive"] == 1
        assert outcome.column("students.csv", "person_id") == ["p1", "p2"]

    @pytest.mark.parametrize("user_ids", ["98861739", "[]", "{X: }", '"{LDAP:a},{SIS:b}"'])
    def test_user_ids_of_any_form_are_ignored(self, tmp_path: Path, user_ids: str) -> None:
        expected = process(tmp_path, oneroster_1_1()).sent
        outcome = process(tmp_path, replaced(oneroster_1_1(), "users.csv", ",cy,,", f",cy,{user_ids},"))
        assert outcome.places == []
        assert outcome.sent == expected

    @pytest.mark.parametrize("word", ["NULL", "null", "N/A", "-"])
    def test_null_words_are_empty_and_said_but_a_person_may_be_named_so(self, tmp_path: Path, word: str) -> None:
        files = replaced(
            oneroster_1_1(), "users.csv", "Cy,Holm,Q,P-1,cy@school.example", f"Cy,{word},{word},P-1,{word}"
        )
        outcome = process(tmp_path, files)
        row = outcome.rows("students.csv")[0]
        assert (row["last_name"], row["middle_name"], row["email_address"]) == (word, "", "")
        assert outcome.places == [
            ("null-word", "users.csv", None, "middleName"),
            ("null-word", "users.csv", None, "email"),
        ]

    def test_null_words_are_kept_where_the_flow_says_so(self, tmp_path: Path) -> None:
        files = replaced(oneroster_1_1(), "users.csv", "Cy,Holm,Q,P-1", "Cy,NULL,-,N/A")
        outcome = process(tmp_path, files, ConversionOptions(null_words="keep"))
        row = outcome.rows("students.csv")[0]
        assert (row["last_name"], row["middle_name"], row["person_number"]) == ("NULL", "-", "N/A")
        assert outcome.places == []


class TestDates:
    def ended_by_october(self, folder: Path, end: str, other: str = "2027-06-10") -> Outcome:
        """Send with ``end`` as the end of one enrolment and ``other`` as that of another."""
        files = replaced(oneroster_1_1(), "enrollments.csv", "p1,student,,2026-08-15,2027-06-10", f"p1,student,,,{end}")
        files = replaced(files, "enrollments.csv", "p2,student,,2026-08-15,2027-06-10", f"p2,student,,,{other}")
        return process(folder, files, ENDED, as_of=date(2026, 10, 1))

    @pytest.mark.parametrize("end", ["2026-09-05", "2026-9-5", "2026-09-05 08:01:05", "2026-09-05T08:01:05.000Z"])
    def test_forms_of_iso_dates_are_read(self, tmp_path: Path, end: str) -> None:
        outcome = self.ended_by_october(tmp_path, end)
        assert outcome.places == []
        assert outcome.column("rosters.csv", "student_id") == ["p2", "p3"]

    @pytest.mark.parametrize(
        ("end", "proof"), [("9/5/2026", "8/27/2027"), ("8/27/2026", "6/1/2027"), ("5/09/2026", "27/8/2027")]
    )
    def test_dates_with_slashes_are_read_where_the_file_proves_their_order(
        self, tmp_path: Path, end: str, proof: str
    ) -> None:
        outcome = self.ended_by_october(tmp_path, end, proof)
        assert outcome.places == []
        assert outcome.column("rosters.csv", "student_id") == ["p2", "p3"]

    @pytest.mark.parametrize(
        ("end", "other", "count"),
        [
            pytest.param("9/5/2026", "6/1/2027", 2, id="no proof"),
            pytest.param("8/27/2026", "27/8/2026", 2, id="proof of both"),
            pytest.param("soon", "2027-06-10", 1, id="no date"),
            pytest.param("2026-02-30", "2027-06-10", 1, id="no day of the calendar"),
        ],
    )
    def test_dates_that_are_not_sure_are_said_and_never_guessed(
        self, tmp_path: Path, end: str, other: str, count: int
    ) -> None:
        outcome = self.ended_by_october(tmp_path, end, other)
        assert outcome.places == [("unclear-date", "enrollments.csv", None, "endDate")]
        assert outcome.report.totals[0].count == count
        assert outcome.column("rosters.csv", "student_id") == ["p1", "p2", "p3"]

    def test_over_the_summer_nothing_is_dropped_and_what_had_ended_is_counted(self, tmp_path: Path) -> None:
        expected = process(tmp_path, oneroster_1_1()).sent
        outcome = process(tmp_path, oneroster_1_1(), as_of=date(2027, 7, 20))
        assert outcome.places == [("ended-kept", "enrollments.csv", None, "endDate")]
        assert outcome.totals == [("ended-kept", "enrollments.csv", 6)]
        assert outcome.sent == expected


class TestClassesAndReferences:
    @pytest.mark.parametrize(
        ("title", "code", "number"), [("", "ALG-A", "ALG-A"), ("Algebra A", "", "Algebra A"), ("", "", "")]
    )
    def test_a_class_without_title_has_its_code_and_the_other_way_round(
        self, tmp_path: Path, bundle: Files, title: str, code: str, number: str
    ) -> None:
        files = replaced(bundle, "classes.csv", "Algebra A,09,k1,ALG-A", f"{title},09,k1,{code}")
        outcome = process(tmp_path, files)
        assert outcome.places == []
        assert outcome.rows("classes.csv")[0]["class_number"] == number
        assert outcome.rows("courses.csv")[0]["course_name"] == "Algebra"

    @pytest.mark.parametrize(
        ("course", "sent_course"),
        [pytest.param("", "course-c2", id="none"), pytest.param("gone", "gone", id="unknown")],
    )
    def test_a_class_without_a_known_course_gets_one_of_its_title(
        self, tmp_path: Path, bundle: Files, course: str, sent_course: str
    ) -> None:
        outcome = process(tmp_path, replaced(bundle, "classes.csv", ",k2,", f",{course},"))
        assert outcome.rows("courses.csv")[1] == {
            "course_id": sent_course,
            "course_number": "",
            "course_name": "Biology, B",
            "location_id": "s2",
        }

    def test_without_courses_csv_courses_are_made_with_a_warning(self, tmp_path: Path, bundle: Files) -> None:
        del bundle["courses.csv"]
        outcome = process(tmp_path, bundle)
        assert outcome.places == [("missing-courses", "courses.csv", None, None)]
        assert outcome.column("courses.csv", "course_id") == ["k1", "k2"]

    def test_a_course_of_the_district_belongs_to_the_school_of_its_classes(self, tmp_path: Path, bundle: Files) -> None:
        outcome = process(tmp_path, bundle)
        assert outcome.places == []
        assert outcome.rows("courses.csv")[1]["location_id"] == "s2"
        assert "d1" not in outcome.column("locations.csv", "location_id")

    @pytest.mark.parametrize("kind", ["department", "local"])
    def test_an_org_of_another_type_is_a_location_where_a_class_is_taught(
        self, tmp_path: Path, bundle: Files, kind: str
    ) -> None:
        files = replaced(bundle, "orgs.csv", "South School,school", f"South School,{kind}")
        outcome = process(tmp_path, files)
        assert outcome.places == []
        assert outcome.column("locations.csv", "location_id") == ["s1", "s2"]

    def test_a_class_of_an_unknown_school_is_dropped_with_its_enrolments(self, tmp_path: Path, bundle: Files) -> None:
        outcome = process(tmp_path, replaced(bundle, "classes.csv", ",s2,term2", ",gone,term2"), GENEROUS)
        assert outcome.places == [
            ("unknown-school", "classes.csv", 3, "schoolSourcedId"),
            ("class-dropped", "enrollments.csv", 6, "classSourcedId"),
            ("class-dropped", "enrollments.csv", 7, "classSourcedId"),
        ]
        assert "gone" in outcome.report.entries[0].message
        assert outcome.column("classes.csv", "class_id") == ["c1"]

    def test_enrolments_of_unknown_classes_and_users_are_dropped_by_line(self, tmp_path: Path, bundle: Files) -> None:
        files = added(bundle, "enrollments.csv", "e7,,,gone,s1,p1,student,,,", "e8,,,c1,s1,gone,student,,,")
        outcome = process(tmp_path, files, GENEROUS)
        assert outcome.places == [
            ("unknown-class", "enrollments.csv", 8, "classSourcedId"),
            ("unknown-user", "enrollments.csv", 9, "userSourcedId"),
        ]
        assert outcome.column("rosters.csv", "roster_id") == ["e3", "e4", "e5"]
        assert process(tmp_path, files).report.rejected_by == "too-many-dropped"  # more than 5 %

    def test_a_role_of_an_unknown_user_is_dropped_by_line(self, tmp_path: Path) -> None:
        outcome = process(tmp_path, added(oneroster_1_2(), "roles.csv", "r8,,,gone,primary,student,,,s1,"), GENEROUS)
        assert outcome.places == [("unknown-user", "roles.csv", 9, "userSourcedId")]

    @pytest.mark.parametrize("name", ["orgs.csv", "users.csv", "courses.csv", "classes.csv", "enrollments.csv"])
    def test_the_same_row_twice_is_one_with_a_warning(self, tmp_path: Path, name: str) -> None:
        expected = process(tmp_path, oneroster_1_1()).sent
        lines = str(oneroster_1_1()[name]).splitlines()
        outcome = process(tmp_path, added(oneroster_1_1(), name, lines[1]))
        assert outcome.places == [("duplicate-row", name, len(lines) + 1, None)]
        assert outcome.sent == expected

    @pytest.mark.parametrize(
        ("name", "row", "lines"),
        [
            ("orgs.csv", "s1,,,Other,school,,", (3, 5)),
            ("users.csv", student("p1", orgs="s2"), (4, 8)),
            ("courses.csv", "k1,,,,Other,,,s1,,", (2, 5)),
            ("classes.csv", "c1,,,Other,,k1,,,,s1,,,,", (2, 4)),
            ("enrollments.csv", "e3,,,c1,s1,p2,student,,,", (4, 8)),
        ],
    )
    def test_different_rows_of_one_id_reject(self, tmp_path: Path, name: str, row: str, lines: tuple[int, int]) -> None:
        outcome = process(tmp_path, added(oneroster_1_1(), name, row))
        assert outcome.report.rejected_by == "duplicate-id"
        assert outcome.places == [("duplicate-id", name, line, "sourcedId") for line in lines]

    def test_a_fourth_teacher_gets_a_column_and_a_sixteenth_is_left_out_with_a_warning(self, tmp_path: Path) -> None:
        files = oneroster_1_1()
        for number in range(14):
            files = added(files, "users.csv", student(f"x{number:02}"))
            files = added(files, "enrollments.csv", f"ex{number},,,c1,s1,x{number:02},teacher,,,")
        files = {**files, "users.csv": str(files["users.csv"]).replace(",student,x", ",teacher,x")}
        outcome = process(tmp_path, files)
        assert outcome.places == [("too-many-instructors", "classes.csv", 2, None)]
        assert outcome.rows("classes.csv")[0]["instructor_id_15"] == "x12"
        assert outcome.report.counts["enrollments.csv"].reasons == {"instructor-limit": 1}

    def test_no_staff_is_a_warning_since_the_flow_may_send_students_only(self, tmp_path: Path) -> None:
        files = replaced(oneroster_1_1(), "users.csv", ",teacher,", ",aide,")
        files = {**files, "enrollments.csv": without_lines(str(files["enrollments.csv"]), "e1,", "e2,", "e6,")}
        outcome = process(tmp_path, files)
        assert outcome.places == [("no-staff", "users.csv", None, None)]
        assert outcome.rows("staff.csv") == []
