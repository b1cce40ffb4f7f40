"""References as row numbers: a link costs four bytes where an id costs fifty, and following it needs no search."""

from __future__ import annotations

import polars as pl

from rosterbridge.roster.sheet import FATE, Sheet

FIRST, SECOND = "_first_hash", "_second_hash"
ROW = "_row"


class Index:
    """Finds the row of an id in a sheet; of several rows with one id, one in play is preferred.

    Ids are compared by two hashes of 64 bits: sought by the first, confirmed by the second.
    """

    def __init__(self, sheet: Sheet) -> None:
        rows = sheet.rows.select("sourcedId", FATE, row_number()).filter(pl.col("sourcedId") != "")
        keys = rows.select(*hashes("sourcedId"), ROW)
        if keys[FIRST].n_unique() < keys.height:
            best = rows.sort(pl.col(FATE).is_not_null(), maintain_order=True).unique(
                "sourcedId", keep="first", maintain_order=True
            )
            keys = best.select(*hashes("sourcedId"), ROW)
        self._keys = keys
        self._on = [FIRST] if keys[FIRST].n_unique() == keys.height else [FIRST, SECOND]

    def link_hashes(self, sought: pl.DataFrame) -> pl.Series:
        """Return the row of each pair of FIRST and SECOND, null where there is none."""
        found = sought.join(self._keys, on=self._on, how="left", maintain_order="left")
        if SECOND not in self._on:
            found = found.select(pl.when(pl.col(SECOND) == pl.col(f"{SECOND}_right")).then(ROW))
        return found[ROW]

    def link(self, ids: pl.Series) -> pl.Series:
        """Return the row of each id, null where there is none."""
        return self.link_hashes(pl.DataFrame({"id": ids}).select(hashes("id")))


def hashes(column: str) -> list[pl.Expr]:
    """Return the two hashes by which an Index compares, as columns FIRST and SECOND."""
    return [pl.col(column).hash(1).alias(FIRST), pl.col(column).hash(2).alias(SECOND)]


def row_number() -> pl.Expr:
    """Return the numbers of a frame's rows, to which links point."""
    return pl.int_range(pl.len(), dtype=pl.UInt32).alias(ROW)


def flags(height: int, rows: pl.Series) -> pl.Series:
    """Return for each of ``height`` rows whether a link of ``rows`` points to it."""
    return pl.Series([False]).new_from_index(0, height).scatter(rows.drop_nulls(), True)
