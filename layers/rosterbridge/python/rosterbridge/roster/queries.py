"""Runs a query of polars that is put together before it runs, so that it copies no row or column in between."""

from __future__ import annotations

import polars as pl


def run(query: pl.LazyFrame) -> pl.DataFrame:
    """Return what it finds; the streaming engine would take a millisecond to start, and half as long again for more."""
    return query.collect(engine="in-memory")
