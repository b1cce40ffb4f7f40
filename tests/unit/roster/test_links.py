"""A reference finds the row of its id, however the ids' hashes fall."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import polars as pl
import pytest

from rosterbridge.roster import links
from rosterbridge.roster.findings import Findings
from rosterbridge.roster.links import Index
from rosterbridge.roster.sheet import FATE, FATES, Sheet

IDS = [str(UUID(int=number * 7_919)) for number in range(3_000)]


def sheet(ids: list[str], fates: list[str | None] | None = None) -> Sheet:
    rows = pl.DataFrame({"sourcedId": ids}, schema={"sourcedId": pl.String}).with_columns(
        pl.Series(FATE, fates or [None] * len(ids), FATES)
    )
    return Sheet("users.csv", rows, Findings())


def usual(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave everything as it is."""


def crowded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put hundreds of ids into each of the places where a search begins."""
    monkeypatch.setattr(links, "BUCKETS_PER_ID", 0)
    monkeypatch.setattr(links, "SMALLEST_BITS", 3)


def alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each id one of seven first hashes, the highest possible one among them."""
    hashed = links._hashed

    def few(ids: pl.Series, part: str) -> pl.Series:
        highest = pl.lit(links.HIGHEST, pl.UInt64)
        return pl.select(highest - hashed(ids, part) % 7).to_series() if part == links.FIRST else hashed(ids, part)

    monkeypatch.setattr(links, "_hashed", few)


@pytest.mark.parametrize("arrange", [usual, crowded, alike])
def test_each_id_is_found_in_its_row_and_no_other_anywhere(
    monkeypatch: pytest.MonkeyPatch, arrange: Callable[[pytest.MonkeyPatch], None]
) -> None:
    arrange(monkeypatch)
    known = [*IDS[::2], ""]
    index = Index(sheet(known))

    found = index.link(pl.Series(["", *reversed(IDS), *IDS[:10]]))

    rows = {sourced_id: row for row, sourced_id in enumerate(known) if sourced_id}
    assert found.to_list() == [rows.get(sourced_id) for sourced_id in ("", *reversed(IDS), *IDS[:10])]


def test_of_several_rows_with_one_id_the_first_in_play_is_found() -> None:
    index = Index(sheet(["a", "b", "a", "a", "c", "c"], ["inactive", None, None, None, "inactive", "blank"]))

    assert index.link(pl.Series(["a", "b", "c", "d"])).to_list() == [2, 1, 4, None]


def test_nothing_is_found_where_there_is_nothing() -> None:
    assert Index(sheet([])).link(pl.Series(["a", ""])).to_list() == [None, None]
    assert Index(sheet(["a"])).link(pl.Series([], dtype=pl.String)).to_list() == []
