"""How people and ids deviate, one case each: what the upload's sender reads and what Apple gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from rosterbridge.roster import ConversionOptions
from tests.support.rosters import Files, added, oneroster_1_1, oneroster_1_2, process, replaced, student


class TestPeople:
    @pytest.mark.parametrize("role", ["mascot", "ext:mascot"])
    def test_a_user_of_an_unknown_role_is_not_sent_unless_the_flow_names_it(self, tmp_path: Path, role: str) -> None:
        files = replaced(oneroster_1_2(), "roles.csv", "parent", role)
        outcome = process(tmp_path, files)
        is_foreign = role == "mascot"  # 1.2 allows ext:
        assert outcome.totals == ([("unknown-role", "users.csv", 1)] if is_foreign else [])
        assert outcome.report.counts["users.csv"].reasons == {"other-role": 1}
        named = process(tmp_path, files, ConversionOptions(staff_roles=("teacher", role)))
        assert named.column("staff.csv", "person_id") == ["t1", "t2", "g1"]

    def test_a_principal_is_treated_by_the_staff_roles(self, tmp_path: Path, bundle: Files) -> None:
        files = replaced(bundle, "roles.csv" if "roles.csv" in bundle else "users.csv", "parent", "principal")
        assert process(tmp_path, files).column("staff.csv", "person_id") == ["t1", "t2"]
        named = process(tmp_path, files, ConversionOptions(staff_roles=("teacher", "principal")))
        assert named.column("staff.csv", "person_id") == ["t1", "t2", "g1"]

    def test_an_aide_of_a_class_is_no_instructor(self, tmp_path: Path, bundle: Files) -> None:
        outcome = process(tmp_path, added(bundle, "enrollments.csv", "e7,,,c1,s1,g1,aide,,,"))
        row = outcome.rows("classes.csv")[0]
        assert [row["instructor_id"], row["instructor_id_2"], row["instructor_id_3"]] == ["t1", "t2", ""]
        assert outcome.report.counts["enrollments.csv"].reasons == {"other-role": 1}

    @pytest.mark.parametrize("role", ["guardian", "parent", "relative"])
    def test_families_are_never_sent_and_counted(self, tmp_path: Path, bundle: Files, role: str) -> None:
        files = replaced(bundle, "roles.csv" if "roles.csv" in bundle else "users.csv", "parent", role)
        outcome = process(tmp_path, files)
        assert outcome.places == []
        assert outcome.report.counts["users.csv"].reasons == {"other-role": 1}
        assert "g1" not in outcome.column("students.csv", "person_id") + outcome.column("staff.csv", "person_id")

    def test_a_teacher_only_by_enrolment_is_staff(self, tmp_path: Path) -> None:
        files = replaced(oneroster_1_1(), "users.csv", "s2,teacher,bo", "s2,student,bo")
        outcome = process(tmp_path, files)
        assert outcome.places == [("student-and-staff", "users.csv", 3, None)]
        assert outcome.column("staff.csv", "person_id") == ["t1", "t2"]
        assert outcome.column("classes.csv", "instructor_id_2") == ["t2", ""]

    def test_who_teaches_one_class_and_attends_another_is_staff_and_the_conflict_is_said(self, tmp_path: Path) -> None:
        files = added(oneroster_1_1(), "enrollments.csv", "e7,,,c2,s2,p1,teacher,,,")
        outcome = process(tmp_path, files)
        assert outcome.places == [("student-and-staff", "users.csv", 4, None)]
        assert outcome.column("staff.csv", "person_id") == ["t1", "t2", "p1"]
        assert outcome.column("rosters.csv", "roster_id") == ["e4", "e5"]

    @pytest.mark.parametrize(
        ("grades", "level", "codes"),
        [
            ("9 10", "9", ["several-grades"]),
            ("09, 10", "9", ["several-grades"]),
            ("Grade 9", "Grade 9", []),
            ("P1", "P1", []),
            ("09", "9", []),
        ],
    )
    def test_grades_are_parted_only_where_each_part_is_one(
        self, tmp_path: Path, grades: str, level: str, codes: list[str]
    ) -> None:
        outcome = process(tmp_path, added(oneroster_1_1(), "users.csv", student("p4", grades=grades)))
        assert outcome.column("students.csv", "grade_level")[-1] == level
        assert outcome.places == [(code, "users.csv", None, "grades") for code in codes]

    def test_lists_with_spaces_are_trimmed(self, tmp_path: Path) -> None:
        expected = process(tmp_path, oneroster_1_1()).sent
        files = replaced(oneroster_1_1(), "users.csv", '"s1,s2"', '"s1 , s2"')
        files = replaced(files, "classes.csv", "s1,term1", 's1,"term0, term1"')
        assert process(tmp_path, files).sent == expected
        outcome = process(tmp_path, files, ConversionOptions(terms=("term1",)))
        assert outcome.column("classes.csv", "class_id") == ["c1"]

    def test_without_any_orgs_people_belong_where_their_classes_are_else_they_are_dropped(self, tmp_path: Path) -> None:
        files = oneroster_1_1()
        lines = [line.split('"s1,s2"') for line in str(files["users.csv"]).splitlines()]
        text = "\n".join("".join(line) for line in lines)
        for orgs in ('"s1"', "s1", "s2"):
            text = text.replace(f"true,{orgs},", "true,,")
        files = added({**files, "users.csv": text + "\n"}, "users.csv", student("p4", orgs=""))
        outcome = process(tmp_path, files, ConversionOptions(max_dropped=1))
        assert outcome.places == [("person-without-location", "users.csv", 8, None)]
        people = outcome.rows("students.csv") + outcome.rows("staff.csv")
        assert [(row["person_id"], row["location_id"]) for row in people] == [
            *(("p1", "s1"), ("p2", "s1"), ("p3", "s2")),
            *(("t1", "s1"), ("t2", "s1")),
        ]

    def test_a_student_of_a_class_elsewhere_gets_a_second_location(self, tmp_path: Path, bundle: Files) -> None:
        outcome = process(tmp_path, added(bundle, "enrollments.csv", "e7,,,c2,s2,p1,student,,,"))
        assert outcome.places == []
        row = outcome.rows("students.csv")[0]
        assert (row["location_id"], row["location_id_2"]) == ("s1", "s2")

    def test_a_user_of_an_unknown_org_belongs_where_the_classes_are(self, tmp_path: Path) -> None:
        outcome = process(tmp_path, replaced(oneroster_1_1(), "users.csv", "p3,,,true,s2", "p3,,,true,gone"))
        assert outcome.places == []
        assert outcome.rows("students.csv")[2]["location_id"] == "s2"

    @pytest.mark.parametrize(
        ("old", "new", "code", "column", "sent_column"),
        [
            ("cy@school.example", "", "missing-email", "email", "email_address"),
            (",cy,", ",,", "missing-username", "username", "sis_username"),
        ],
    )
    def test_a_missing_address_or_user_name_counts_only_where_the_flow_says_so(
        self, tmp_path: Path, old: str, new: str, code: str, column: str, sent_column: str
    ) -> None:
        files = replaced(oneroster_1_1(), "users.csv", old, new)
        outcome = process(tmp_path, files)
        assert outcome.places == []
        assert outcome.rows("students.csv")[0][sent_column] == ""
        federated = process(tmp_path, files, ConversionOptions(severities={code: "error"}))
        assert federated.report.rejected_by == code
        assert federated.places == [(code, "users.csv", None, column)]

    def test_a_missing_number_is_accepted(self, tmp_path: Path, bundle: Files) -> None:
        outcome = process(tmp_path, replaced(bundle, "users.csv", "P-1", ""))
        assert outcome.places == []
        assert outcome.rows("students.csv")[0]["person_number"] == ""

    @pytest.mark.parametrize(
        ("old", "new", "column"),
        [
            ("P-2,di@school.example", "P-2,Cy@School.example", "email"),
            (",di,", ",cy,", "username"),
            ("P-2", "P-1", "identifier"),
        ],
    )
    def test_one_human_in_two_records_is_said_and_both_are_sent(
        self, tmp_path: Path, bundle: Files, old: str, new: str, column: str
    ) -> None:
        outcome = process(tmp_path, replaced(bundle, "users.csv", old, new))
        assert outcome.places == [("shared-value", "users.csv", 4, column)]
        assert outcome.column("students.csv", "person_id") == ["p1", "p2", "p3"]

    @pytest.mark.parametrize("twins", [("P7", "p7"), ("07", "7"), ("03100500", "3100500")])
    def test_ids_that_differ_by_case_or_leading_zeros_are_said_and_never_altered(
        self, tmp_path: Path, twins: tuple[str, str]
    ) -> None:
        outcome = process(tmp_path, added(oneroster_1_1(), "users.csv", *(student(twin) for twin in twins)))
        assert ("similar-id", "users.csv", 8, "sourcedId") in outcome.places
        assert outcome.column("students.csv", "person_id")[-2:] == list(twins)


class TestUnusualIds:
    """Ids with ``_ . / @``: sent as they are with a warning, or mapped so that they can be read back."""

    def files(self) -> Files:
        return {
            name: str(text)
            .replace("p1,", "994_1001,")
            .replace("c2,", "c.2@x,")
            .replace("s2", "s/2")
            .replace("k2", "k_2")
            for name, text in oneroster_1_1().items()
        }

    def test_they_are_kept_and_counted_by_file(self, tmp_path: Path) -> None:
        outcome = process(tmp_path, self.files())
        assert outcome.totals == [
            (("unusual-id"), name, 1) for name in ("orgs.csv", "users.csv", "courses.csv", "classes.csv")
        ]
        assert {column for *_, column in outcome.places} == {"sourcedId"}
        assert outcome.column("students.csv", "person_id") == ["994_1001", "p2", "p3"]

    def test_mapped_ids_still_meet_their_references(self, tmp_path: Path) -> None:
        outcome = process(tmp_path, self.files(), ConversionOptions(id_policy="map"))
        person, org, group, course = "994-x5F-1001", "s-x2F-2", "c-x2E-2-x40-x", "k-x5F-2"
        assert outcome.column("students.csv", "person_id") == [person, "p2", "p3"]
        assert outcome.column("students.csv", "location_id_2") == ["", org, ""]
        assert outcome.column("locations.csv", "location_id") == ["s1", org]
        assert outcome.column("courses.csv", "course_id") == ["k1", course]
        assert outcome.rows("classes.csv")[1] == {
            "class_id": group,
            "class_number": "Biology, B",
            "course_id": course,
            "instructor_id": "t2",
            "instructor_id_2": "",
            "instructor_id_3": "",
            "location_id": org,
        }
        assert outcome.column("rosters.csv", "student_id") == [person, "p2", "p3"]
        assert outcome.column("rosters.csv", "class_id") == ["c1", "c1", group]
        again = process(tmp_path, outcome.sent)  # Apple's own rules: every reference resolves
        assert again.places == []

    def test_the_ids_of_a_split_course_and_of_made_enrolments_are_mapped_too(self, tmp_path: Path) -> None:
        files = added(self.files(), "classes.csv", "c3,,,Biology C,10,k_2,BIO-C,scheduled,,s1,term2,,,")
        files = replaced(files, "enrollments.csv", "\ne5,", "\n,")
        outcome = process(tmp_path, files, ConversionOptions(id_policy="map"))
        split = ["k-x5F-2-s-x2F-2", "k-x5F-2-s1"]
        assert outcome.column("courses.csv", "course_id") == ["k1", *split]
        assert outcome.column("classes.csv", "course_id") == ["k1", *split]
        assert outcome.column("rosters.csv", "roster_id")[-1] == "c-x2E-2-x40-x-p3"
        assert process(tmp_path, outcome.sent).places == []

    def test_ids_that_look_mapped_already_stay_apart(self, tmp_path: Path) -> None:
        files = added(oneroster_1_1(), "users.csv", student("a_b"), student("a-x5F-b"))
        outcome = process(tmp_path, files, ConversionOptions(id_policy="map"))
        assert outcome.report.accepted
        assert outcome.column("students.csv", "person_id")[-2:] == ["a-x5F-b", "a-x2D-x5F-b"]
