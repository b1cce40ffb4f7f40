"""One of Apple's files before it is written: rows that still know their source, ids that are still row numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import polars as pl

SLICE_ROWS = 262_144


@dataclass(frozen=True)
class AsmTable:
    """The ``columns`` that Apple gets, in order; those of ``ids`` hold row numbers until they are written.

    ``sources`` names for each file of the source the column with the line, or the lines, from which a row came.
    """

    rows: pl.DataFrame
    columns: tuple[str, ...]
    sources: Mapping[str, str]
    ids: Mapping[str, pl.Series] = field(default_factory=dict)

    @property
    def height(self) -> int:
        """How many rows Apple gets."""
        return self.rows.height

    def raw_slices(self) -> Iterator[pl.DataFrame]:
        """Yield the rows as they are held, a bounded number at a time; at least once, for the header."""
        return self.rows.iter_slices(SLICE_ROWS) if self.height else iter([self.rows])

    def slices(self) -> Iterator[pl.DataFrame]:
        """Yield the rows as they are written, a bounded number at a time; at least once, for the header."""
        written = [
            pl.lit(self.ids[column]).gather(pl.col(column)).alias(column) if column in self.ids else pl.col(column)
            for column in self.columns
        ]
        for rows in self.raw_slices():
            yield rows.select(written)
