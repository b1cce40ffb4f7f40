"""Classes, instructors, courses and rosters: mapping.md rules 13 to 17."""

from __future__ import annotations

from pathlib import Path

from rosterbridge.roster import ConversionOptions
from tests.support.rosters import Files, added, oneroster_1_1, process, replaced, without_lines


def test_a_class_without_its_school_is_dropped_with_its_enrolments(tmp_path: Path, bundle: Files) -> None:
    files = replaced(bundle, "classes.csv", "scheduled,,s2", "scheduled,,s9")
    outcome = process(tmp_path, files, ConversionOptions(max_dropped=0.5))
    assert outcome.column("classes.csv", "class_id") == ["c1"]
    assert outcome.found[:2] == [("unknown-school", "classes.csv", 3), ("class-dropped", "enrollments.csv", 6)]


def test_empty_classes_are_kept_unless_the_flow_drops_them(tmp_path: Path, bundle: Files) -> None:
    text = bundle["enrollments.csv"]
    assert isinstance(text, str)
    files: Files = {**bundle, "enrollments.csv": without_lines(text, "e5,")}
    assert process(tmp_path, files).column("classes.csv", "class_id") == ["c1", "c2"]
    dropped = process(tmp_path, files, ConversionOptions(empty_classes="drop"))
    assert dropped.column("classes.csv", "class_id") == ["c1"]
    assert dropped.report.counts["classes.csv"].reasons == {"empty-class": 1}


def test_the_primary_teacher_stands_first_then_by_id(tmp_path: Path, bundle: Files) -> None:
    files = added(bundle, "enrollments.csv", "e7,,,c1,s1,g1,teacher,no,,")
    row = process(tmp_path, files).rows("classes.csv")[0]
    assert [row["instructor_id"], row["instructor_id_2"], row["instructor_id_3"]] == ["t1", "g1", "t2"]


def test_more_than_three_get_columns_and_more_than_fifteen_are_left_out(tmp_path: Path) -> None:
    files = oneroster_1_1()
    for number in range(20):
        files = added(files, "users.csv", f"x{number:02},,,true,s1,teacher,user{number},,X,Y,,,,,,,,")
        files = added(files, "enrollments.csv", f"ex{number},,,c1,s1,x{number:02},teacher,,,")
    outcome = process(tmp_path, files)
    row = outcome.rows("classes.csv")[0]
    assert list(row)[6:] == ["location_id", *(f"instructor_id_{number}" for number in range(4, 16))]
    assert row["instructor_id_15"] == "x12"
    assert outcome.found == [("too-many-instructors", "classes.csv", 2)]
    assert outcome.report.counts["enrollments.csv"].reasons["instructor-limit"] == 7


def test_a_course_of_the_district_belongs_to_the_one_school_of_its_classes(tmp_path: Path, bundle: Files) -> None:
    rows = process(tmp_path, bundle).rows("courses.csv")
    assert [(row["course_id"], row["location_id"]) for row in rows] == [("k1", "s1"), ("k2", "s2")]


def test_a_course_taught_at_two_schools_is_split(tmp_path: Path, bundle: Files) -> None:
    files = added(bundle, "classes.csv", "c3,,,Biology C,10,k2,BIO-C,scheduled,,s1,term2,,,")
    outcome = process(tmp_path, files)
    assert outcome.column("courses.csv", "course_id") == ["k1", "k2-s2", "k2-s1"]
    assert outcome.column("courses.csv", "location_id") == ["s1", "s2", "s1"]
    assert outcome.column("classes.csv", "course_id") == ["k1", "k2-s2", "k2-s1"]


def test_or_belongs_to_the_district_by_option(tmp_path: Path, bundle: Files) -> None:
    files = added(bundle, "classes.csv", "c3,,,Biology C,10,k2,BIO-C,scheduled,,s1,term2,,,")
    outcome = process(tmp_path, files, ConversionOptions(course_location="district"))
    assert outcome.column("courses.csv", "location_id") == ["s1", "d1"]
    assert "d1" in outcome.column("locations.csv", "location_id")


def test_a_course_that_is_not_listed_is_made_from_its_first_class(tmp_path: Path, bundle: Files) -> None:
    files = replaced(bundle, "classes.csv", "k2", "k7")
    files = added(files, "classes.csv", "c3,,,Later,10,k7,,scheduled,,s2,term2,,,")
    assert process(tmp_path, files).rows("courses.csv")[1] == {
        "course_id": "k7",
        "course_number": "",
        "course_name": "Biology, B",
        "location_id": "s2",
    }


def test_a_class_without_a_course_gets_its_own(tmp_path: Path, bundle: Files) -> None:
    outcome = process(tmp_path, replaced(bundle, "classes.csv", "k2", ""))
    assert outcome.column("courses.csv", "course_id") == ["k1", "course-c2"]
    assert outcome.column("classes.csv", "course_id") == ["k1", "course-c2"]


def test_a_course_without_a_title_is_named_by_its_code_else_its_id(tmp_path: Path, bundle: Files) -> None:
    files = replaced(bundle, "courses.csv", "Algebra,ALG", ",ALG")
    files = replaced(files, "courses.csv", "Biology,BIO", ",")
    assert process(tmp_path, files).column("courses.csv", "course_name") == ["ALG", "k2"]


def test_a_student_twice_in_a_class_is_sent_once(tmp_path: Path, bundle: Files) -> None:
    outcome = process(tmp_path, added(bundle, "enrollments.csv", "e7,,,c1,s1,p1,student,,,"))
    assert outcome.column("rosters.csv", "roster_id") == ["e3", "e4", "e5"]
    assert outcome.report.counts["enrollments.csv"].reasons == {"same-student-again": 1}


def test_an_enrolment_without_an_id_gets_one(tmp_path: Path, bundle: Files) -> None:
    outcome = process(tmp_path, replaced(bundle, "enrollments.csv", "e5,", ","))
    assert outcome.column("rosters.csv", "roster_id") == ["e3", "e4", "c2-p3"]


def test_enrolments_of_nobody_or_nothing_are_dropped(tmp_path: Path, bundle: Files) -> None:
    files = added(bundle, "enrollments.csv", "e7,,,c9,s1,p1,student,,,", "e8,,,c1,s1,p9,student,,,")
    outcome = process(tmp_path, files, ConversionOptions(max_dropped=0.5))
    assert outcome.found == [("unknown-class", "enrollments.csv", 8), ("unknown-user", "enrollments.csv", 9)]
    assert len(outcome.rows("rosters.csv")) == 3


def test_administrators_and_proctors_of_a_class_are_left_out(tmp_path: Path, bundle: Files) -> None:
    outcome = process(tmp_path, added(bundle, "enrollments.csv", "e7,,,c1,s1,t1,proctor,,,"))
    assert outcome.report.counts["enrollments.csv"].reasons == {"other-role": 1}
