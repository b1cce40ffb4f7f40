"""Which classes, enrolments and courses are sent, and who teaches what (``mapping.md`` rules 7 and 14 to 17)."""

from __future__ import annotations

import polars as pl

from rosterbridge.roster.enrollments import CLASS, USER
from rosterbridge.roster.findings import LINE, Findings
from rosterbridge.roster.formats import INSTRUCTOR_LIMIT
from rosterbridge.roster.links import ROW, flags, row_number
from rosterbridge.roster.oneroster import SCHOOL, OneRoster
from rosterbridge.roster.options import ConversionOptions
from rosterbridge.roster.people import ATTENDS, KIND, STUDENT, TEACHES, choose_people
from rosterbridge.roster.queries import run
from rosterbridge.roster.sheet import LIVE, Sheet

INSTRUCTORS = "_instructors"  # rows of users.csv, in order
TAUGHT_BY = "_taught_by"  # the lines of enrollments.csv that made them instructors


def judge_references(roster: OneRoster, options: ConversionOptions) -> None:
    """End classes without their school, and enrolments and roles without their class or user (rules 14, 17)."""
    classes, enrollments, orgs = roster.classes, roster.enrollments, roster.orgs
    exists = pl.lit(orgs.rows.select(LIVE).to_series()).gather(pl.col(SCHOOL)).fill_null(value=False)
    classes.drop(~exists, "unknown-school", column="schoolSourcedId")
    if options.terms:
        terms = pl.col("termSourcedIds").str.split(",").list.eval(pl.element().str.strip_chars())
        classes.leave_out(terms.list.set_intersection(list(options.terms)).list.len() == 0, "other-term")
    if options.schools:
        classes.leave_out(~pl.col("schoolSourcedId").is_in(list(options.schools)), "other-school")
    enrollments.drop(pl.col("role") == "", "missing-value", column="role")
    _judge_link(enrollments, CLASS, classes, "classSourcedId", "class")
    _judge_link(enrollments, USER, roster.users, "userSourcedId", "user")
    enrollments.leave_out(~(ATTENDS | TEACHES), "other-role")
    if roster.roles is not None:
        _judge_link(roster.roles, USER, roster.users, "userSourcedId", "user")


def _judge_link(sheet: Sheet, link: str, other: Sheet, column: str, thing: str) -> None:
    """End the rows whose ``thing`` does not exist, was dropped, or was left out."""
    sheet.drop(pl.col(link).is_null(), f"unknown-{thing}", column=column)
    _judge_ended(sheet, link, other, column, thing)


def _judge_ended(sheet: Sheet, link: str, other: Sheet, column: str, thing: str) -> None:
    ended = other.rows.select(~LIVE).to_series()
    if not ended.any():
        return
    dropped = other.rows.select(other.is_dropped().fill_null(value=False)).to_series()
    if dropped.any():
        sheet.drop(pl.lit(dropped).gather(pl.col(link)), f"{thing}-dropped", column=column)
    sheet.leave_out(pl.lit(ended).gather(pl.col(link)), f"{thing}-left-out")


def leave_out_empty_classes(roster: OneRoster, options: ConversionOptions) -> None:
    """Find the classes without a student by a trial, and leave them out with their enrolments (rule 14)."""
    trial = roster.copy(Findings())
    choose_people(trial, options)
    judge_rosters(trial)
    attended = trial.enrollments.rows.filter(LIVE & ATTENDS)[CLASS]
    roster.classes.leave_out(~pl.lit(flags(roster.classes.rows.height, attended)), "empty-class")
    _judge_ended(roster.enrollments, CLASS, roster.classes, "classSourcedId", "class")


def judge_rosters(roster: OneRoster) -> None:
    """End enrolments of people who are not sent, or not as that, or who are in the class already (rule 17)."""
    enrollments, users = roster.enrollments, roster.users
    _judge_ended(enrollments, USER, users, "userSourcedId", "user")
    if roster.roles is not None:
        _judge_ended(roster.roles, USER, users, "userSourcedId", "user")
    learns = users.rows.select((pl.col(KIND) == STUDENT).fill_null(value=False)).to_series()
    enrollments.leave_out(ATTENDS & ~pl.lit(learns).gather(pl.col(USER)), "other-role")
    pairs = run(enrollments.rows.lazy().filter(LIVE & ATTENDS).select(LINE, pair=_pair()))
    if pairs["pair"].n_unique() < pairs.height:
        _leave_out_lines(enrollments, pairs.filter(~pl.col("pair").is_first_distinct()), "same-student-again")


def choose_instructors(roster: OneRoster) -> None:
    """Give each class in play its INSTRUCTORS: primary ones first, then by id, at most fifteen (rule 15)."""
    classes, enrollments = roster.classes, roster.enrollments
    teaching = run(enrollments.rows.lazy().filter(LIVE & TEACHES).select(CLASS, USER, "primary", LINE))
    places = _places_by_id(roster.users, teaching[USER])
    order = (~pl.col("primary")).cast(pl.UInt64) * 2**32 + places  # then by LINE, as they are
    teaching = teaching.sort(order, maintain_order=True)
    is_first = teaching.select(_pair().is_first_distinct()).to_series()
    _leave_out_lines(enrollments, teaching.filter(~is_first), "same-instructor-again")
    teaching = teaching.filter(is_first)
    primary = teaching.filter(pl.col("primary"))[CLASS]
    classes.note_count("several-primary-teachers", primary.len() - primary.n_unique())
    chosen = teaching.group_by(CLASS, maintain_order=True).agg(
        pl.col(USER).alias(INSTRUCTORS), pl.col(LINE).alias(TAUGHT_BY)
    )
    crowded = chosen.filter(pl.col(INSTRUCTORS).list.len() > INSTRUCTOR_LIMIT)
    if crowded.height:
        surplus = crowded.select(pl.col(TAUGHT_BY).list.slice(INSTRUCTOR_LIMIT).alias(LINE)).explode(LINE)
        _leave_out_lines(enrollments, surplus, "instructor-limit")
        is_crowded = flags(classes.rows.height, crowded[CLASS])
        classes.note("too-many-instructors", classes.rows.filter(LIVE & pl.lit(is_crowded)))
        chosen = chosen.with_columns(pl.col(INSTRUCTORS, TAUGHT_BY).list.head(INSTRUCTOR_LIMIT))
    numbered = classes.rows.with_columns(row_number())
    classes.rows = numbered.join(chosen, left_on=ROW, right_on=CLASS, how="left", maintain_order="left")


def _places_by_id(sheet: Sheet, links: pl.Series) -> pl.Series:
    """Return for each link the place of its row among the linked ones, by id: numbers are sorted sooner than texts."""
    linked = links.unique()
    ordered = linked[sheet.rows["sourcedId"][linked].arg_sort()]
    places = pl.zeros(sheet.rows.height, pl.UInt32, eager=True)
    return places.scatter(ordered, pl.int_range(ordered.len(), dtype=pl.UInt32, eager=True))[links]


def _pair() -> pl.Expr:
    """Return class and user as one number."""
    return pl.col(CLASS).cast(pl.UInt64) * 2**32 + pl.col(USER)


def _leave_out_lines(sheet: Sheet, rows: pl.DataFrame, reason: str) -> None:
    if rows.height:
        sheet.leave_out(pl.col(LINE).is_in(rows[LINE].implode()), reason)
