"""Mends an upload in Apple's own format: unknown instructors are emptied, rosters of nobody or nothing are dropped.

Every change is an entry of the report (``mapping.md``, ASM-format uploads); what is not mended here stays an error.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import polars as pl

from rosterbridge.roster.asm import Frames, columns_of, references_of, refers_to_nothing
from rosterbridge.roster.cleaning import clean_columns
from rosterbridge.roster.findings import Findings
from rosterbridge.roster.formats import ASM, CLASSES, ROSTERS, STAFF
from rosterbridge.roster.options import AsmRepair
from rosterbridge.roster.reading import Batch

ROSTER_REPAIRS: Mapping[AsmRepair, str] = {"roster-classes": "class_id", "roster-students": "student_id"}


def mend(frames: Frames, repairs: Collection[AsmRepair], findings: Findings) -> dict[str, pl.DataFrame]:
    """Return the frames as they are written anew; the changes are in ``findings``.

    Values are cleaned first (rule 19), since the writer takes no others, and so that clean ones may meet again.
    """
    mended = {name: _clean(name, frame, findings) for name, frame in frames.items()}
    if "instructors" in repairs:
        mended[CLASSES] = _without_unknown_instructors(mended, findings)
    for repair, column in ROSTER_REPAIRS.items():
        if repair in repairs:
            mended[ROSTERS] = _without_unknown(column, mended, findings)
    return mended


def _clean(name: str, frame: pl.DataFrame, findings: Findings) -> pl.DataFrame:
    changed = clean_columns(Batch(frame), columns_of(ASM[name], frame))
    for column, (_, count) in changed.items():
        if count:
            findings.add("value-cleaned", file=name, column=column, count=count)
    return frame.with_columns(series for series, _ in changed.values())


def _without_unknown_instructors(frames: Frames, findings: Findings) -> pl.DataFrame:
    """Return the classes with unknown instructors emptied; the others keep their places."""
    rows = frames[CLASSES]
    for column, other in references_of(ASM[CLASSES], rows):
        if other == STAFF:
            unknown = refers_to_nothing(column, other, frames)
            _note("instructor-emptied", rows.filter(unknown), CLASSES, column, other, findings)
            rows = rows.with_columns(pl.when(unknown).then(pl.lit("")).otherwise(column).alias(column))
    return rows


def _without_unknown(column: str, frames: Frames, findings: Findings) -> pl.DataFrame:
    """Return the rosters without those whose class, or whose student, is not there."""
    other, rows = ASM[ROSTERS].references[column], frames[ROSTERS]
    unknown = refers_to_nothing(column, other, frames)
    _note("roster-dropped", rows.filter(unknown), ROSTERS, column, other, findings)
    return rows.filter(~unknown)


def _note(code: str, rows: pl.DataFrame, file: str, column: str, other: str, findings: Findings) -> None:
    findings.add_rows(code, rows, file=file, column=column, other=other, key=ASM[other].key)
