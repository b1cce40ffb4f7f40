"""References as row numbers: a link costs four bytes where an id costs fifty, and following it needs no search."""

from __future__ import annotations

import os

import polars as pl

from rosterbridge.roster.sheet import FATE, Sheet

FIRST, SECOND = "_first_hash", "_second_hash"
ROW = "_row"
# Of this process alone, so that nobody can make ids whose hashes begin alike
SEEDS = {part: int.from_bytes(os.urandom(8), "little") for part in (FIRST, SECOND)}
HIGHEST = 2**64 - 1
BUCKETS_PER_ID = 4  # so that seven ids of eight stand alone in theirs
SMALLEST_BITS = 12


class Index:
    """Finds the row of an id in a sheet; of several rows with one id, one in play is preferred.

    Ids are compared by two hashes of 64 bits. They are sorted by the first one, whose leading bits say where to begin:
    most stand there, the others a few places on. A join would take three times as long.
    """

    def __init__(self, sheet: Sheet) -> None:
        ids, rows = sheet.rows["sourcedId"], pl.int_range(sheet.rows.height, dtype=pl.UInt32, eager=True)
        if (ids == "").any():
            there = ids != ""
            ids, rows = ids.filter(there), rows.filter(there)
        first, order = _sorted(ids)
        if (first[1:] == first[:-1]).any():
            ids, rows = _preferred(ids, rows, sheet.rows[FATE])
            first, order = _sorted(ids)
        self._first = _with_end(first, HIGHEST)  # every search ends there
        self._second = _with_end(_hashed(ids, SECOND)[order], 0)
        self._rows = _with_end(rows[order], None)
        self._bucket_size = 2 ** (64 - max(SMALLEST_BITS, (first.len() * BUCKETS_PER_ID).bit_length()))
        buckets = self._buckets(self._first)
        is_begin = pl.Series([True]).extend(buckets[1:] != buckets[:-1])
        places = pl.int_range(buckets.len(), dtype=pl.UInt32, eager=True)
        nowhere = places[-1:].new_from_index(0, 2**64 // self._bucket_size)
        self._begins = nowhere.scatter(buckets.filter(is_begin), places.filter(is_begin))

    def _buckets(self, first: pl.Series) -> pl.Series:
        buckets: pl.Series = first // self._bucket_size
        return buckets.cast(pl.UInt32)

    def link_hashes(self, first: pl.Series, second: pl.Series) -> pl.Series:
        """Return the row of each pair of hashes, null where there is none."""
        places = self._begins[self._buckets(first)]
        hits, ahead = self._compared(places, first, second)
        rows = self._rows[places].set(~hits, None)
        asked = pl.int_range(rows.len(), dtype=pl.UInt32, eager=True)
        while ahead.any():
            asked, first, second = asked.filter(ahead), first.filter(ahead), second.filter(ahead)
            places = places.filter(ahead) + 1
            hits, ahead = self._compared(places, first, second)
            rows = rows.scatter(asked.filter(hits), self._rows[places.filter(hits)])
        return rows

    def _compared(self, places: pl.Series, first: pl.Series, second: pl.Series) -> tuple[pl.Series, pl.Series]:
        """Return which ids stand at their places, and which may stand further on."""
        keys = self._first[places]
        hits = (keys == first) & (self._second[places] == second)
        return hits, ~hits & (keys <= first) & (places < self._first.len() - 1)

    def link(self, ids: pl.Series) -> pl.Series:
        """Return the row of each id, null where there is none."""
        return self.link_hashes(_hashed(ids, FIRST), _hashed(ids, SECOND))


def _sorted(ids: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return the first hashes of the ids in order, and where these stood."""
    first = _hashed(ids, FIRST)
    order = first.arg_sort()
    return first[order], order


def _preferred(ids: pl.Series, rows: pl.Series, fates: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return each id once, with the first of its rows that is in play, or else the first."""
    known = pl.DataFrame({"id": ids, ROW: rows, FATE: fates[rows]})
    in_play_first = known.sort(pl.col(FATE).is_not_null(), maintain_order=True)
    found = in_play_first.unique("id", keep="first", maintain_order=True)
    return found["id"], found[ROW]


def _hashed(ids: pl.Series, part: str) -> pl.Series:
    return ids.hash(SEEDS[part])


def _with_end(series: pl.Series, end: int | None) -> pl.Series:
    return series.extend(pl.Series([end], dtype=series.dtype))


def hashes(column: str) -> list[pl.Expr]:
    """Return the two hashes by which an Index compares, as columns FIRST and SECOND."""
    return [pl.col(column).hash(seed).alias(part) for part, seed in SEEDS.items()]


def row_number() -> pl.Expr:
    """Return the numbers of a frame's rows, to which links point."""
    return pl.int_range(pl.len(), dtype=pl.UInt32).alias(ROW)


def flags(height: int, rows: pl.Series) -> pl.Series:
    """Return for each of ``height`` rows whether a link of ``rows`` points to it."""
    return pl.Series([False]).new_from_index(0, height).scatter(rows.drop_nulls() if rows.null_count() else rows, True)
