"""Which courses are sent, from where, and under which id each class points to its own (``mapping.md`` rule 16)."""

from __future__ import annotations

import polars as pl

from rosterbridge.roster.findings import LINE
from rosterbridge.roster.oneroster import OneRoster
from rosterbridge.roster.options import ConversionOptions
from rosterbridge.roster.people import location_flags, people_flags
from rosterbridge.roster.sheet import among

COURSE = "_course"  # the course_id of a class
CLASS_LINE = "_class_line"  # the line of classes.csv from which a course was made, null for one of courses.csv


def choose_courses(roster: OneRoster, courses: pl.DataFrame, options: ConversionOptions) -> pl.DataFrame:
    """Return the courses to send, as Apple's columns with LINE and CLASS_LINE, and give each class its COURSE.

    ``courses`` are those of ``taught_courses``.
    """
    own = pl.col("orgSourcedId")
    single = pl.when(own.is_in(among(_locations(roster)))).then(own).when(pl.col("schools") == 1).then("school")
    if options.course_location == "district":
        exists = own.is_in(among(roster.orgs.live["sourcedId"]))
        single = single.when(exists).then(own)
    courses = courses.with_columns(single.alias("location_id"))
    split = courses.filter(pl.col("location_id").is_null())[COURSE]
    roster.classes.rows = roster.classes.rows.with_columns(
        pl.when(_course_id().is_in(among(split)))
        .then(pl.concat_str(_course_id(), "schoolSourcedId", separator="-"))
        .otherwise(_course_id())
        .alias(COURSE)
    )
    divided = pl.col("location_id").is_null()
    roster.courses.leave_out(~pl.col("sourcedId").is_in(among(courses[COURSE])), "not-referenced")
    rows = courses.filter(divided | pl.col("first"))
    return rows.select(
        pl.when(divided).then(pl.concat_str(COURSE, "school", separator="-")).otherwise(COURSE).alias("course_id"),
        pl.col("courseCode").alias("course_number"),
        first_filled("title", "courseCode", COURSE).alias("course_name"),
        pl.coalesce("location_id", "school").alias("location_id"),
        LINE,
        CLASS_LINE,
    )


def _locations(roster: OneRoster) -> pl.Series:
    """Return the ids of the orgs that are locations by themselves or because of a person (rule 13)."""
    return roster.orgs.rows.filter(location_flags(roster) | people_flags(roster))["sourcedId"]


def _course_id() -> pl.Expr:
    """Return the course of a class; a class without one has one of its own."""
    made = pl.lit("course-") + pl.col("sourcedId")
    return pl.when(pl.col("courseSourcedId") == "").then(made).otherwise("courseSourcedId")


def taught_courses(roster: OneRoster) -> pl.DataFrame:
    """Return one row for each course and school of the kept classes: listed courses first, then those made here."""
    listed = roster.courses.live.select("sourcedId", "title", "courseCode", "orgSourcedId", LINE)
    taught = roster.classes.live.with_columns(_course_id().alias(COURSE)).select(
        COURSE,
        school="schoolSourcedId",
        class_title=pl.col("title").first().over(COURSE),
        class_line=pl.col(LINE).first().over(COURSE),
    )
    pairs = taught.unique([COURSE, "school"], maintain_order=True, keep="first").with_columns(
        schools=pl.len().over(COURSE),
        first=pl.int_range(pl.len()).over(COURSE) == 0,
        seen=pl.int_range(pl.len()).first().over(COURSE),
    )
    joined = pairs.join(listed, left_on=COURSE, right_on="sourcedId", how="left", maintain_order="left")
    made = pl.col(LINE).is_null()
    return (
        joined.with_columns(
            title=pl.when(made).then("class_title").otherwise("title"),
            courseCode=pl.col("courseCode").fill_null(""),
            orgSourcedId=pl.col("orgSourcedId").fill_null(""),
        )
        .with_columns(pl.when(made).then("class_line").alias(CLASS_LINE))
        .sort(made, pl.col(LINE).fill_null(pl.col("seen")), maintain_order=True)
    )


def first_filled(*columns: str) -> pl.Expr:
    """Return the first value that is not empty."""
    return pl.coalesce(pl.when(pl.col(column) != "").then(pl.col(column)) for column in columns)
