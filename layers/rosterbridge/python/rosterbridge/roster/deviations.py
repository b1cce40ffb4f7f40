"""Notes what no rule forbids and what looks wrong all the same; for people and places of both formats.

Frames are given by the file that a report names, with LINE and the columns in question as text; blanks mean nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl

from rosterbridge.roster.findings import LINE, Findings
from rosterbridge.roster.queries import run

FILE, VALUE, FORM = "_file", "_value", "_form"
EMAILS = frozenset({"email", "email_address"})


def note_shared_values(frames: Mapping[str, pl.DataFrame], columns: Iterable[str], findings: Findings) -> None:
    """Note once per column how many of its values stand with several people, and where the first one stands.

    E-mail addresses are compared in lower case, as mail servers do; everything else as it is.
    """
    if findings.levels["shared-value"] == "ignore":
        return
    forms = {name: pl.col(name).str.to_lowercase() if name in EMAILS else pl.col(name) for name in columns}
    for column in _repeated(frames, forms):
        shared = _alike(frames, column, forms[column]).filter(pl.col(FORM).is_duplicated())
        _note("shared-value", shared, shared[FORM].n_unique(), column, findings)


def note_similar_ids(frames: Mapping[str, pl.DataFrame], column: str, findings: Findings) -> None:
    """Note how many ids are told apart only by case or by leading zeros, which a spreadsheet loses."""
    form = pl.col(column).str.to_lowercase().str.strip_chars_start("0")
    if findings.levels["similar-id"] != "ignore" and _repeated(frames, {column: form}):
        rows = _alike(frames, column, form).unique(VALUE, keep="first", maintain_order=True)
        similar = rows.filter(pl.col(FORM).is_duplicated())
        _note("similar-id", similar, similar.height, column, findings)


def note_same_names(frames: Mapping[str, pl.DataFrame], column: str, findings: Findings) -> None:
    """Note how many locations share their name, in any case, with another."""
    form = pl.col(column).str.to_lowercase()
    if findings.levels["same-name-location"] != "ignore" and _repeated(frames, {column: form}):
        same = _alike(frames, column, form).filter(pl.col(FORM).is_duplicated())
        _note("same-name-location", same, same.height, column, findings)


def note_missing(frames: Mapping[str, pl.DataFrame], code: str, column: str, findings: Findings) -> None:
    """Note per file how many rows have no value of ``column``; nothing is counted while ``code`` is ignored."""
    for file, frame in frames.items() if findings.levels[code] != "ignore" else ():
        if count := int((frame[column] == "").sum()):
            findings.add(code, file=file, column=column, count=count)


def _repeated(frames: Mapping[str, pl.DataFrame], forms: Mapping[str, pl.Expr]) -> list[str]:
    """Return the columns of which a form stands twice, told by hashes: quicker than by texts, and most often enough."""
    hashes = pl.concat(
        frame.lazy().select(
            pl.when(pl.col(column) != "").then(form.hash()).alias(column) for column, form in forms.items()
        )
        for frame in frames.values()
    )
    found = run(hashes.select(pl.col(column).drop_nulls().n_unique() < pl.col(column).count() for column in forms))
    return [column for column, is_repeated in found.row(0, named=True).items() if is_repeated]


def _alike(frames: Mapping[str, pl.DataFrame], column: str, form: pl.Expr) -> pl.DataFrame:
    """Return the rows of which the hash of a form stands twice: few, among which the texts are soon compared."""
    rows = run(
        pl.concat(
            frame.lazy()
            .filter(pl.col(column) != "")
            .select(pl.lit(file).alias(FILE), LINE, pl.col(column).alias(VALUE), form.alias(FORM))
            for file, frame in frames.items()
        )
    )
    hashes = rows[FORM].hash()
    ordered = hashes.sort()
    return rows.filter(hashes.is_in(ordered.filter(ordered == ordered.shift(1)).implode()))


def _note(code: str, rows: pl.DataFrame, count: int, column: str, findings: Findings) -> None:
    if count:
        findings.add(code, file=rows[FILE][0], line=rows[LINE][0], column=column, count=count)
