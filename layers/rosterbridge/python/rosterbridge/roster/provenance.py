"""Where each row that Apple gets came from: source files and lines, and not a value of the roster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, BinaryIO, cast

import polars as pl
from isal import igzip

from rosterbridge.roster.tables import AsmTable

COLUMNS = ("file", "line", "source", "source_lines")
HEADER_LINES = 1


def write_provenance(tables: Mapping[str, AsmTable], path: Path) -> None:
    """Write one CSV row for each row and source of Apple's files, with spaces between the lines; packed if a .gz."""
    opened = igzip.open(path, "wb", compresslevel=1) if path.suffix == ".gz" else path.open("wb")  # type: ignore[no-untyped-call]
    with cast("BinaryIO", opened) as sink:
        sink.write((",".join(COLUMNS) + "\n").encode())
        for name, table in tables.items():
            for rows in _origins(name, table):
                rows.write_csv(cast("IO[bytes]", sink), include_header=False)


def _origins(name: str, table: AsmTable) -> Iterator[pl.DataFrame]:
    """Yield the origins of a table's rows, a bounded number at a time."""
    first = HEADER_LINES + 1
    for rows in table.parts():
        lines = pl.int_range(first, first + pl.len(), dtype=pl.UInt32)
        parts = [
            rows.select(
                pl.lit(name).alias("file"), lines.alias("line"), pl.lit(file).alias("source"), _text(rows, column)
            )
            for file, column in table.sources.items()
        ]
        listed = pl.concat(parts).filter(pl.col("source_lines") != "")
        yield listed.sort("line", maintain_order=True) if len(parts) > 1 else listed
        first += rows.height


def _text(rows: pl.DataFrame, column: str) -> pl.Expr:
    lines = pl.col(column)
    if isinstance(rows.schema[column], pl.List):
        return lines.list.sort().cast(pl.List(pl.String)).list.join(" ").fill_null("").alias("source_lines")
    return lines.cast(pl.String).fill_null("").alias("source_lines")
