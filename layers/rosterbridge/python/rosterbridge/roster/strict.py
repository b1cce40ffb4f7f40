"""What the standard demands beyond what reading needs: the conformance cases of OneRoster, from the schemas.

Runs before the package is read, when the profile is strict or a flow gives one of STRICT_ONLY a severity. Values are
shown only of ids, vocabularies and dates; telephone numbers and passwords are not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from rosterbridge.roster.archive import Archive
from rosterbridge.roster.codes import STRICT_ONLY
from rosterbridge.roster.findings import Findings, RosterError
from rosterbridge.roster.formats import (
    CLASSES,
    COURSES,
    ENROLLMENTS,
    FILE_ALIASES,
    MANIFEST,
    ONEROSTER,
    ONEROSTER_REQUIRED,
    ORGS,
    ROLES,
    SESSIONS,
    USERS,
    FileFormat,
)
from rosterbridge.roster.manifest import check_manifest, read_properties
from rosterbridge.roster.reading import open_csv, peek_names
from rosterbridge.roster.report import Format
from rosterbridge.roster.schemas import Column, Schema, Version, oneroster, oneroster_files, variants
from rosterbridge.roster.strict_values import ValueChecker

HEADER_CHECKS = frozenset(
    {"header-order", "unknown-column", "missing-optional-column", "manifest-property", "wrapping-folder"}
)
VALUE_CHECKS = STRICT_ONLY - HEADER_CHECKS
ORDER = (ORGS, SESSIONS, COURSES, CLASSES, USERS, ROLES, ENROLLMENTS)  # each refers to those before it, or to itself
FORMATS: Mapping[Version, Format] = {"1.1": "oneroster-1.1", "1.2": "oneroster-1.2"}
SHOWN = 80  # characters of a header's cell, which may be anything
UNSEEN = frozenset({"sms", "phone", "password"})


def judge_strictly(archive: Archive, profile: str, findings: Findings) -> Format | None:
    """Add what the standard forbids; return the package's format when that rejects it in the strict profile.

    What reading finds too is told by reading, unless the package is rejected before.
    """
    levels = findings.levels
    if profile != "strict":
        levels = {code: level if code in STRICT_ONLY else "ignore" for code, level in levels.items()}
    own = Findings(levels)
    package = _Package(archive, own)
    package.check()
    if profile == "strict" and own.rejected_by:
        findings.adopt(own)
        return FORMATS[package.schema.version]
    findings.adopt(own, STRICT_ONLY)
    return None


class _Package:
    """A package's files by the names of the version that its headers show."""

    def __init__(self, archive: Archive, findings: Findings) -> None:
        self._archive = archive
        self._findings = findings
        named = {**oneroster_files(), **FILE_ALIASES}
        self._members = {named[member]: member for member in archive.names if member in named}
        self.schema = self._schema()
        self._modes: dict[str, str] = {}

    def check(self) -> None:
        """Check the files' names, the manifest, the headers and, if a flow wants it, the values."""
        if MANIFEST in self._members:
            self._modes = self._check_manifest()
        self._check_files()
        known: dict[str, pl.DataFrame] = {}
        for name in ORDER:
            if name in self._members and name in self.schema.files:
                try:
                    self._check_file(name, known)
                except RosterError as error:
                    self._findings.add_error(error)

    def _schema(self) -> Schema:
        if ROLES in self._members:
            return oneroster("1.2")
        if USERS in self._members:
            return oneroster("1.1" if "role" in peek_names(self._archive, self._members[USERS]) else "1.2")
        manifest = self._members.get(MANIFEST)  # a delta may hold neither
        claimed = read_properties(self._archive, manifest).get("oneroster.version", "") if manifest else ""
        return oneroster("1.2" if claimed.startswith("1.2") else "1.1")

    def _check_files(self) -> None:
        add = self._findings.add
        if self._archive.folder:
            add("wrapping-folder")
        is_delta = "delta" in self._modes.values()  # which needs no file that has not changed
        for name in (*ONEROSTER_REQUIRED, *((ROLES,) if self.schema.version == "1.2" else ())):
            if name not in self._members and not is_delta:
                add("missing-file", file=name)
        if COURSES not in self._members and not is_delta:
            add("missing-courses", file=COURSES)
        if MANIFEST not in self._members:
            add("no-manifest", file=MANIFEST)
        for name, member in self._members.items():
            if name not in self.schema.files:
                add("unknown-file", value=name)
            elif name not in ORDER and self._archive.names[member] != name:
                add("other-spelling", file=name, count=1)

    def _check_manifest(self) -> dict[str, str]:
        member, columns = self._members[MANIFEST], self.schema.files[MANIFEST]
        try:
            self._check_header(member, _format(MANIFEST, columns), columns)
            return check_manifest(self._archive, self._members, self.schema, self._findings)
        except RosterError as error:
            self._findings.add_error(error)
            return {}

    def _check_file(self, name: str, known: dict[str, pl.DataFrame]) -> None:
        """Check one file; its ids go to ``known`` when it was read whole."""
        columns = self._columns(name)
        if not self._check_header(self._members[name], _format(name, columns), columns):
            self._note_empty(name)
            return
        if all(self._findings.levels[code] == "ignore" for code in VALUE_CHECKS):
            return
        looked_at = tuple(column for column in columns if column.name not in UNSEEN)
        file = open_csv(self._archive, self._members[name], _format(name, looked_at))
        if file is None:
            return
        file.place_columns(Findings())  # the header is judged
        present = tuple(column for column in looked_at if column.name in file.placed)
        absent = frozenset(self.schema.rostering) - self._members.keys()
        checker = ValueChecker(
            file,
            present,
            delta=self._modes.get(name) == "delta",
            known=known,
            absent=absent,
            findings=self._findings,
        )
        known[name] = checker.check()
        if not checker.rows:
            self._note_empty(name)

    def _note_empty(self, name: str) -> None:
        required = name in ONEROSTER_REQUIRED or name == ROLES
        self._findings.add("empty-file" if required else "empty-optional-file", file=name)

    def _columns(self, name: str) -> tuple[Column, ...]:
        """Return the columns of a file; those of an earlier text of its version where the header has one more."""
        current = self.schema.files[name]
        if self.schema.version == "1.2" and variants(name):
            header = peek_names(self._archive, self._members[name])
            for other in variants(name):
                more = {column.name for column in other} - {column.name for column in current}
                if more and all(column.casefold() in header for column in more):
                    return other
        return current

    def _check_header(self, member: str, fmt: FileFormat, columns: Sequence[Column]) -> bool:
        """Check the header; False when the file has none. Raises RosterError where the rows cannot be read by it."""
        file = open_csv(self._archive, member, fmt)
        if file is None:
            return False
        file.place_columns(self._findings)
        cells = [cell.strip() for cell in file.header.cells]
        means = {position: name for name, position in file.placed.items()}
        _judge_order(fmt.name, cells, means, [column.name for column in columns], self._findings)
        for column in columns:
            if column.name not in file.placed:
                self._findings.add("missing-optional-column", file=fmt.name, line=1, column=column.name)
        return True


def _judge_order(
    file: str, cells: Sequence[str], means: Mapping[int, str], columns: Sequence[str], findings: Findings
) -> None:
    """Judge the order of the columns that stand, and what stands that is none of them."""
    expected = [column for column in columns if column in means.values()]
    found = list(dict.fromkeys(means[position] for position in sorted(means)))
    displaced = next((name for name, right in zip(found, expected, strict=False) if name != right), None)
    last = max(means, default=-1)
    seen: set[str] = set()
    for position, cell in enumerate(cells):
        if position in means:
            continue
        if not cell.startswith("metadata.") or not cell.isprintable():
            findings.add_cell("unknown-column", cell[:SHOWN], file=file, line=1)
        elif cell in seen:
            findings.add("duplicate-column", file=file, line=1, column=cell)
        elif position < last and displaced is None:
            displaced = cell
        seen.add(cell)
    if displaced is not None:
        findings.add("header-order", file=file, line=1, column=displaced)


def _format(name: str, columns: Sequence[Column]) -> FileFormat:
    """Return a file as it is read here: in all its columns, with the names that reading takes too."""
    read = ONEROSTER.get(name)
    names = tuple(column.name for column in columns)
    if read is None:
        return FileFormat(name, names, frozenset(names if name == MANIFEST else ("sourcedId",)))
    aliases = {other: column for other, column in read.aliases.items() if column in names}
    return FileFormat(name, names, read.needed & frozenset(names), aliases=aliases)
