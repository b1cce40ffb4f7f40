"""Reads a OneRoster package of any version into one shape: clean text, and which rows are in play."""

from __future__ import annotations

import codecs
import csv
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from rosterbridge.roster.archive import Archive
from rosterbridge.roster.findings import LINE, Findings, RosterError
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
from rosterbridge.roster.options import ConversionOptions
from rosterbridge.roster.reading import FATE, Table, peek_names, read_table
from rosterbridge.roster.report import Format
from rosterbridge.roster.sheet import Sheet

# What Apple does not take in a value (rule 19)
CONTROL = r"[\p{Cc}\p{Zl}\p{Zp}]+"
BOOLEANS = {"true": "true", "1": "true", "yes": "true", "false": "false", "0": "false", "no": "false"}
VOCABULARIES = {
    "status": {"", "active", "tobedeleted", "inactive"},
    "enabledUser": {"", *BOOLEANS},
    "primary": {"", *BOOLEANS},
    "roleType": {"", "primary", "secondary"},
    "role": {
        *("", "administrator", "aide", "guardian", "parent", "proctor", "relative", "student", "teacher"),
        *("counselor", "districtAdministrator", "principal", "siteAdministrator", "systemAdministrator"),
    },
    "type": {"", "department", "school", "district", "local", "state", "national"},
}
STANDARD_BOOLEANS = {"", "true", "false"}


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
    members = _members(archive)
    claimed = _read_manifest(archive, members, options, findings)
    files = _required_files(archive, members, options, findings)
    tables = _read_tables(archive, members, files, findings)
    fmt = _version(tables, claimed, findings)
    sheets = {name: _sheet(name, table, findings) for name, table in tables.items()}
    if COURSES not in sheets:
        sheets[COURSES] = Sheet(COURSES, _no_rows(COURSES), findings)
    for name in (ROLES, ENROLLMENTS):
        if name in sheets:
            _judge_dates(sheets[name], options, as_of, findings)
    if options.disabled_users == "drop":
        sheets[USERS].leave_out(pl.col("enabledUser") == "false", "disabled")
    return OneRoster(
        format=fmt,
        orgs=sheets[ORGS],
        users=sheets[USERS],
        roles=sheets.get(ROLES) if fmt == "oneroster-1.2" else None,
        courses=sheets[COURSES],
        classes=sheets[CLASSES],
        enrollments=sheets[ENROLLMENTS],
    )


def _members(archive: Archive) -> dict[str, str]:
    """Return the archive's names by the files that they mean."""
    members: dict[str, str] = {}
    for name in archive.names:
        file = FILE_ALIASES.get(name, name)
        if file in members:
            raise RosterError("duplicate-file", value=file)
        members[file] = name
    return members


def _read_manifest(
    archive: Archive, members: dict[str, str], options: ConversionOptions, findings: Findings
) -> str | None:
    """Return the version that the manifest claims; refuse a delta (rule 5)."""
    if MANIFEST not in members:
        if options.profile == "strict":
            raise RosterError("missing-file", file=MANIFEST)
        findings.add("no-manifest", file=MANIFEST)
        return None
    properties = _properties(archive, members[MANIFEST])
    for file in ONEROSTER:
        if properties.get(f"file.{file.removesuffix('.csv')}".casefold(), "").casefold() == "delta":
            raise RosterError("delta-without-state", file=file)
    return properties.get("oneroster.version")


def _properties(archive: Archive, member: str) -> dict[str, str]:
    """Return the manifest's names and values, however it is written: it only hints, so that it cannot be wrong."""
    start = next(archive.chunks(member), b"")
    utf_16 = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = start.decode("utf-16" if utf_16 else "utf-8-sig", "replace").replace("\0", "")
    rows = csv.reader(text.replace(";", ",").replace("\t", ",").splitlines())
    return {row[0].strip().casefold(): row[1].strip() for row in rows if len(row) > 1}


def _required_files(
    archive: Archive, members: dict[str, str], options: ConversionOptions, findings: Findings
) -> list[str]:
    """Return the files to read; raises RosterError for the first that is missing, noting the others too (rule 3)."""
    required = list(ONEROSTER_REQUIRED)
    if USERS in members and "role" not in peek_names(archive, members[USERS]):
        required.append(ROLES)
    if options.profile == "strict":
        required.append(COURSES)
    missing = [name for name in ONEROSTER if name in required and name not in members]
    for name in missing[:-1]:
        findings.add("missing-file", file=name)
    if missing:
        raise RosterError("missing-file", file=missing[-1])
    if COURSES not in members:
        findings.add("missing-courses", file=COURSES)
    return [name for name in ONEROSTER if name in members]


def _read_tables(archive: Archive, members: dict[str, str], files: list[str], findings: Findings) -> dict[str, Table]:
    """Read the files; of those without rows courses are made from the classes, and roles may stand in users.csv."""
    tables: dict[str, Table] = {}
    for name in files:
        table = read_table(archive, members[name], ONEROSTER[name], findings)
        if table is not None and not table.frame.is_empty():
            tables[name] = table
        elif name == COURSES:
            findings.add("missing-courses", file=name)
        elif name != ROLES or "role" not in tables[USERS].header:
            raise RosterError("empty-file", file=name)
    return tables


def _no_rows(name: str) -> pl.DataFrame:
    columns = dict.fromkeys(ONEROSTER[name].columns, pl.String())
    return pl.DataFrame(schema={**columns, LINE: pl.UInt32(), FATE: pl.String()})


def _version(tables: dict[str, Table], claimed: str | None, findings: Findings) -> Format:
    """Tell the version by the headers; a manifest that says another is only noted (rule 2)."""
    found: Format = "oneroster-1.1"
    if ROLES in tables or "role" not in tables[USERS].header:
        found = "oneroster-1.2"
    elif claimed is None and (tables[USERS].header | tables[CLASSES].header) & ONEROSTER_1_0_HEADERS:
        found = "oneroster-1.0"
    version = found.removeprefix("oneroster-")
    if claimed is not None and not claimed.startswith(version):
        findings.add("version-differs", file=MANIFEST, value=claimed, found=version)
    return found


def _sheet(name: str, table: Table, findings: Findings) -> Sheet:
    """Clean the values, and end the rows that are empty, inactive, without their key, or there already."""
    columns = [column for column in table.frame.columns if column not in (LINE, FATE)]
    cleaned = _cleaned(name, table.frame, columns, findings)
    sheet = Sheet(name, _respelled(name, cleaned, findings), findings)
    sheet.leave_out(pl.all_horizontal(pl.col(columns) == ""), "blank")
    sheet.leave_out(pl.col("status").is_in(["tobedeleted", "inactive"]), "inactive")
    for column in columns:
        if column in ONEROSTER[name].needed and column not in ("givenName", "familyName", "role"):
            sheet.drop(pl.col(column) == "", "missing-value", column=column)
    _judge_duplicates(sheet, columns, findings)
    return sheet


def _cleaned(name: str, frame: pl.DataFrame, columns: list[str], findings: Findings) -> pl.DataFrame:
    """Replace what Apple does not take, before anything is compared, so that references still meet (rule 19)."""
    clean = pl.col(columns).str.replace_all('"', "'", literal=True).str.replace_all(CONTROL, " ").str.strip_chars()
    cleaned = frame.with_columns(clean)
    for column in columns:
        if count := int((frame[column] != cleaned[column]).sum()):
            findings.add("value-cleaned", file=name, column=column, count=count)
    return cleaned


def _respelled(name: str, frame: pl.DataFrame, findings: Findings) -> pl.DataFrame:
    """Bring enumerations into lower case and booleans into true and false; other words stay as they are."""
    for column, vocabulary in VOCABULARIES.items():
        if column not in frame.columns:
            continue
        lower = pl.col(column).str.to_lowercase()
        known = {word.lower() for word in vocabulary}
        boolean = column in ("enabledUser", "primary")
        standard = STANDARD_BOOLEANS if boolean else vocabulary
        odd = ~pl.col(column).is_in(sorted(standard)) & lower.is_in(sorted(known))
        if count := frame.select(odd.sum()).item():
            findings.add("value-respelled", file=name, column=column, count=count)
        frame = frame.with_columns(lower.replace(BOOLEANS) if boolean else lower)
    return frame


def _judge_duplicates(sheet: Sheet, columns: list[str], findings: Findings) -> None:
    """Collapse identical rows; refuse different rows with one id (rule 21)."""
    live = sheet.live.filter(pl.col("sourcedId") != "")
    again = live.filter(pl.col("sourcedId").is_duplicated())
    if again.is_empty():
        return
    copies = again.filter(~pl.struct(columns).is_first_distinct())
    if copies.height:
        findings.add("duplicate-row", file=sheet.file, count=copies.height, line=copies[LINE][0])
        sheet.leave_out(pl.col(LINE).is_in(copies[LINE].implode()), "same-row-again")
    different = again.filter(pl.struct(columns).is_first_distinct()).filter(pl.col("sourcedId").is_duplicated())
    findings.add_rows("duplicate-id", different, file=sheet.file, column="sourcedId")


def _judge_dates(sheet: Sheet, options: ConversionOptions, as_of: date, findings: Findings) -> None:
    """Count what had ended by ``as_of``, or leave out what is not current (rule 6)."""
    begins, ends = (
        pl.col(column).str.head(10).str.to_date("%Y-%m-%d", strict=False) for column in ("beginDate", "endDate")
    )
    over = ends < as_of - timedelta(days=1)
    if options.ended == "drop":
        sheet.leave_out((over | (begins > as_of)).fill_null(value=False), "ended")
    elif count := sheet.live.select(over.sum()).item():
        findings.add("ended-kept", file=sheet.file, column="endDate", count=count)
