"""Reads a OneRoster package of any version into one shape: clean text, and which rows are in play."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from rosterbridge.roster.archive import Archive
from rosterbridge.roster.cleaning import Cleaner
from rosterbridge.roster.enrollments import USER, EnrollmentReader
from rosterbridge.roster.findings import Findings, RosterError
from rosterbridge.roster.formats import (
    CLASSES,
    COURSES,
    ENROLLMENTS,
    FILE_ALIASES,
    MANIFEST,
    ONEROSTER,
    ONEROSTER_1_0_HEADERS,
    ONEROSTER_REQUIRED,
    ORGS,
    ROLES,
    USERS,
)
from rosterbridge.roster.links import Index, row_number
from rosterbridge.roster.manifest import read_manifest
from rosterbridge.roster.options import ConversionOptions
from rosterbridge.roster.reading import CsvFile, no_rows, open_csv
from rosterbridge.roster.report import Format
from rosterbridge.roster.sheet import FATE, Sheet, judge_duplicates, rows_without, with_opening_fates
from rosterbridge.roster.words import Words, read_dates

SCHOOL, ORG = "_school", "_org"  # rows of orgs.csv
PREFERRED_NAMES = ("preferredGivenName", "preferredMiddleName", "preferredFamilyName")
JUDGED_LATER = ("givenName", "familyName", "role")  # only where the row is sent


@dataclass(frozen=True)
class OneRoster:
    """A package: its sheets, each of which knows which rows are in play."""

    format: Format
    orgs: Sheet
    users: Sheet
    roles: Sheet | None
    courses: Sheet
    classes: Sheet
    enrollments: Sheet

    @property
    def sheets(self) -> tuple[Sheet, ...]:
        """All that were read."""
        known = (self.orgs, self.users, self.roles, self.courses, self.classes, self.enrollments)
        return tuple(sheet for sheet in known if sheet is not None)

    def copy(self, findings: Findings) -> OneRoster:
        """Return the same package for a trial."""
        return OneRoster(
            self.format,
            self.orgs.copy(findings),
            self.users.copy(findings),
            self.roles.copy(findings) if self.roles else None,
            self.courses.copy(findings),
            self.classes.copy(findings),
            self.enrollments.copy(findings),
        )


def read_oneroster(archive: Archive, options: ConversionOptions, as_of: date, findings: Findings) -> OneRoster:
    """Read the package and end the rows that ``mapping.md`` rules 4, 6 and 21 end; raises RosterError."""
    members = members_by_file(archive)
    claimed = read_manifest(archive, members, findings)
    files = _open_files(archive, members, findings)
    with EnrollmentReader(files[ENROLLMENTS], options, findings) as reader:
        sheets = {name: _sheet(file, options, findings) for name, file in files.items() if name != ENROLLMENTS}
        _judge_empty(sheets, files, findings)
        fmt = _version(sheets, files, claimed, findings)
        if ROLES in sheets:
            _judge_dates(sheets[ROLES], *_encoded_dates(sheets[ROLES]), options, as_of, findings)
        if options.disabled_users == "drop":
            sheets[USERS].leave_out(pl.col("enabledUser") == "false", "disabled")
        users = sheets[USERS]
        users.rows = users.rows.drop("status", "enabledUser", *(PREFERRED_NAMES if options.names == "legal" else ()))
        enrollments = reader.read(sheets[CLASSES], users)
    if enrollments.rows.is_empty():
        raise RosterError("empty-file", file=ENROLLMENTS)
    _judge_dates(enrollments, enrollments.rows, reader.dates, options, as_of, findings)
    enrollments.rows = enrollments.rows.drop(reader.dates)
    return _linked(
        OneRoster(
            format=fmt,
            orgs=sheets[ORGS],
            users=sheets[USERS],
            roles=sheets.get(ROLES) if fmt == "oneroster-1.2" else None,
            courses=sheets[COURSES],
            classes=sheets[CLASSES],
            enrollments=enrollments,
        )
    )


def members_by_file(archive: Archive) -> dict[str, str]:
    """Return the archive's names by the files that they mean; raises RosterError for two that mean one."""
    members: dict[str, str] = {}
    for name in archive.names:
        file = FILE_ALIASES.get(name, name)
        if file in members:
            raise RosterError("duplicate-file", value=file)
        members[file] = name
    return members


def _open_files(archive: Archive, members: dict[str, str], findings: Findings) -> dict[str, CsvFile]:
    """Return the files, their headers read; raises RosterError for the first that is missing (rule 3)."""
    missing = [name for name in ONEROSTER_REQUIRED if name not in members]
    for name in missing[:-1]:
        findings.add("missing-file", file=name)
    if missing:
        raise RosterError("missing-file", file=missing[-1])
    if COURSES not in members:
        findings.add("missing-courses", file=COURSES)
    files: dict[str, CsvFile] = {}
    for name in ONEROSTER:
        file = open_csv(archive, members[name], ONEROSTER[name]) if name in members else None
        if file is not None:
            file.place_columns(findings)
            files[name] = file
        elif name in ONEROSTER_REQUIRED or (name == ROLES and "role" not in files[USERS].header.names):
            raise RosterError("empty-file" if name in members else "missing-file", file=name)
        elif name in members:
            findings.add("empty-optional-file", file=name)
    return files


def _judge_empty(sheets: dict[str, Sheet], files: dict[str, CsvFile], findings: Findings) -> None:
    """Refuse files without rows; but courses are made from the classes, and roles may stand in users.csv."""
    for name in (ORGS, USERS, ROLES, CLASSES):
        if name in sheets and sheets[name].rows.is_empty():
            if name != ROLES or "role" not in files[USERS].header.names:
                raise RosterError("empty-file", file=name)
            del sheets[name]
    if COURSES not in sheets:
        sheets[COURSES] = Sheet(COURSES, no_rows(ONEROSTER[COURSES].columns), findings)
    elif sheets[COURSES].rows.is_empty():
        findings.add("missing-courses", file=COURSES)


def _version(sheets: dict[str, Sheet], files: dict[str, CsvFile], claimed: str | None, findings: Findings) -> Format:
    """Tell the version by the headers; a manifest that says another is only noted (rule 2)."""
    users, classes = files[USERS].header.names, files[CLASSES].header.names
    found: Format = "oneroster-1.1"
    if ROLES in sheets:
        found = "oneroster-1.2"
    elif claimed is None and (users | classes) & ONEROSTER_1_0_HEADERS:
        found = "oneroster-1.0"
    version = found.removeprefix("oneroster-")
    if claimed is not None and not claimed.startswith(version):
        findings.add("version-differs", file=MANIFEST, value=claimed, found=version)
    return found


def _sheet(file: CsvFile, options: ConversionOptions, findings: Findings) -> Sheet:
    """Read a file whole, clean, and end the rows that are empty, inactive, without their key, or there already."""
    fmt = file.fmt
    keys = [column for column in fmt.columns if column in fmt.needed and column not in JUDGED_LATER]
    cleaner = Cleaner(fmt, options)
    rows = pl.concat([cleaner.clean(batch) for batch in file.batches(findings)])
    rows = with_opening_fates(rows, fmt.columns, keys)
    cleaner.report(findings)
    for column, missing in rows_without(rows, keys):
        findings.add_rows("missing-value", missing, file=fmt.name, column=column)
    sheet = Sheet(fmt.name, rows, findings)
    judge_duplicates(sheet, rows, fmt.columns, findings)
    return sheet


def _encoded_dates(sheet: Sheet) -> tuple[pl.DataFrame, dict[str, Words]]:
    words = {column: Words() for column in ("beginDate", "endDate")}
    return sheet.rows.select(words[column].encode(sheet.rows[column]) for column in words), words


def _judge_dates(
    sheet: Sheet,
    numbers: pl.DataFrame,
    words: dict[str, Words],
    options: ConversionOptions,
    as_of: date,
    findings: Findings,
) -> None:
    """Count what had ended by ``as_of``, or leave out what is not current (rule 6).

    ``numbers`` stand for the dates of the rows in ``words``.
    """
    dates, unclear = read_dates([word for column in words.values() for word in column.all])
    for column, known in words.items():
        if unclear.intersection(known.all):
            count = int(known.marks(numbers[column], unclear.__contains__).sum())
            findings.add("unclear-date", file=sheet.file, column=column, count=count)
    limit = as_of - timedelta(days=1)
    over = words["endDate"].marks(numbers["endDate"], lambda word: word in dates and dates[word] < limit)
    early = words["beginDate"].marks(numbers["beginDate"], lambda word: word in dates and dates[word] > as_of)
    if options.ended == "drop":
        sheet.leave_out(pl.lit(over | early), "ended")
    elif count := int((over & sheet.rows[FATE].is_null()).sum()):
        findings.add("ended-kept", file=sheet.file, column="endDate", count=count)


def _linked(roster: OneRoster) -> OneRoster:
    """Give the rows their numbers and links: of classes to orgs, of roles to users and orgs."""
    orgs = Index(roster.orgs)
    roster.orgs.rows = roster.orgs.rows.with_columns(row_number())
    roster.users.rows = roster.users.rows.with_columns(row_number())
    classes = roster.classes.rows
    roster.classes.rows = classes.with_columns(orgs.link(classes["schoolSourcedId"]).alias(SCHOOL))
    if roster.roles is not None:
        roles = roster.roles.rows
        roster.roles.rows = roles.with_columns(
            Index(roster.users).link(roles["userSourcedId"]).alias(USER), orgs.link(roles["orgSourcedId"]).alias(ORG)
        )
    return roster
