"""OneRoster to Apple School Manager: from sheets to the six tables that Apple gets (``mapping.md``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import polars as pl

from rosterbridge.roster import classes, courses, people
from rosterbridge.roster.courses import COURSE, first_filled
from rosterbridge.roster.enrollments import CLASS, UNUSUAL, UNUSUAL_ID, USER
from rosterbridge.roster.findings import LINE, Findings
from rosterbridge.roster.formats import ASM, CLASSES, COURSES, LOCATIONS, ROSTERS, STAFF, STUDENTS, AsmFile
from rosterbridge.roster.identifiers import mapped
from rosterbridge.roster.links import flags
from rosterbridge.roster.oneroster import SCHOOL, OneRoster
from rosterbridge.roster.options import ConversionOptions
from rosterbridge.roster.people import KIND, MORE_PLACES, PLACE, STAFF_MEMBER, STUDENT
from rosterbridge.roster.sheet import LIVE, Sheet, among

SLICE_ROWS = 262_144


@dataclass(frozen=True)
class AsmTable:
    """One of Apple's files: its columns, and the lines of the source from which each row came.

    Columns of ``ids`` hold row numbers in place of ids until they are written.
    """

    rows: pl.DataFrame
    columns: tuple[str, ...]
    ids: Mapping[str, pl.Series] = field(default_factory=dict)

    @property
    def height(self) -> int:
        """How many rows Apple gets."""
        return self.rows.height

    def slices(self) -> Iterator[pl.DataFrame]:
        """Yield the rows as they are written, a bounded number at a time; at least once, for the header."""
        written = [
            pl.lit(self.ids[column]).gather(pl.col(column)).alias(column) if column in self.ids else pl.col(column)
            for column in self.columns
        ]
        for rows in self.rows.iter_slices(SLICE_ROWS) if self.height else [self.rows]:
            yield rows.select(written)


def convert_roster(roster: OneRoster, options: ConversionOptions, findings: Findings) -> dict[str, AsmTable]:
    """Return Apple's six tables, in the order of the source's rows; every source row gets its end."""
    classes.judge_references(roster, options)
    if options.empty_classes == "drop":
        classes.leave_out_empty_classes(roster, options)
    people.choose_people(roster, options)
    classes.judge_rosters(roster)
    classes.choose_instructors(roster)
    chosen = courses.choose_courses(roster, options)
    _leave_out_orgs(roster, chosen)
    _judge_ids(roster)
    if options.id_policy == "map":
        chosen = _map_ids(roster, chosen)
    tables = {
        STUDENTS: _people(roster, STUDENT, options),
        STAFF: _people(roster, STAFF_MEMBER, options),
        COURSES: AsmTable(chosen, ASM[COURSES].columns),
        CLASSES: _classes(roster),
        ROSTERS: _rosters(roster),
        LOCATIONS: _locations(roster),
    }
    _judge_made_ids(roster, tables, findings)
    return tables


def _people(roster: OneRoster, kind: str, options: ConversionOptions) -> AsmTable:
    file = ASM[STUDENTS if kind == STUDENT else STAFF]
    rows = (
        roster.users.rows.lazy()
        .filter(LIVE & (pl.col(KIND) == kind))
        .select(
            pl.col("sourcedId").alias("person_id"),
            pl.col("identifier").alias("person_number"),
            pl.col("givenName").alias("first_name"),
            pl.col("middleName").alias("middle_name"),
            pl.col("familyName").alias("last_name"),
            people.grade_level().alias("grade_level"),
            pl.col("email").alias("email_address"),
            pl.col("username").alias("sis_username"),
            pl.lit(options.password_policy).alias("password_policy"),
            pl.col(PLACE).alias("location_id"),
            MORE_PLACES,
            LINE,
        )
        .collect()
    )
    further = _further(rows, MORE_PLACES, file, shown=1)
    ids = dict.fromkeys(["location_id", *further.columns], roster.orgs.rows["sourcedId"])
    return AsmTable(rows.with_columns(further).drop(MORE_PLACES), (*file.columns, *further.columns), ids)


def _classes(roster: OneRoster) -> AsmTable:
    file = ASM[CLASSES]
    rows = roster.classes.live
    first = [_nth(classes.INSTRUCTORS, number) for number in range(3)]
    rows = rows.select(
        pl.col("sourcedId").alias("class_id"),
        first_filled("classCode", "title").alias("class_number"),
        pl.col(COURSE).alias("course_id"),
        first[0].alias("instructor_id"),
        first[1].alias("instructor_id_2"),
        first[2].alias("instructor_id_3"),
        pl.col(SCHOOL).alias("location_id"),
        classes.INSTRUCTORS,
        classes.TAUGHT_BY,
        LINE,
    )
    further = _further(rows, classes.INSTRUCTORS, file, shown=0)
    instructors = [column for column in (*file.columns, *further.columns) if column.startswith("instructor_id")]
    ids = {
        "location_id": roster.orgs.rows["sourcedId"],
        **dict.fromkeys(instructors, roster.users.rows["sourcedId"]),
    }
    return AsmTable(rows.with_columns(further).drop(classes.INSTRUCTORS), (*file.columns, *further.columns), ids)


def _nth(column: str, place: int) -> pl.Expr:
    """Return an item of a list, or nothing where the list is shorter."""
    return pl.col(column).list.get(place, null_on_oob=True)


def _further(rows: pl.DataFrame, column: str, file: AsmFile, shown: int) -> pl.DataFrame:
    """Return the numbered columns that the longest list needs; ``shown`` items of it stand in no list."""
    longest = shown + (rows.select(pl.col(column).list.len().max()).item() or 0)
    names = enumerate(file.repeats(longest), file.repeats_from - 1 - shown)
    return rows.select(_nth(column, place).alias(name) for place, name in names)


def _rosters(roster: OneRoster) -> AsmTable:
    enrollments, users = roster.enrollments.rows, roster.users.rows["sourcedId"]
    class_ids = roster.classes.rows["sourcedId"]
    rows = (
        enrollments.lazy()
        .filter(LIVE & people.ATTENDS)
        .select(
            pl.col("sourcedId").alias("roster_id"),
            pl.col(CLASS).alias("class_id"),
            pl.col(USER).alias("student_id"),
            LINE,
        )
        .collect()
    )
    unnamed = rows.select((pl.col("roster_id") == "").any()).item()
    if unnamed:
        made = pl.concat_str(
            pl.lit(class_ids).gather(pl.col("class_id")), pl.lit(users).gather(pl.col("student_id")), separator="-"
        )
        rows = rows.with_columns(
            pl.when(pl.col("roster_id") == "").then(made).otherwise("roster_id").alias("roster_id")
        )
    return AsmTable(rows, ASM[ROSTERS].columns, {"class_id": class_ids, "student_id": users})


def _leave_out_orgs(roster: OneRoster, chosen: pl.DataFrame) -> None:
    """Leave out the orgs to which no sent row refers (rule 13)."""
    orgs, users = roster.orgs.rows, roster.users.live.select(PLACE, MORE_PLACES)
    by_rows = (
        flags(orgs.height, users[PLACE])
        | flags(orgs.height, users[MORE_PLACES].drop_nulls().explode())
        | flags(orgs.height, roster.classes.live[SCHOOL])
    )
    referenced = pl.lit(by_rows) | pl.col("sourcedId").is_in(among(chosen["location_id"]))
    roster.orgs.leave_out(~referenced, "not-referenced")


def _locations(roster: OneRoster) -> AsmTable:
    rows = roster.orgs.live.select(
        pl.col("sourcedId").alias("location_id"),
        first_filled("name", "identifier", "sourcedId").alias("location_name"),
        LINE,
    )
    return AsmTable(rows, ASM[LOCATIONS].columns)


def _judge_ids(roster: OneRoster) -> None:
    """Warn of ids that Apple's guide does not allow (rule 20)."""
    for sheet in (roster.orgs, roster.users, roster.courses, roster.classes):
        unusual = LIVE & pl.col("sourcedId").str.contains(UNUSUAL_ID)
        sheet.note_count("unusual-id", _count(sheet, unusual), column="sourcedId")
    enrollments = roster.enrollments
    enrollments.note_count("unusual-id", _count(enrollments, LIVE & pl.col(UNUSUAL)), column="sourcedId")


def _count(sheet: Sheet, condition: pl.Expr) -> int:
    return int(sheet.rows.select(condition.sum()).item())


def _map_ids(roster: OneRoster, chosen: pl.DataFrame) -> pl.DataFrame:
    """Write every id in the characters of Apple's guide; returns the courses so (rule 20)."""
    for sheet in (roster.orgs, roster.users, roster.classes, roster.enrollments):
        sheet.rows = sheet.rows.with_columns(mapped("sourcedId"))
    roster.classes.rows = roster.classes.rows.with_columns(mapped(COURSE))
    return chosen.with_columns(mapped("course_id"), mapped("location_id"))


def _judge_made_ids(roster: OneRoster, tables: dict[str, AsmTable], findings: Findings) -> None:
    """Refuse ids made here that meet others; enrolments with an id of their own were compared at reading."""
    rosters = roster.enrollments.rows
    made = rosters.select((LIVE & (pl.col("sourcedId") == "")).any()).item()
    for name in (COURSES, ROSTERS) if made else (COURSES,):
        key = ASM[name].key
        if tables[name].rows[key].is_duplicated().any():
            findings.add("made-id-clash", file=name, column=key)
