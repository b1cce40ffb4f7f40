"""OneRoster to Apple School Manager: from sheets to the six frames that Apple gets (``mapping.md``)."""

from __future__ import annotations

import polars as pl

from rosterbridge.roster import classes, people
from rosterbridge.roster.findings import Findings
from rosterbridge.roster.formats import ASM, CLASSES, COURSES, LOCATIONS, ROSTERS, STAFF, STUDENTS, AsmFile
from rosterbridge.roster.oneroster import OneRoster
from rosterbridge.roster.options import ConversionOptions
from rosterbridge.roster.people import KIND, PLACES, STAFF_MEMBER, STUDENT
from rosterbridge.roster.sheet import among

USUAL_ID = r"^[0-9A-Za-z-]+$"  # Apple's guide: alphanumeric and hyphen


def convert_roster(roster: OneRoster, options: ConversionOptions, findings: Findings) -> dict[str, pl.DataFrame]:
    """Return Apple's six files as frames, in the order of the source's rows; every source row gets its end."""
    classes.judge_references(roster, options)
    if options.empty_classes == "drop":
        classes.leave_out_empty_classes(roster, options)
    people.choose_people(roster, options)
    classes.judge_rosters(roster)
    classes.choose_instructors(roster)
    places = roster.users.live[PLACES].explode().drop_nulls()
    courses = classes.choose_courses(roster, places, options)
    frames = {
        STUDENTS: _people(roster, STUDENT, options),
        STAFF: _people(roster, STAFF_MEMBER, options),
        COURSES: courses,
        CLASSES: _classes(roster),
        ROSTERS: _rosters(roster),
    }
    frames[LOCATIONS] = _locations(roster, frames)
    _judge_ids(roster, frames, findings)
    return {name: frames[name] for name in ASM}


def _people(roster: OneRoster, kind: str, options: ConversionOptions) -> pl.DataFrame:
    file = ASM[STUDENTS if kind == STUDENT else STAFF]
    rows = roster.users.live.filter(pl.col(KIND) == kind).with_columns(
        person_id="sourcedId",
        person_number="identifier",
        first_name="givenName",
        middle_name="middleName",
        last_name="familyName",
        grade_level=people.grade_level(),
        email_address="email",
        sis_username="username",
        password_policy=pl.lit(options.password_policy),
        location_id=_nth(PLACES, 1),
    )
    return rows.select(*file.columns, *_further(rows, PLACES, file))


def _classes(roster: OneRoster) -> pl.DataFrame:
    file = ASM[CLASSES]
    rows = roster.classes.live.with_columns(
        class_id="sourcedId",
        class_number=classes.first_filled("classCode", "title"),
        course_id=classes.COURSE,
        location_id="schoolSourcedId",
        instructor_id=_nth(classes.INSTRUCTORS, 1),
        instructor_id_2=_nth(classes.INSTRUCTORS, 2),
        instructor_id_3=_nth(classes.INSTRUCTORS, 3),
    )
    return rows.select(*file.columns, *_further(rows, classes.INSTRUCTORS, file))


def _nth(column: str, number: int) -> pl.Expr:
    """Return an item of a list, counted from one, or nothing where the list is shorter."""
    return pl.col(column).list.get(number - 1, null_on_oob=True)


def _further(rows: pl.DataFrame, column: str, file: AsmFile) -> list[pl.Expr]:
    """Return the numbered columns that the longest list of ``column`` needs."""
    longest = rows.select(pl.col(column).list.len().max()).item() or 0
    names = enumerate(file.repeats(longest), file.repeats_from)
    return [_nth(column, number).alias(name) for number, name in names]


def _rosters(roster: OneRoster) -> pl.DataFrame:
    made = pl.concat_str("classSourcedId", "userSourcedId", separator="-")
    return roster.enrollments.live.filter(pl.col("role") == "student").select(
        roster_id=pl.when(pl.col("sourcedId") == "").then(made).otherwise("sourcedId"),
        class_id="classSourcedId",
        student_id="userSourcedId",
    )


def _locations(roster: OneRoster, frames: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Return the orgs that a sent row refers to (rule 13)."""
    referenced = pl.concat(
        [
            roster.users.live[PLACES].explode(),
            frames[COURSES]["location_id"],
            frames[CLASSES]["location_id"],
        ]
    )
    roster.orgs.leave_out(~pl.col("sourcedId").is_in(among(referenced)), "not-referenced")
    return roster.orgs.live.select(
        location_id="sourcedId", location_name=classes.first_filled("name", "identifier", "sourcedId")
    )


def _judge_ids(roster: OneRoster, frames: dict[str, pl.DataFrame], findings: Findings) -> None:
    """Warn of ids that Apple's guide does not allow (rule 20), and refuse made ids that meet others."""
    for sheet in (roster.orgs, roster.users, roster.courses, roster.classes, roster.enrollments):
        ids = sheet.ids()
        unusual = ids.filter((ids != "") & ~ids.str.contains(USUAL_ID))
        sheet.note_count("unusual-id", unusual.len(), column="sourcedId")
    for name in (COURSES, ROSTERS):
        if frames[name][ASM[name].key].is_duplicated().any():
            findings.add("made-id-clash", file=name, column=ASM[name].key)
