"""Who is sent, as what, and where each person belongs: mapping.md rules 8 to 12."""

from __future__ import annotations

from pathlib import Path

import pytest

from rosterbridge.roster import ConversionOptions
from tests.support.rosters import Files, added, oneroster_1_1, oneroster_1_2, process, replaced


def test_guardians_are_never_sent(tmp_path: Path, bundle: Files) -> None:
    outcome = process(tmp_path, bundle, ConversionOptions(staff_roles=("teacher", "aide")))
    sent = outcome.column("students.csv", "person_id") + outcome.column("staff.csv", "person_id")
    assert "g1" not in sent


def test_further_staff_roles_by_option(tmp_path: Path, bundle: Files) -> None:
    files = replaced(bundle, "roles.csv" if "roles.csv" in bundle else "users.csv", "parent", "Administrator")
    assert len(process(tmp_path, files).rows("staff.csv")) == 2
    more = process(tmp_path, files, ConversionOptions(staff_roles=("teacher", "administrator")))
    assert more.column("staff.csv", "person_id") == ["t1", "t2", "g1"]


def test_who_teaches_a_class_is_staff_whatever_the_role(tmp_path: Path, bundle: Files) -> None:
    outcome = process(tmp_path, added(bundle, "enrollments.csv", "e7,,,c2,s2,g1,teacher,,,"))
    assert outcome.column("staff.csv", "person_id") == ["t1", "t2", "g1"]


def test_a_student_who_teaches_is_staff_and_a_teacher_who_does_not_is_a_student(tmp_path: Path) -> None:
    files = added(oneroster_1_2(), "roles.csv", "r8,,,p1,secondary,teacher,,,s1,", "r9,,,t1,secondary,student,,,s1,")
    outcome = process(tmp_path, files)
    assert outcome.column("staff.csv", "person_id") == ["t1", "t2"]
    assert outcome.column("students.csv", "person_id") == ["p1", "p2", "p3"]
    assert outcome.found == [("student-and-staff", "users.csv", 2), ("student-and-staff", "users.csv", 4)]


def test_preferred_names_where_filled(tmp_path: Path) -> None:
    assert process(tmp_path, oneroster_1_2()).column("students.csv", "first_name") == ["Cy", "Di", "Ed"]
    preferred = process(tmp_path, oneroster_1_2(), ConversionOptions(names="preferred"))
    assert preferred.column("students.csv", "first_name") == ["Cyrus", "Di", "Ed"]


@pytest.mark.parametrize(
    ("grades", "level"), [("09", "9"), ("KG", "KG"), ('"08,09"', "8"), ("10", "10"), ("", ""), ("Other", "Other")]
)
def test_grade_level(tmp_path: Path, grades: str, level: str) -> None:
    outcome = process(tmp_path, replaced(oneroster_1_1(), "users.csv", "g1,09,", f"g1,{grades},"))
    assert outcome.column("students.csv", "grade_level")[0] == level


def test_password_policy_by_option(tmp_path: Path, bundle: Files) -> None:
    outcome = process(tmp_path, bundle, ConversionOptions(password_policy="6"))
    assert set(outcome.column("students.csv", "password_policy")) == {"6"}


def test_locations_are_own_orgs_then_the_schools_of_classes(tmp_path: Path, bundle: Files) -> None:
    rows = {row["person_id"]: row for row in process(tmp_path, bundle).rows("staff.csv")}
    assert (rows["t2"]["location_id"], rows["t2"]["location_id_2"]) == ("s2", "s1")
    assert (rows["t1"]["location_id"], rows["t1"]["location_id_2"]) == ("s1", "")


def test_primary_roles_come_before_others(tmp_path: Path) -> None:
    row = process(tmp_path, oneroster_1_2()).rows("students.csv")[1]
    assert (row["location_id"], row["location_id_2"]) == ("s1", "s2")


def test_a_district_is_a_location_only_for_who_has_nothing_else(tmp_path: Path) -> None:
    files = replaced(oneroster_1_1(), "users.csv", "t2,,,true,s2", "t2,,,true,d1")
    assert process(tmp_path, files).column("locations.csv", "location_id") == ["s1", "s2"]
    files = added(files, "users.csv", "t3,,,true,d1,teacher,gil,,Gil,Dahl,,,,,,,,")
    outcome = process(tmp_path, files)
    assert outcome.rows("staff.csv")[2]["location_id"] == "d1"
    assert outcome.column("locations.csv", "location_id") == ["d1", "s1", "s2"]


def test_who_belongs_nowhere_is_dropped_with_an_error(tmp_path: Path) -> None:
    files = added(oneroster_1_1(), "users.csv", "p4,,,true,nowhere,student,hal,,Hal,Nord,,,,,,,,")
    outcome = process(tmp_path, files, ConversionOptions(max_dropped=0.5))
    assert outcome.found == [("person-without-location", "users.csv", 8)]
    assert outcome.report.counts["users.csv"].dropped == 1


def test_a_person_without_a_name_is_dropped_but_a_parent_without_one_is_nobodys_business(tmp_path: Path) -> None:
    files = replaced(oneroster_1_1(), "users.csv", "Ed,Ek", ",Ek")
    files = replaced(files, "users.csv", "Fay,Holm", "Fay,")
    outcome = process(tmp_path, files, ConversionOptions(max_dropped=0.5))
    assert outcome.found == [("missing-value", "users.csv", 6), ("user-dropped", "enrollments.csv", 6)]
    assert outcome.report.entries[0].column == "givenName"


def test_who_has_no_role_is_left_out_and_named_but_not_who_had_one(tmp_path: Path) -> None:
    files = replaced(
        oneroster_1_2(), "roles.csv", "r6,,,p3,primary,student,,,s2", "r6,,,p3,primary,student,,2026-06-10,s2"
    )
    files = replaced(files, "roles.csv", "r7,,,g1,primary,parent,,,s1,\n", "")
    outcome = process(tmp_path, files, ConversionOptions(ended="drop"))
    assert outcome.column("students.csv", "person_id") == ["p1", "p2"]
    assert outcome.report.counts["users.csv"].reasons == {"user-without-role": 2}
    assert {total.code: total.count for total in outcome.report.totals} == {"user-without-role": 1}
