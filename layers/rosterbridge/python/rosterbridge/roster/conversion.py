"""OneRoster to Apple School Manager: from sheets to the six tables that Apple gets (``mapping.md``)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import polars as pl

from rosterbridge.roster import classes, courses, people
from rosterbridge.roster.courses import CLASS_LINE, COURSE, first_filled
from rosterbridge.roster.deviations import note_missing, note_same_names, note_shared_values, note_similar_ids
from rosterbridge.roster.enrollments import CLASS, UNUSUAL, UNUSUAL_ID, USER, has_unusual
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
from rosterbridge.roster.links import ROW
from rosterbridge.roster.oneroster import SCHOOL, OneRoster
from rosterbridge.roster.options import ConversionOptions
from rosterbridge.roster.people import KIND, MORE_PLACES, PLACE, STAFF_MEMBER, STUDENT
from rosterbridge.roster.queries import run
from rosterbridge.roster.sheet import LIVE, Sheet, among
from rosterbridge.roster.tables import AsmTable

ROLE_LINES = "_role_lines"


def convert_roster(
    roster: OneRoster, options: ConversionOptions, findings: Findings, *, is_traced: bool
) -> dict[str, AsmTable]:
    """Return Apple's six tables, in the order of the source's rows; every source row gets its end.

    ``is_traced`` says that somebody will ask for the lines from which the rows came.
    """
    classes.judge_references(roster, options)
    if options.empty_classes == "drop":
        classes.leave_out_empty_classes(roster, options)
    with ThreadPoolExecutor(1) as meanwhile:
        taught = meanwhile.submit(courses.taught_courses, roster)  # from here on no class is left out
        people.choose_people(roster, options)
        deviations = meanwhile.submit(_deviations, roster.users, findings)  # nor any user
        classes.judge_rosters(roster)
        classes.choose_instructors(roster)
        chosen = courses.choose_courses(roster, taught.result(), options)
        _leave_out_orgs(roster, chosen)
        is_plain = _judge_ids(roster)
        findings.adopt(deviations.result())
    note_same_names({ORGS: roster.orgs.live}, "name", findings)
    if options.id_policy == "map":
        chosen = _map_ids(roster, chosen)
    if is_traced and roster.roles is not None:
        _trace_roles(roster, roster.roles)
    tables = {
        STUDENTS: _people(roster, STUDENT, options),
        STAFF: _people(roster, STAFF_MEMBER, options),
        COURSES: AsmTable(chosen, _columns(ASM[COURSES].columns), {COURSES: LINE, CLASSES: CLASS_LINE}),
        CLASSES: _classes(roster),
        ROSTERS: _rosters(roster, is_plain=is_plain),
        LOCATIONS: _locations(roster),
    }
    _judge_made_ids(roster, tables, findings)
    return tables


def _columns(names: Iterable[str]) -> dict[str, pl.Expr]:
    return {name: pl.col(name) for name in names}


def _id_of(sheet: Sheet, row: str | pl.Expr) -> pl.Expr:
    """Return the id of the row of a sheet to which a link points."""
    return pl.lit(sheet.rows["sourcedId"]).gather(pl.col(row) if isinstance(row, str) else row)


def _people(roster: OneRoster, kind: str, options: ConversionOptions) -> AsmTable:
    file, users = ASM[STUDENTS if kind == STUDENT else STAFF], roster.users.rows
    known = {
        "person_id": pl.col("sourcedId"),
        "person_number": pl.col("identifier"),
        "first_name": pl.col("givenName"),
        "middle_name": pl.col("middleName"),
        "last_name": pl.col("familyName"),
        "email_address": pl.col("email"),
        "sis_username": pl.col("username"),
        "password_policy": pl.lit(options.password_policy),
        "location_id": _id_of(roster.orgs, PLACE),
    }
    if kind == STUDENT:
        known["grade_level"] = people.grade_levels(users)
    chosen = LIVE & (pl.col(KIND) == kind)
    columns = {name: known[name] for name in file.columns}
    for place, name in _further(users, chosen, MORE_PLACES, file, shown=1):
        columns[name] = _id_of(roster.orgs, place)
    sources = {USERS: LINE, **({ROLES: ROLE_LINES} if ROLE_LINES in users.columns else {})}
    return AsmTable(users, columns, sources, chosen)


def _trace_roles(roster: OneRoster, roles: Sheet) -> None:
    """Give each user the lines of roles.csv that made it what it is."""
    lines = roles.chosen(USER, LINE).group_by(USER).agg(pl.col(LINE).alias(ROLE_LINES))
    users = roster.users.rows
    roster.users.rows = users.join(lines, left_on=ROW, right_on=USER, how="left", maintain_order="left")


def _classes(roster: OneRoster) -> AsmTable:
    file, rows = ASM[CLASSES], roster.classes.rows
    known = {
        "class_id": pl.col("sourcedId"),
        "class_number": first_filled("classCode", "title"),
        "course_id": pl.col(COURSE),
        "instructor_id": _id_of(roster.users, _nth(classes.INSTRUCTORS, 0)),
        "instructor_id_2": _id_of(roster.users, _nth(classes.INSTRUCTORS, 1)),
        "instructor_id_3": _id_of(roster.users, _nth(classes.INSTRUCTORS, 2)),
        "location_id": _id_of(roster.orgs, SCHOOL),
    }
    columns = {name: known[name] for name in file.columns}
    for place, name in _further(rows, LIVE, classes.INSTRUCTORS, file, shown=0):
        columns[name] = _id_of(roster.users, place)
    return AsmTable(rows, columns, {CLASSES: LINE, ENROLLMENTS: classes.TAUGHT_BY}, LIVE)


def _nth(column: str, place: int) -> pl.Expr:
    """Return an item of a list, or nothing where the list is shorter."""
    return pl.col(column).list.get(place, null_on_oob=True)


def _further(
    rows: pl.DataFrame, chosen: pl.Expr, column: str, file: AsmFile, shown: int
) -> Iterator[tuple[pl.Expr, str]]:
    """Yield item and name of the numbered columns that the longest list needs; ``shown`` items stand in no list."""
    longest = run(rows.lazy().filter(chosen).select(pl.col(column).list.len().max())).item() or 0
    for place, name in enumerate(file.repeats(shown + longest), file.repeats_from - 1 - shown):
        yield _nth(column, place), name


def _rosters(roster: OneRoster, *, is_plain: bool) -> AsmTable:
    class_id, student_id = _id_of(roster.classes, CLASS), _id_of(roster.users, USER)
    made = pl.concat_str(class_id, student_id, separator="-")
    named = pl.when(pl.col("sourcedId") == "").then(made).otherwise("sourcedId")
    columns = {"roster_id": named, "class_id": class_id, "student_id": student_id}
    if not _has_made_ids(roster):
        columns["roster_id"] = pl.col("sourcedId")
    return AsmTable(roster.enrollments.rows, columns, {ENROLLMENTS: LINE}, LIVE & people.ATTENDS, is_plain)


def _has_made_ids(roster: OneRoster) -> bool:
    return bool(roster.enrollments.rows.select((LIVE & (pl.col("sourcedId") == "")).any()).item())


def _leave_out_orgs(roster: OneRoster, chosen: pl.DataFrame) -> None:
    """Leave out the orgs to which no sent row refers (rule 13)."""
    by_rows = people.people_flags(roster) | people.taught_flags(roster)
    referenced = pl.lit(by_rows) | pl.col("sourcedId").is_in(among(chosen["location_id"]))
    roster.orgs.leave_out(~referenced, "not-referenced")


def _locations(roster: OneRoster) -> AsmTable:
    columns = {"location_id": pl.col("sourcedId"), "location_name": first_filled("name", "identifier", "sourcedId")}
    return AsmTable(roster.orgs.rows, columns, {ORGS: LINE}, LIVE)


def _judge_ids(roster: OneRoster) -> bool:
    """Warn of ids that Apple's guide does not allow (rule 20); returns whether there is none."""
    found = 0
    for sheet in (roster.orgs, roster.users, roster.courses, roster.classes):
        if has_unusual(sheet.rows["sourcedId"]):
            unusual = LIVE & pl.col("sourcedId").str.contains(UNUSUAL_ID)
            found += _note_unusual(sheet, unusual)
    found += _note_unusual(roster.enrollments, LIVE & pl.col(UNUSUAL))
    return not found


def _note_unusual(sheet: Sheet, unusual: pl.Expr) -> int:
    count = int(sheet.rows.select(unusual.sum()).item())
    sheet.note_count("unusual-id", count, column="sourcedId")
    return count


def _deviations(people: Sheet, known: Findings) -> Findings:
    """Return what looks wrong about the people who are sent, although no rule forbids it."""
    findings = Findings(known.levels)
    columns = ("sourcedId", "email", "username", "identifier")
    users = {USERS: people.chosen(*columns, LINE)}
    note_shared_values(users, columns[1:], findings)
    note_similar_ids(users, "sourcedId", findings)
    note_missing(users, "missing-email", "email", findings)
    note_missing(users, "missing-username", "username", findings)
    return findings


def _map_ids(roster: OneRoster, chosen: pl.DataFrame) -> pl.DataFrame:
    """Write every id in the characters of Apple's guide; returns the courses so (rule 20)."""
    for sheet in (roster.orgs, roster.users, roster.classes, roster.enrollments):
        sheet.rows = sheet.rows.with_columns(mapped("sourcedId"))
    roster.classes.rows = roster.classes.rows.with_columns(mapped(COURSE))
    return chosen.with_columns(mapped("course_id"), mapped("location_id"))


def _judge_made_ids(roster: OneRoster, tables: dict[str, AsmTable], findings: Findings) -> None:
    """Refuse ids made here that meet others; enrolments with an id of their own were compared at reading."""
    for name in (COURSES, ROSTERS) if _has_made_ids(roster) else (COURSES,):
        key = ASM[name].key
        if pl.concat(rows[key] for rows in tables[name].slices()).is_duplicated().any():
            findings.add("made-id-clash", file=name, column=key)
