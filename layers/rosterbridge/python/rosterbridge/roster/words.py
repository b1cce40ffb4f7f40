"""Columns in which few different words stand many times: each word once, and a small number in its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date
from functools import reduce
from operator import or_

import polars as pl

MAX_WORDS = 2**16 - 1  # what does not fit is read as one unknown word
FEW = 8  # to compare with each of so many words is quicker than to look for the different ones
MONTHS = 12
ISO_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T].*)?")
SLASHED_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?: .*)?")


class Words:
    """A column's words by number; ``encode`` may be called batch by batch."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def encode(self, series: pl.Series) -> pl.Series:
        """Return the number of each word."""
        if (encoded := self._known_numbers(series)) is not None:
            return encoded
        words = series.unique(maintain_order=True).to_list()  # or chance would choose what does not fit
        for word in words:
            if len(self._numbers) < MAX_WORDS:
                self._numbers.setdefault(word, len(self._numbers))
        if (encoded := self._known_numbers(series)) is not None:
            return encoded
        numbers = [self._numbers.get(word, MAX_WORDS) for word in words]
        return series.replace_strict(words, numbers, return_dtype=pl.UInt16)

    def _known_numbers(self, series: pl.Series) -> pl.Series | None:
        """Return the number of each word of a column that has none but few known ones."""
        places = {number: series == word for word, number in self._numbers.items()} if len(self._numbers) <= FEW else {}
        counts = {number: int(there.sum()) for number, there in places.items()}
        if sum(counts.values()) < series.len():
            return None
        most = max(counts, key=lambda number: counts[number], default=0)
        numbers = pl.Series([most], dtype=pl.UInt16).new_from_index(0, series.len())
        for number in (number for number, count in counts.items() if count and number != most):
            numbers = numbers.set(places[number], number)
        return numbers.alias(series.name)

    def marks(self, numbers: pl.Series, meets: Callable[[str], bool]) -> pl.Series:
        """Return for each number whether its word meets the condition; the unknown word never does."""
        return self.meanings(numbers, meets, pl.Boolean()).fill_null(value=False)

    def meanings(self, numbers: pl.Series, meaning: Callable[[str], object], dtype: pl.DataType) -> pl.Series:
        """Return for each number what its word means; null for the unknown word."""
        table = pl.Series([meaning(word) for word in self._numbers] or [None], dtype=dtype)
        return table.gather(numbers.replace(MAX_WORDS, None) if len(table) >= MAX_WORDS else numbers)

    @property
    def all(self) -> tuple[str, ...]:
        """Every word met so far."""
        return tuple(self._numbers)


def holds_only(series: pl.Series, words: Iterable[str]) -> bool:
    """Whether a column has no other words; quicker than ``is_in`` for a few."""
    return bool(reduce(or_, (series == word for word in words)).all())


def read_dates(words: Iterable[str]) -> tuple[dict[str, date], set[str]]:
    """Return the dates that the words of one file mean, and the words that mean none for sure.

    ISO dates may carry a time. Dates with slashes are read only if one of them proves the order of day and month, and
    none the opposite: a wrong guess would end the wrong roles.
    """
    words = [word for word in words if word]
    slashed = {word: match for word in words if (match := SLASHED_DATE.fullmatch(word))}
    day_first = any(int(match[1]) > MONTHS for match in slashed.values())
    month_first = any(int(match[2]) > MONTHS for match in slashed.values())
    found: dict[str, date] = {}
    for word in words:
        if match := ISO_DATE.fullmatch(word):
            parts = (match[1], match[2], match[3])
        elif (match := slashed.get(word)) and day_first != month_first:
            parts = (match[3], match[2], match[1]) if day_first else (match[3], match[1], match[2])
        else:
            continue
        try:
            found[word] = date(*(int(part) for part in parts))
        except ValueError:
            continue
    return found, set(words) - found.keys()
