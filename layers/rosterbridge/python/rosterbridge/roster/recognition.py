"""Tells by content, never by the ZIP's name, what an upload is; look-alikes are refused by their names."""

from __future__ import annotations

from typing import Literal

from rosterbridge.roster.archive import Archive
from rosterbridge.roster.findings import Findings, RosterError
from rosterbridge.roster.formats import (
    ASM,
    CLASSES,
    COURSES,
    ENROLLMENTS,
    FILE_ALIASES,
    LOCATIONS,
    MANIFEST,
    ONEROSTER,
    ORGS,
    ROLES,
    SESSIONS,
    STAFF,
    STUDENTS,
    USERS,
)
from rosterbridge.roster.reading import peek_names
from rosterbridge.roster.report import Format

# Files that both formats have are told apart by the others
ONLY_ONEROSTER = frozenset({MANIFEST, ORGS, USERS, ROLES, ENROLLMENTS, "org.csv"})
ONLY_ASM = frozenset(ASM) - {COURSES, CLASSES}
CLEVER = frozenset({"sections.csv", "schools.csv", "teachers.csv"})
CLEVER_CELLS = frozenset({"school_id", "student_id", "section_id", "staff_id", "teacher_id"})
SDS_V1 = frozenset(
    {"school.csv", "section.csv", "student.csv", "teacher.csv", "studentenrollment.csv", "teacherroster.csv"}
)
SDS_V2_1 = frozenset({"userflags.csv", "relationships.csv"})
# Cells that no version of OneRoster has, in files of the same names
SDS_V2_1_CELLS = {
    CLASSES: frozenset({"sessionsourcedids"}),
    USERS: frozenset({"activedirectorymatchid"}),
    ROLES: frozenset({"sessionsourcedid", "isprimary", "rolestartdate", "roleenddate"}),
}


def recognise(archive: Archive) -> Literal["oneroster", "asm"]:
    """Return the format of the archive's files; raises RosterError for one that is neither, or both."""
    names = frozenset(archive.names)
    if _is_clever(archive, names):
        raise RosterError("clever")
    if version := _microsoft_sds(archive, names):
        raise RosterError("microsoft-sds", why=f" ({version})")
    oneroster, asm = names & ONLY_ONEROSTER, names & ONLY_ASM
    if oneroster and asm:
        raise RosterError("mixed-formats", why=f": {min(oneroster)} and {min(asm)}")
    if asm:
        return "asm"
    if oneroster or names & {COURSES, CLASSES}:
        return "oneroster"
    raise RosterError("unknown-format")


def judge_others(archive: Archive, fmt: Format, findings: Findings, *, opened: bool) -> tuple[str, ...]:
    """Return the standard's files that nobody reads, told by their names; note those of no format.

    ``opened`` says that the academic sessions are read after all.
    """
    read = {*ASM} if fmt == "asm" else {*ONEROSTER, *FILE_ALIASES, MANIFEST, *([SESSIONS.casefold()] if opened else [])}
    others = [name for name in archive.names if name not in read]
    known: dict[str, str] = {}
    if others and fmt != "asm":
        from rosterbridge.roster.schemas import oneroster_files  # only now: most packages need no more than is read

        known = {name: oneroster_files()[name] for name in others if name in oneroster_files()}
    for name in others:
        if name not in known:
            findings.add("unknown-file", value=archive.names[name])
    for name in (*known, MANIFEST):
        if name in archive.names and archive.size(name) == 0:
            findings.add("empty-optional-file", file=known.get(name, name))
    return tuple(known.values())


def _is_clever(archive: Archive, names: frozenset[str]) -> bool:
    alone = not names & {MANIFEST, ORGS, USERS, LOCATIONS}
    if len(names & CLEVER) > 1 or (alone and names & CLEVER and names & {STUDENTS, STAFF, ENROLLMENTS}):
        return True
    if not {STUDENTS, ENROLLMENTS} <= names:
        return False
    return bool(peek_names(archive, STUDENTS) & CLEVER_CELLS and peek_names(archive, ENROLLMENTS) & CLEVER_CELLS)


def _microsoft_sds(archive: Archive, names: frozenset[str]) -> str | None:
    """Return the version of Microsoft's format, if it is that."""
    if len(names & SDS_V1) > 1:
        return "V1"
    if names & SDS_V2_1:
        return "V2.1"
    if CLASSES in names:
        header = peek_names(archive, CLASSES)
        is_sds = "orgsourcedid" in header and "schoolsourcedid" not in header
        if not is_sds:
            return None
        return "V2.1" if header & SDS_V2_1_CELLS[CLASSES] or ROLES in names else "V2"
    marked = (name for name in (USERS, ROLES) if name in names and peek_names(archive, name) & SDS_V2_1_CELLS[name])
    return "V2.1" if any(marked) else None
