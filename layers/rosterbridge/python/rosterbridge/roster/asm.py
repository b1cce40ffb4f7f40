"""Reads and checks an upload in Apple's own format, and changes nothing: ``repair`` mends what may be mended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

from rosterbridge.roster.archive import Archive
from rosterbridge.roster.codes import Level
from rosterbridge.roster.deviations import note_missing, note_same_names, note_shared_values, note_similar_ids
from rosterbridge.roster.enrollments import UNUSUAL_ID
from rosterbridge.roster.findings import Findings, RosterError
from rosterbridge.roster.formats import (
    ASM,
    CLASSES,
    COURSES,
    LOCATIONS,
    PASSWORD_POLICIES,
    ROSTERS,
    STAFF,
    STUDENTS,
    AsmFile,
    FileFormat,
)
from rosterbridge.roster.reading import CsvFile, open_csv, peek_header
from rosterbridge.roster.sheet import among

Frames = Mapping[str, pl.DataFrame]


def open_asm(archive: Archive, findings: Findings) -> Iterator[CsvFile]:
    """Yield the six files in Apple's order, ready to be read; what is wrong with their names and headers is noted.

    Raises RosterError.
    """
    if archive.folder:
        findings.add("files-in-folder")
    missing = [name for name in ASM if name not in archive.names]
    for name in missing[:-1]:
        findings.add("missing-file", file=name)
    if missing:
        raise RosterError("missing-file", file=missing[-1])
    for file in ASM.values():
        yield _open(archive, file, findings)


def read_asm(archive: Archive, findings: Findings) -> dict[str, pl.DataFrame]:
    """Return the six files' frames; what is wrong with names, headers and rows is in ``findings``. Raises RosterError.

    Each frame has Apple's columns and those numbered ones that its header has, as text, with LINE and FATE.
    """
    return {file.fmt.name: _read(file, findings) for file in open_asm(archive, findings)}


def check_asm(frames: Frames, findings: Findings) -> None:
    """Note everything in the rows that Apple would refuse."""
    for name, file in ASM.items():
        _check_rows(file, frames[name], findings)
    for file in ASM.values():
        _check_references(file, frames, findings)
    twice = frames[STAFF].filter(pl.col("person_id").is_in(among(frames[STUDENTS]["person_id"])))
    findings.add_rows("asm-person-twice", twice.filter(pl.col("person_id") != ""), file=STAFF, column="person_id")
    if frames[STUDENTS].is_empty():
        findings.add("no-students", file=STUDENTS)


def is_refused(frames: Frames, levels: Mapping[str, Level]) -> bool:
    """Whether Apple would refuse the rows as they stand."""
    trial = Findings(levels)
    check_asm(frames, trial)
    return trial.rejected_by is not None


def note_deviations(frames: Frames, findings: Findings) -> None:
    """Note what Apple takes and what looks wrong all the same."""
    for name, code in ((STAFF, "no-staff"), (ROSTERS, "no-rosters")):
        if frames[name].is_empty():
            findings.add(code, file=name)
    for name, file in ASM.items():
        if unusual := int(frames[name][file.key].str.contains(UNUSUAL_ID).sum()):
            findings.add("unusual-id", file=name, column=file.key, count=unusual)
    note_missing({CLASSES: frames[CLASSES]}, "blank-value", "class_number", findings)
    note_missing({COURSES: frames[COURSES]}, "blank-value", "course_name", findings)
    people = {name: frames[name] for name in (STUDENTS, STAFF)}
    note_missing(people, "missing-email", "email_address", findings)
    note_missing(people, "missing-username", "sis_username", findings)
    note_shared_values(people, ("email_address", "sis_username", "person_number"), findings)
    note_similar_ids(people, "person_id", findings)
    note_same_names({LOCATIONS: frames[LOCATIONS]}, "location_name", findings)


def columns_of(file: AsmFile, frame: pl.DataFrame) -> tuple[str, ...]:
    """Return the columns of a file that a frame has, in Apple's order."""
    return tuple(column for column in _known(file) if column in frame.columns)


def references_of(file: AsmFile, frame: pl.DataFrame) -> Iterator[tuple[str, str]]:
    """Yield each column that refers to another file, numbered ones too, with the name of that file."""
    for column in columns_of(file, frame):
        numbered = file.repeated is not None and column.startswith(f"{file.repeated}_")
        other = file.references.get(file.repeated if numbered and file.repeated else column)
        if other is not None:
            yield column, other


def refers_to_nothing(column: str, other: str, frames: Frames) -> pl.Expr:
    """Return whether a value of ``column`` is filled in and is no key of the file ``other``."""
    return (pl.col(column) != "") & ~pl.col(column).is_in(among(frames[other][ASM[other].key]))


def _known(file: AsmFile) -> list[str]:
    return [*file.columns, *(file.repeats(file.repeats_to) if file.repeated else ())]


def _open(archive: Archive, file: AsmFile, findings: Findings) -> CsvFile:
    written = archive.names[file.name]
    if written != file.name:
        findings.add("wrong-file-name", file=file.name, value=written)
    header = peek_header(archive, file.name) if archive.size(file.name) else []
    known = _known(file)
    for cell in (cell for cell in header if cell not in known):
        findings.add_cell("wrong-header", cell, file=file.name, line=1)
    present = tuple(column for column in known if column in header or column in file.columns)
    fmt = FileFormat(file.name, present, frozenset(file.columns), separators=",;", escape="\\")
    opened = open_csv(archive, file.name, fmt)
    if opened is None:
        raise RosterError("empty-file", file=file.name)
    opened.place_columns(findings)
    return opened


def _read(file: CsvFile, findings: Findings) -> pl.DataFrame:
    name = file.fmt.name
    frame = pl.concat(file.frames(findings))
    if ragged := findings.count("short-row", name) + findings.count("surplus-values", name):
        findings.add("asm-row-length", file=name, count=ragged)
    return frame


def _check_rows(file: AsmFile, frame: pl.DataFrame, findings: Findings) -> None:
    for column in file.required:
        findings.add_rows("asm-missing-value", frame.filter(pl.col(column) == ""), file=file.name, column=column)
    key = pl.col(file.key)
    again = frame.filter((key != "") & ~key.is_first_distinct())
    findings.add_rows("asm-duplicate-id", again, file=file.name, column=file.key)
    if "password_policy" in file.columns:
        odd = frame.filter(~pl.col("password_policy").is_in(list(PASSWORD_POLICIES)))
        findings.add_rows("asm-password-policy", odd, file=file.name, column="password_policy")


def _check_references(file: AsmFile, frames: Frames, findings: Findings) -> None:
    for column, other in references_of(file, frames[file.name]):
        broken = frames[file.name].filter(refers_to_nothing(column, other, frames))
        key = ASM[other].key
        findings.add_rows("asm-unknown-reference", broken, file=file.name, column=column, other=other, key=key)
