"""Brings the values of a file into the form that the rules compare, batch by batch, and counts what it changed.

Done before anything is compared, so that references still meet (``mapping.md`` rule 19).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from functools import reduce
from operator import or_

import polars as pl

from rosterbridge.roster.findings import Findings
from rosterbridge.roster.formats import BOOLEANS, NAMES, VOCABULARIES, WORDS, FileFormat
from rosterbridge.roster.options import ConversionOptions
from rosterbridge.roster.reading import Batch
from rosterbridge.roster.words import FEW, holds_only

CONTROL = r"[\p{Cc}\p{Zl}\p{Zp}]+"  # what Apple does not take in a value, besides quotation marks
CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")  # the same, for one text
DIRTY = r'["\p{Cc}\p{Zl}\p{Zp}]|^\s|\s$'
STANDARD_BOOLEANS = frozenset({"", "true", "false"})
NULL_WORDS = ("NULL", "null", "N/A", "-")


class Cleaner:
    """Cleans the batches of one file; ``report`` notes once per column what was changed, with the counts."""

    def __init__(self, fmt: FileFormat, options: ConversionOptions) -> None:
        self._fmt = fmt
        self._empties = NULL_WORDS if options.null_words == "empty" else ()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._plain: dict[str, set[str]] = {column: set() for column in WORDS}

    def clean(self, batch: Batch, skipped: Collection[str] = ()) -> pl.DataFrame:
        """Return the rows with clean values; the columns of ``skipped`` stay as they are."""
        frame = batch.rows
        columns = [column for column in self._fmt.columns if column not in skipped]
        changed = [self._clean_words(frame[column]) for column in columns if column in WORDS]
        texts = [column for column in columns if column not in WORDS]
        changed += self._clean_texts(batch, texts)
        return frame.with_columns(series for series in changed if series is not None)

    def report(self, findings: Findings) -> None:
        """Note what was changed."""
        for code in ("status-in-bulk", "value-cleaned", "null-word", "value-respelled"):
            for column in self._fmt.columns:
                if count := self._counts[code, column]:
                    findings.add(code, file=self._fmt.name, column=column, count=count)

    def _clean_texts(self, batch: Batch, columns: list[str]) -> Iterator[pl.Series]:
        frame = batch.rows
        if frame.is_empty():
            return
        named = [column for column in columns if column not in NAMES] if self._empties else []
        changed = clean_columns(batch, columns)
        empties = frame.select(_is_one_of(pl.col(named), self._empties).any()).row(0, named=True) if named else {}
        for column in columns:
            series = frame[column]
            if column in changed:
                series, count = changed[column]
                self._counts["value-cleaned", column] += count
            if empties.get(column) or (column in changed and column in named):
                series = self._emptied(series)
            if series is not frame[column]:
                yield series

    def _emptied(self, series: pl.Series) -> pl.Series:
        nulls = series.is_in(self._empties)
        self._counts["null-word", series.name] += int(nulls.sum())
        return series.set(nulls, "")

    def _clean_words(self, series: pl.Series) -> pl.Series | None:
        """Return a column of few different values with each of them cleaned; None where all are plain already."""
        plain = self._plain[series.name]
        if 0 < len(plain) <= FEW and holds_only(series, plain) and (series.name != "status" or plain == {""}):
            return None
        words = series.unique().to_list()
        if series.name == "status" and words not in ([], [""]):
            self._counts["status-in-bulk", "status"] += int((series != "").sum())
        new = [word for word in words if word not in plain]
        if not new:
            return None
        spelled = {word: self._spelled(series.name, word) for word in new}
        plain.update(word for word, (same, codes) in spelled.items() if word == same and not codes)
        noted = [word for word, (_, codes) in spelled.items() if codes]
        for word, count in series.filter(series.is_in(noted)).value_counts().iter_rows() if noted else ():
            self._counts.update({(code, series.name): count for code in spelled[word][1]})
        changed = {word: other for word, (other, _) in spelled.items() if word != other}
        return series.replace(changed) if changed else None

    def _spelled(self, column: str, word: str) -> tuple[str, list[str]]:
        """Return a word as the rules compare it, and what there is to say of how it was written."""
        codes = []
        clean = clean_text(word)
        if clean != word:
            codes.append("value-cleaned")
        if clean in self._empties:
            codes.append("null-word")
            clean = ""
        if column not in VOCABULARIES:
            return clean, codes
        known, lower = VOCABULARIES[column], clean.lower()
        is_boolean = known is BOOLEANS
        spelled, standard = (BOOLEANS.get(lower, lower), STANDARD_BOOLEANS) if is_boolean else (lower, known)
        if clean not in standard and spelled in {word.lower() for word in standard}:
            codes.append("value-respelled")
        return spelled, codes


def _is_one_of(texts: pl.Expr, words: Collection[str]) -> pl.Expr:
    """Return what ``is_in`` does, quicker for a few words."""
    return reduce(or_, (texts == word for word in words))


def cleaned(text: pl.Expr) -> pl.Expr:
    """Return a text as Apple takes it: apostrophes for quotation marks, a space for control characters (rule 19)."""
    return text.str.replace_all('"', "'", literal=True).str.replace_all(CONTROL, " ").str.strip_chars()


def clean_columns(batch: Batch, columns: Sequence[str]) -> dict[str, tuple[pl.Series, int]]:
    """Return the columns that hold what is to be cleaned, clean, each with the count of its changed values."""
    if batch.is_usual or not columns:
        return {}
    changed: dict[str, tuple[pl.Series, int]] = {}
    for dirty in _dirty(batch, columns):
        if dirty.any():
            texts, places = batch.rows[dirty.name], dirty.arg_true()
            old = texts[places]
            new = old.to_frame().select(cleaned(pl.col(dirty.name))).to_series()
            changed[dirty.name] = texts.clone().scatter(places, new), int((new != old).sum())
    return changed


def _dirty(batch: Batch, columns: Sequence[str]) -> pl.DataFrame:
    """Return where something may have to be cleaned."""
    texts = pl.col(columns).str
    if batch.doubtful is None:
        return batch.rows.select(texts.contains(DIRTY))
    spaced = batch.rows.select(texts.starts_with(" ") | texts.ends_with(" "))
    if not batch.doubtful:
        return spaced
    places = pl.Series(batch.doubtful, dtype=pl.UInt32)
    others = batch.rows[places].select(texts.contains(DIRTY))
    return pl.DataFrame([column.scatter(places, others[column.name]) for column in spaced])


def clean_text(text: str) -> str:
    """Return one text as ``cleaned`` returns many."""
    return CONTROLS.sub(" ", text.replace('"', "'")).strip()
