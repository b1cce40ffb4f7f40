"""Reads the files of a OneRoster ZIP with csv and zipfile: the reading half of the plain conversion."""
# ruff: noqa: N815 attributes have the names of OneRoster's columns

from __future__ import annotations

import csv
import io
import re
import sys
import zipfile
from collections import Counter
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
WORDS = {"status", "type", "role", "roleType", "enabledUser", "primary"}
BOOLEAN = {"enabledUser", "primary"}
BOOLEANS = {"1": "true", "yes": "true", "0": "false", "no": "false"}
csv.field_size_limit(2**20)


class RefusedError(Exception):
    """The whole upload is refused; the text is the reason's code."""


@dataclass(slots=True)
class Row:
    """One row of a file; ``fate`` is why it goes no further."""

    sourcedId: str
    status: str
    line: int = field(compare=False, kw_only=True)
    fate: str | None = field(default=None, compare=False, kw_only=True)


@dataclass(slots=True)
class Org(Row):
    """A row of orgs.csv."""

    name: str
    type: str
    identifier: str


@dataclass(slots=True)
class User(Row):
    """A row of users.csv, and what becomes of the person."""

    enabledUser: str
    orgSourcedIds: str
    role: str
    username: str
    givenName: str
    familyName: str
    middleName: str
    identifier: str
    email: str
    grades: str
    preferredGivenName: str
    preferredMiddleName: str
    preferredFamilyName: str
    primaryOrgSourcedId: str
    kind: str = field(default="", compare=False, kw_only=True)
    places: list[str] = field(default_factory=list, compare=False, kw_only=True)


@dataclass(slots=True)
class Role(Row):
    """A row of roles.csv."""

    userSourcedId: str
    roleType: str
    role: str
    beginDate: str
    endDate: str
    orgSourcedId: str


@dataclass(slots=True)
class Course(Row):
    """A row of courses.csv."""

    title: str
    courseCode: str
    orgSourcedId: str


@dataclass(slots=True)
class Class(Row):
    """A row of classes.csv, and who teaches the class in which course."""

    title: str
    courseSourcedId: str
    classCode: str
    schoolSourcedId: str
    termSourcedIds: str
    course: str = field(default="", compare=False, kw_only=True)
    instructors: list[str] = field(default_factory=list, compare=False, kw_only=True)


@dataclass(slots=True)
class Enrollment(Row):
    """A row of enrollments.csv."""

    classSourcedId: str
    userSourcedId: str
    role: str
    primary: str
    beginDate: str
    endDate: str


FILES: dict[str, type[Row]] = {
    "orgs.csv": Org,
    "users.csv": User,
    "roles.csv": Role,
    "courses.csv": Course,
    "classes.csv": Class,
    "enrollments.csv": Enrollment,
}
# Columns that must be in the header; a row needs a value in those of the second list
NEEDED_COLUMNS = {
    "orgs.csv": ["sourcedId"],
    "users.csv": ["sourcedId", "givenName", "familyName"],
    "roles.csv": ["userSourcedId", "role"],
    "courses.csv": ["sourcedId"],
    "classes.csv": ["sourcedId", "schoolSourcedId"],
    "enrollments.csv": ["classSourcedId", "userSourcedId", "role"],
}
NEEDED_VALUES = {
    "orgs.csv": ["sourcedId"],
    "users.csv": ["sourcedId"],
    "roles.csv": ["userSourcedId"],
    "courses.csv": ["sourcedId"],
    "classes.csv": ["sourcedId", "schoolSourcedId"],
    "enrollments.csv": ["classSourcedId", "userSourcedId"],
}
ALIASES = {
    "users.csv": {"grade": "grades", "orgs": "orgSourcedIds"},
    "courses.csv": {"org": "orgSourcedId"},
    "classes.csv": {
        "termsourcedid": "termSourcedIds",
        "terms": "termSourcedIds",
        "course": "courseSourcedId",
        "school": "schoolSourcedId",
    },
    "enrollments.csv": {"class": "classSourcedId", "user": "userSourcedId"},
}


@dataclass
class Package:
    """The rows of each file, the number of values cleaned in each, and whether it is OneRoster 1.2."""

    rows: dict[str, list[Any]] = field(default_factory=dict)
    cleaned: Counter[str] = field(default_factory=Counter)
    has_roles: bool = False


def read(source: Path) -> Package:
    """Read the ZIP; raises RefusedError when it cannot be used."""
    package, headers = Package(), {}
    try:
        with zipfile.ZipFile(source) as archive:
            members = _members(archive)
            _refuse_delta(archive, members)
            for name in FILES:
                if name in members:
                    headers[name] = _read_file(archive, members[name], name, package)
    except (zipfile.BadZipFile, csv.Error, UnicodeDecodeError) as error:
        raise RefusedError("unreadable") from error
    for name in ("orgs.csv", "users.csv", "classes.csv", "enrollments.csv"):
        if not package.rows.get(name):
            raise RefusedError("missing-file" if name not in members else "empty-file")
    package.rows.setdefault("courses.csv", [])
    package.has_roles = bool(package.rows.get("roles.csv"))
    if not package.has_roles:
        package.rows.pop("roles.csv", None)
        if "role" not in headers["users.csv"]:
            raise RefusedError("missing-file")
    for name, rows in package.rows.items():
        _judge_alone(name, rows)
    return package


def _members(archive: zipfile.ZipFile) -> dict[str, str]:
    members: dict[str, str] = {}
    for path in archive.namelist():
        name = path.rsplit("/", 1)[-1].lower()
        if name and not name.startswith(".") and not path.lower().startswith("__macosx/"):
            name = "orgs.csv" if name == "org.csv" else name
            if name in members:
                raise RefusedError("duplicate-file")
            members[name] = path
    return members


def _refuse_delta(archive: zipfile.ZipFile, members: dict[str, str]) -> None:
    if "manifest.csv" not in members:
        return
    for row in csv.reader(archive.read(members["manifest.csv"]).decode("utf-8-sig").splitlines()):
        name, value = (*(cell.strip().lower() for cell in row), "", "")[:2]
        if name.startswith("file.") and value == "delta" and f"{name.removeprefix('file.')}.csv" in FILES:
            raise RefusedError("delta-without-state")


def _read_file(archive: zipfile.ZipFile, member: str, name: str, package: Package) -> list[str]:
    """Read a file's rows, cleaned, into the package and return its header in lower case."""
    kind, rows = FILES[name], []
    columns = [column.name for column in fields(kind) if not column.kw_only]
    with archive.open(member) as binary, io.TextIOWrapper(binary, encoding="utf-8-sig", newline="") as text:
        reader = csv.reader(text, strict=True)
        header = [cell.strip().lower() for cell in next((cells for cells in reader if cells), [])]
        if not header:
            return header
        places = [_place(header, name, column) for column in columns]
        words = [(position, column in BOOLEAN) for position, column in enumerate(columns) if column in WORDS]
        line = reader.line_num + 1
        for cells in reader:
            if cells:
                cells.extend([""] * (len(header) - len(cells)))
                written = [cells[place] if place is not None else "" for place in places]
                row = kind(*_cleaned(written, words, name, package.cleaned), line=line)
                if any(cells[len(header) :]):
                    row.fate = "surplus-values"
                rows.append(row)
            line = reader.line_num + 1
    package.rows[name] = rows
    return header


def _place(header: list[str], name: str, column: str) -> int | None:
    """Return where a column stands, under its own name or else another; None where it is missing."""
    names = (
        [column.lower()] if column.lower() in header else [k for k, v in ALIASES.get(name, {}).items() if v == column]
    )
    places = [place for place, cell in enumerate(header) if cell in names]
    if len(places) > 1:
        raise RefusedError("duplicate-column")
    if not places and column in NEEDED_COLUMNS[name]:
        raise RefusedError("missing-column")
    return places[0] if places else None


def _cleaned(written: list[str], words: list[tuple[int, bool]], name: str, cleaned: Counter[str]) -> list[str]:
    """Return a row's values as Apple takes them, enumerations in lower case, and count those that had to change."""
    values = [_clean(value) for value in written]
    if values != written:
        if any("\0" in value for value in written):
            raise RefusedError("nul-byte")
        cleaned[name] += sum(one != other for one, other in zip(values, written, strict=True))
    for position, boolean in words:
        word = values[position].lower()
        values[position] = BOOLEANS.get(word, word) if boolean else word
    # all values but the id stand in many rows: each is kept once
    values[1:] = map(sys.intern, values[1:])
    return values


def _clean(value: str) -> str:
    if '"' in value or not value.isprintable():
        value = CONTROL.sub(" ", value.replace('"', "'"))
    return value.strip()


def _judge_alone(name: str, rows: list[Any]) -> None:
    """End the rows that are empty, inactive, without a needed value, or there already."""
    columns = [column.name for column in fields(FILES[name]) if not column.kw_only]
    first: dict[str, Any] = {}
    for row in rows:
        if row.fate:
            continue
        if not any(getattr(row, column) for column in columns):
            row.fate = "blank"
        elif row.status in ("tobedeleted", "inactive"):
            row.fate = "inactive"
        elif not all(getattr(row, column) for column in NEEDED_VALUES[name]):
            row.fate = "missing-value"
        elif row.sourcedId and first.setdefault(row.sourcedId, row) is not row:
            if row != first[row.sourcedId]:
                raise RefusedError("duplicate-id")
            row.fate = "same-row-again"
