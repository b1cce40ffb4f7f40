"""Brings the values of a file into the form that the rules compare, batch by batch, and counts what it changed.

Done before anything is compared, so that references still meet (``mapping.md`` rule 19).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from functools import reduce
from operator import or_

import polars as pl

from rosterbridge.roster.findings import Findings
from rosterbridge.roster.formats import BOOLEANS, NAMES, VOCABULARIES, WORDS, FileFormat
from rosterbridge.roster.options import ConversionOptions

CONTROL = r"[\p{Cc}\p{Zl}\p{Zp}]+"  # what Apple does not take in a value, besides quotation marks
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

    def clean(self, frame: pl.DataFrame, skipped: Collection[str] = ()) -> pl.DataFrame:
        """Return the batch with clean values; the columns of ``skipped`` stay as they are."""
        columns = [column for column in self._fmt.columns if column not in skipped]
        changed = [self._clean_words(frame[column]) for column in columns if column in WORDS]
        changed += self._clean_texts(frame, [column for column in columns if column not in WORDS])
        return frame.with_columns(series for series in changed if series is not None)

    def report(self, findings: Findings) -> None:
        """Note what was changed."""
        for code in ("status-in-bulk", "value-cleaned", "null-word", "value-respelled"):
            for column in self._fmt.columns:
                if count := self._counts[code, column]:
                    findings.add(code, file=self._fmt.name, column=column, count=count)

    def _clean_texts(self, frame: pl.DataFrame, columns: list[str]) -> Iterator[pl.Series]:
        if not columns or frame.is_empty():
            return
        named = [column for column in columns if column not in NAMES] if self._empties else []
        checks = frame.select(pl.col(columns).str.contains(DIRTY).any()).row(0, named=True)
        empties = frame.select(_is_one_of(pl.col(named), self._empties).any()).row(0, named=True) if named else {}
        for column in columns:
            series = frame[column]
            if checks[column]:
                series = self._counted("value-cleaned", series, frame.select(cleaned(pl.col(column)))[column])
            if empties.get(column) or (checks[column] and column in named):
                series = self._emptied(series)
            if series is not frame[column]:
                yield series

    def _emptied(self, series: pl.Series) -> pl.Series:
        nulls = series.is_in(self._empties)
        self._counts["null-word", series.name] += int(nulls.sum())
        return series.set(nulls, "")

    def _counted(self, code: str, before: pl.Series, after: pl.Series) -> pl.Series:
        self._counts[code, before.name] += int((before != after).sum())
        return after

    def _clean_words(self, series: pl.Series) -> pl.Series | None:
        """Return a column of few different values with each of them cleaned; None where all are plain already."""
        words, plain = series.unique(), self._plain[series.name]
        if series.name == "status" and words.to_list() not in ([], [""]):
            self._counts["status-in-bulk", "status"] += int((series != "").sum())
        if plain.issuperset(words.to_list()):
            return None
        table = series.value_counts(name="count")
        clean = table.select(cleaned(pl.col(series.name)))[series.name]
        self._counts["value-cleaned", series.name] += int(table["count"].filter(clean != table[series.name]).sum())
        if self._empties:
            nulls = clean.is_in(self._empties)
            self._counts["null-word", series.name] += int(table["count"].filter(nulls).sum())
            clean = clean.set(nulls, "")
        spelled = _respelled(clean)
        if series.name in VOCABULARIES:
            odd = ~clean.is_in(list(_standard(series.name))) & spelled.is_in(list(_known(series.name)))
            self._counts["value-respelled", series.name] += int(table["count"].filter(odd).sum())
        unchanged = spelled == table[series.name]
        plain.update(table[series.name].filter(unchanged).to_list())
        return series.replace(table[series.name].filter(~unchanged), spelled.filter(~unchanged))


def _is_one_of(texts: pl.Expr, words: Collection[str]) -> pl.Expr:
    """Return what ``is_in`` does, quicker for a few words."""
    return reduce(or_, (texts == word for word in words))


def cleaned(text: pl.Expr) -> pl.Expr:
    """Return a text as Apple takes it: apostrophes for quotation marks, a space for control characters (rule 19)."""
    return text.str.replace_all('"', "'", literal=True).str.replace_all(CONTROL, " ").str.strip_chars()


def _respelled(words: pl.Series) -> pl.Series:
    """Return enumerations in lower case and booleans as true and false; dates and other words stay as they are."""
    if words.name not in VOCABULARIES:
        return words
    lower = words.str.to_lowercase()
    return lower.replace(BOOLEANS) if VOCABULARIES[words.name] is BOOLEANS else lower


def _standard(column: str) -> Collection[str]:
    return STANDARD_BOOLEANS if VOCABULARIES[column] is BOOLEANS else VOCABULARIES[column]


def _known(column: str) -> Collection[str]:
    """Return the words, in lower case after respelling, that a column may hold."""
    return STANDARD_BOOLEANS if VOCABULARIES[column] is BOOLEANS else {word.lower() for word in VOCABULARIES[column]}
