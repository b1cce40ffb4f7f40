"""Checks an upload in Apple's own format: what is clean goes on byte for byte, so nothing is mended silently."""

from __future__ import annotations

import polars as pl

from rosterbridge.roster.archive import Archive
from rosterbridge.roster.findings import LINE, Findings, RosterError
from rosterbridge.roster.formats import ASM, PASSWORD_POLICIES, STAFF, STUDENTS, AsmFile, FileFormat
from rosterbridge.roster.reading import peek_header, read_table
from rosterbridge.roster.sheet import FATE, among


def check_asm(archive: Archive, findings: Findings) -> dict[str, pl.DataFrame]:
    """Return the six files' frames; everything that Apple would refuse is in ``findings``. Raises RosterError."""
    if archive.folder:
        findings.add("files-in-folder")
    missing = [name for name in ASM if name not in archive.names]
    for name in missing[:-1]:
        findings.add("missing-file", file=name)
    if missing:
        raise RosterError("missing-file", file=missing[-1])
    frames = {name: _read(archive, file, findings) for name, file in ASM.items()}
    for name, file in ASM.items():
        _check_rows(file, frames[name], findings)
    for file in ASM.values():
        _check_references(file, frames, findings)
    twice = frames[STAFF].filter(pl.col("person_id").is_in(among(frames[STUDENTS]["person_id"])))
    findings.add_rows("asm-person-twice", twice.filter(pl.col("person_id") != ""), file=STAFF, column="person_id")
    if frames[STUDENTS].is_empty():
        findings.add("no-students", file=STUDENTS)
    if frames[STAFF].is_empty():
        findings.add("no-staff", file=STAFF)
    return frames


def _read(archive: Archive, file: AsmFile, findings: Findings) -> pl.DataFrame:
    written = archive.names[file.name]
    if written != file.name:
        findings.add("wrong-file-name", file=file.name, value=written)
    header = peek_header(archive, file.name)
    known = [*file.columns, *(file.repeats(file.repeats_to) if file.repeated else ())]
    for column in (cell for cell in header if cell not in known):
        findings.add("wrong-header", file=file.name, line=1, column=column)
    present = tuple(column for column in known if column in header or column in file.columns)
    fmt = FileFormat(file.name, present, frozenset(file.columns), separators=",;", escape="\\")
    frame = read_table(archive, file.name, fmt, findings)
    if frame is None:
        raise RosterError("empty-file", file=file.name)
    if ragged := findings.count("short-row", file.name) + findings.count("surplus-values", file.name):
        findings.add("asm-row-length", file=file.name, count=ragged)
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


def _check_references(file: AsmFile, frames: dict[str, pl.DataFrame], findings: Findings) -> None:
    frame = frames[file.name]
    for column in (name for name in frame.columns if name not in (LINE, FATE)):
        other = file.references.get(_unnumbered(file, column))
        if other is None:
            continue
        key = ASM[other].key
        broken = frame.filter((pl.col(column) != "") & ~pl.col(column).is_in(among(frames[other][key])))
        findings.add_rows("asm-unknown-reference", broken, file=file.name, column=column, other=other, key=key)


def _unnumbered(file: AsmFile, column: str) -> str:
    """Return the column that a numbered one repeats: ``location_id`` for ``location_id_7``."""
    return file.repeated if file.repeated and column.startswith(f"{file.repeated}_") else column
