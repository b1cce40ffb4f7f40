"""Tells by content, never by the ZIP's name, what an upload is; look-alikes are refused by their names."""

from __future__ import annotations

from typing import Literal

from rosterbridge.roster.archive import Archive
from rosterbridge.roster.findings import RosterError
from rosterbridge.roster.formats import (
    ASM,
    CLASSES,
    COURSES,
    ENROLLMENTS,
    MANIFEST,
    ORGS,
    ROLES,
    STUDENTS,
    USERS,
)
from rosterbridge.roster.reading import peek_names

# Files that both formats have are told apart by the others
ONLY_ONEROSTER = frozenset({MANIFEST, ORGS, USERS, ROLES, ENROLLMENTS, "org.csv"})
ONLY_ASM = frozenset(ASM) - {COURSES, CLASSES}
CLEVER = frozenset({"sections.csv", "schools.csv", "teachers.csv"})
SDS_V1 = frozenset({"school.csv", "section.csv", "student.csv", "teacher.csv", "studentenrollment.csv"})
SDS_V2 = frozenset({"userflags.csv", "relationships.csv"})


def recognise(archive: Archive) -> Literal["oneroster", "asm"]:
    """Return the format of the archive's files; raises RosterError for one that is neither, or both."""
    names = frozenset(archive.names)
    if len(names & CLEVER) > 1 or ("sections.csv" in names and STUDENTS in names):
        raise RosterError("clever")
    if _is_microsoft_sds(archive, names):
        raise RosterError("microsoft-sds")
    oneroster, asm = names & ONLY_ONEROSTER, names & ONLY_ASM
    if oneroster and asm:
        raise RosterError("mixed-formats")
    if asm:
        return "asm"
    if oneroster or names & {COURSES, CLASSES}:
        return "oneroster"
    raise RosterError("unknown-format")


def _is_microsoft_sds(archive: Archive, names: frozenset[str]) -> bool:
    if len(names & SDS_V1) > 1 or names & SDS_V2:
        return True
    if CLASSES not in names:
        return False
    header = peek_names(archive, CLASSES)
    return "orgsourcedid" in header and "schoolsourcedid" not in header
