"""OneRoster to Apple School Manager: from sheets to the six tables that Apple gets (``mapping.md``)."""

from __future__ import annotations

import polars as pl

from rosterbridge.roster import classes, courses, people
from rosterbridge.roster.courses import CLASS_LINE, COURSE, first_filled
from rosterbridge.roster.deviations import note_missing, note_same_names, note_shared_values, note_similar_ids
from rosterbridge.roster.enrollments import CLASS, UNUSUAL, UNUSUAL_ID, USER
from rosterbridge.roster.findings import LINE, Findings
from rosterbridge.roster.formats import (
    ASM,
    CLASSES,
    COURSES,
    ENROLLMENTS,
    LOCATIONS,
    ORGS,
    ROLES,
    ROSTERS,
    STAFF,
    STUDENTS,
    USERS,
    AsmFile,
)
from rosterbridge.roster.identifiers import mapped
from rosterbridge.roster.links import ROW, flags
from rosterbridge.roster.oneroster import SCHOOL, OneRoster
from rosterbridge.roster.options import ConversionOptions
from rosterbridge.roster.people import KIND, MORE_PLACES, PLACE, STAFF_MEMBER, STUDENT
from rosterbridge.roster.sheet import LIVE, Sheet, among
from rosterbridge.roster.tables import AsmTable

ROLE_LINES = "_role_lines"


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
    _note_deviations(roster, findings)
    if options.id_policy == "map":
        chosen = _map_ids(roster, chosen)
    tables = {
        STUDENTS: _people(roster, STUDENT, options),
        STAFF: _people(roster, STAFF_MEMBER, options),
        COURSES: AsmTable(chosen, ASM[COURSES].columns, {COURSES: LINE, CLASSES: CLASS_LINE}),
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
            ROW,
            LINE,
        )
        .collect()
    )
    further = _further(rows, MORE_PLACES, file, shown=1)
    ids = dict.fromkeys(["location_id", *further.columns], roster.orgs.rows["sourcedId"])
    sources = {USERS: LINE}
    if roster.roles is not None:
        rows = rows.with_columns(_role_lines(roster, rows))
        sources[ROLES] = ROLE_LINES
    return AsmTable(rows.with_columns(further).drop(MORE_PLACES), (*file.columns, *further.columns), sources, ids)


def _role_lines(roster: OneRoster, rows: pl.DataFrame) -> pl.Series:
    """Return for each person the lines of roles.csv that made it one."""
    assert roster.roles is not None  # noqa: S101 the caller asked
    lines = roster.roles.live.group_by(USER).agg(LINE).rename({LINE: ROLE_LINES})
    return rows.select(ROW).join(lines, left_on=ROW, right_on=USER, how="left", maintain_order="left")[ROLE_LINES]


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
    sources = {CLASSES: LINE, ENROLLMENTS: classes.TAUGHT_BY}
    return AsmTable(
        rows.with_columns(further).drop(classes.INSTRUCTORS), (*file.columns, *further.columns), sources, ids
    )


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
    return AsmTable(rows, ASM[ROSTERS].columns, {ENROLLMENTS: LINE}, {"class_id": class_ids, "student_id": users})


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
    return AsmTable(rows, ASM[LOCATIONS].columns, {ORGS: LINE})


def _judge_ids(roster: OneRoster) -> None:
    """Warn of ids that Apple's guide does not allow (rule 20)."""
    for sheet in (roster.orgs, roster.users, roster.courses, roster.classes):
        unusual = LIVE & pl.col("sourcedId").str.contains(UNUSUAL_ID)
        sheet.note_count("unusual-id", _count(sheet, unusual), column="sourcedId")
    enrollments = roster.enrollments
    enrollments.note_count("unusual-id", _count(enrollments, LIVE & pl.col(UNUSUAL)), column="sourcedId")


def _note_deviations(roster: OneRoster, findings: Findings) -> None:
    """Note what looks wrong about people and places that are sent, although no rule forbids it."""
    columns = ("sourcedId", "email", "username", "identifier")
    users = {USERS: roster.users.rows.lazy().filter(LIVE).select(*columns, LINE).collect()}
    note_shared_values(users, columns[1:], findings)
    note_similar_ids(users, "sourcedId", findings)
    note_missing(users, "missing-email", "email", findings)
    note_missing(users, "missing-username", "username", findings)
    note_same_names({ORGS: roster.orgs.live}, "name", findings)


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
