"""One of Apple's files before it is written: which rows of the source it takes, and what of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import polars as pl

from rosterbridge.roster.queries import run

SLICE_ROWS = 65_536  # so many are put together at once


@dataclass(frozen=True)
class AsmTable:
    """The ``columns`` that Apple gets, in order, of the rows that are ``chosen``.

    Nothing is copied before it is written. ``sources`` names for each file of the source the column with the line, or
    the lines, from which a row came. No value of a table that ``is_plain`` needs quotation marks.
    """

    rows: pl.DataFrame
    columns: Mapping[str, pl.Expr]
    sources: Mapping[str, str]
    chosen: pl.Expr = field(default_factory=lambda: pl.lit(value=True))
    is_plain: bool = False

    @cached_property
    def height(self) -> int:
        """How many rows Apple gets."""
        return int(run(self.rows.lazy().filter(self.chosen).select(pl.len())).item())

    def parts(self) -> Iterator[pl.DataFrame]:
        """Yield the rows of the source, a bounded number at a time; at least once, for the header."""
        return self._taken(pl.all())

    def slices(self) -> Iterator[pl.DataFrame]:
        """Yield the rows as they are written, a bounded number at a time; at least once, for the header."""
        return self._taken(*(column.alias(name) for name, column in self.columns.items()))

    def _taken(self, *columns: pl.Expr) -> Iterator[pl.DataFrame]:
        is_first = True
        for rows in self.rows.iter_slices(SLICE_ROWS) if self.rows.height else [self.rows]:
            part = run(rows.lazy().filter(self.chosen).select(columns))
            if is_first or part.height:
                yield part
            is_first = False
