"""Which classes, enrolments and courses are sent, and who teaches what (``mapping.md`` rules 7 and 14 to 17)."""

from __future__ import annotations

import polars as pl

from rosterbridge.roster.findings import LINE, Findings
from rosterbridge.roster.formats import INSTRUCTOR_LIMIT
from rosterbridge.roster.oneroster import OneRoster
from rosterbridge.roster.options import ConversionOptions
from rosterbridge.roster.people import KIND, STUDENT, choose_people, school_ids
from rosterbridge.roster.sheet import Sheet, among

INSTRUCTORS = "_instructors"
COURSE = "_course"


def judge_references(roster: OneRoster, options: ConversionOptions) -> None:
    """End classes without their school, and enrolments and roles without their class or user (rules 14, 17)."""
    classes, enrollments = roster.classes, roster.enrollments
    school = pl.col("schoolSourcedId")
    classes.drop(~school.is_in(among(roster.orgs.ids())), "unknown-school", column="schoolSourcedId")
    if options.terms:
        terms = pl.col("termSourcedIds").str.split(",").list.eval(pl.element().str.strip_chars())
        classes.leave_out(terms.list.set_intersection(list(options.terms)).list.len() == 0, "other-term")
    if options.schools:
        classes.leave_out(~school.is_in(list(options.schools)), "other-school")
    enrollments.drop(pl.col("role") == "", "missing-value", column="role")
    _judge_reference(enrollments, "classSourcedId", classes, "class")
    _judge_reference(enrollments, "userSourcedId", roster.users, "user")
    enrollments.leave_out(~pl.col("role").is_in(["student", "teacher"]), "other-role")
    if roster.roles is not None:
        _judge_reference(roster.roles, "userSourcedId", roster.users, "user")


def _judge_reference(sheet: Sheet, column: str, other: Sheet, thing: str) -> None:
    """End the rows whose ``thing`` does not exist, was dropped, or was left out."""
    reference = pl.col(column)
    sheet.drop(~reference.is_in(among(other.rows["sourcedId"])), f"unknown-{thing}", column=column)
    _judge_ended(sheet, column, other, thing)


def _judge_ended(sheet: Sheet, column: str, other: Sheet, thing: str) -> None:
    gone = ~pl.col(column).is_in(among(other.ids()))
    sheet.drop(gone & pl.col(column).is_in(among(other.ids(dropped=True))), f"{thing}-dropped", column=column)
    sheet.leave_out(gone, f"{thing}-left-out")


def leave_out_empty_classes(roster: OneRoster, options: ConversionOptions) -> None:
    """Find the classes without a student by a trial, and leave them out with their enrolments (rule 14)."""
    trial = roster.copy(Findings())
    choose_people(trial, options)
    judge_rosters(trial)
    attended = trial.enrollments.live.filter(pl.col("role") == "student")["classSourcedId"]
    roster.classes.leave_out(~pl.col("sourcedId").is_in(among(attended)), "empty-class")
    _judge_ended(roster.enrollments, "classSourcedId", roster.classes, "class")


def judge_rosters(roster: OneRoster) -> None:
    """End enrolments of people who are not sent, or not as that, or who are in the class already (rule 17)."""
    enrollments, users = roster.enrollments, roster.users
    _judge_ended(enrollments, "userSourcedId", users, "user")
    if roster.roles is not None:
        _judge_ended(roster.roles, "userSourcedId", users, "user")
    students = users.live.filter(pl.col(KIND) == STUDENT)["sourcedId"]
    attends = pl.col("role") == "student"
    enrollments.leave_out(attends & ~pl.col("userSourcedId").is_in(among(students)), "other-role")
    _leave_out_lines(enrollments, _again(enrollments.live.filter(attends)), "same-student-again")


def choose_instructors(roster: OneRoster) -> None:
    """Give each class in play its INSTRUCTORS: primary ones first, then by id, at most fifteen (rule 15)."""
    classes, enrollments = roster.classes, roster.enrollments
    teaching = enrollments.live.filter(pl.col("role") == "teacher").sort(
        pl.col("primary") != "true", "userSourcedId", LINE
    )
    _leave_out_lines(enrollments, _again(teaching), "same-instructor-again")
    teaching = teaching.unique(["classSourcedId", "userSourcedId"], maintain_order=True, keep="first").with_columns(
        place=pl.int_range(pl.len()).over("classSourcedId")
    )
    surplus = teaching.filter(pl.col("place") >= INSTRUCTOR_LIMIT)
    _leave_out_lines(enrollments, surplus, "instructor-limit")
    crowded = classes.live.filter(pl.col("sourcedId").is_in(among(surplus["classSourcedId"])))
    classes.note("too-many-instructors", crowded)
    chosen = (
        teaching.filter(pl.col("place") < INSTRUCTOR_LIMIT)
        .group_by("classSourcedId", maintain_order=True)
        .agg(pl.col("userSourcedId").alias(INSTRUCTORS))
    )
    classes.rows = classes.rows.join(
        chosen, left_on="sourcedId", right_on="classSourcedId", how="left", maintain_order="left"
    )


def _again(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(~pl.struct("classSourcedId", "userSourcedId").is_first_distinct())


def _leave_out_lines(sheet: Sheet, rows: pl.DataFrame, reason: str) -> None:
    if rows.height:
        sheet.leave_out(pl.col(LINE).is_in(rows[LINE].implode()), reason)


def choose_courses(roster: OneRoster, places: pl.Series, options: ConversionOptions) -> pl.DataFrame:
    """Return the courses to send, as Apple's columns, and give each class in play its COURSE (rule 16).

    ``places`` are the orgs that are locations because of a person.
    """
    named = pl.when(pl.col("courseSourcedId") == "").then(pl.lit("course-") + pl.col("sourcedId"))
    roster.classes.rows = roster.classes.rows.with_columns(named.otherwise("courseSourcedId").alias(COURSE))
    courses = _taught_courses(roster)
    locations = pl.concat([school_ids(roster), places])
    own = pl.col("orgSourcedId")
    single = pl.when(own.is_in(among(locations))).then(own).when(pl.col("schools") == 1).then(pl.col("school"))
    if options.course_location == "district":
        single = single.when(own.is_in(among(roster.orgs.ids()))).then(own)
    courses = courses.with_columns(single.alias("location_id"))
    split = courses.filter(pl.col("location_id").is_null())[COURSE]
    roster.classes.rows = roster.classes.rows.with_columns(
        pl.when(pl.col(COURSE).is_in(among(split)))
        .then(pl.concat_str(COURSE, "schoolSourcedId", separator="-"))
        .otherwise(COURSE)
        .alias(COURSE)
    )
    divided = pl.col("location_id").is_null()
    roster.courses.leave_out(~pl.col("sourcedId").is_in(among(courses[COURSE])), "not-referenced")
    rows = courses.filter(divided | pl.col("first"))
    return rows.select(
        course_id=pl.when(divided).then(pl.concat_str(COURSE, "school", separator="-")).otherwise(COURSE),
        course_number="courseCode",
        course_name=first_filled("title", "courseCode", COURSE),
        location_id=pl.coalesce("location_id", "school"),
    )


def _taught_courses(roster: OneRoster) -> pl.DataFrame:
    """Return one row for each course and school of the kept classes: listed courses first, then those made here."""
    listed = roster.courses.live.select(
        "sourcedId", "title", "courseCode", "orgSourcedId", order=pl.int_range(pl.len(), dtype=pl.Int64)
    )
    taught = roster.classes.live.select(COURSE, school="schoolSourcedId", class_title="title").with_columns(
        class_title=pl.col("class_title").first().over(COURSE)
    )
    pairs = taught.unique([COURSE, "school"], maintain_order=True, keep="first").with_columns(
        schools=pl.len().over(COURSE),
        first=pl.int_range(pl.len()).over(COURSE) == 0,
        seen=pl.int_range(pl.len()).first().over(COURSE),
    )
    joined = pairs.join(listed, left_on=COURSE, right_on="sourcedId", how="left", maintain_order="left")
    made = pl.col("order").is_null()
    return joined.with_columns(
        title=pl.when(made).then("class_title").otherwise("title"),
        courseCode=pl.col("courseCode").fill_null(""),
        orgSourcedId=pl.col("orgSourcedId").fill_null(""),
    ).sort(made, pl.col("order").fill_null(pl.col("seen")), maintain_order=True)


def first_filled(*columns: str) -> pl.Expr:
    """Return the first value that is not empty."""
    return pl.coalesce(pl.when(pl.col(column) != "").then(pl.col(column)) for column in columns)
