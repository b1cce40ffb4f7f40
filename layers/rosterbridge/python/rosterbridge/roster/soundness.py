"""Whether quotation marks stand where CSV wants them: polars reads a good deal else, and loses marks on the way."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from rosterbridge.roster.pieces import Piece


@dataclass(frozen=True)
class Inside:
    """How many marks of a piece belong to values: quotation marks, line feeds and carriage returns."""

    quotes: int = 0
    newlines: int = 0
    returns: int = 0


def marks_inside(piece: Piece, separator: str) -> Inside | None:
    """Return the marks inside the quoted values of a piece; None unless every value with a quotation mark is enclosed
    in them, every one inside is doubled, and every carriage return has its line feed.
    """
    if not piece.quotes:
        return Inside()
    try:  # not by decode(), which makes wide characters of all of a text that has one
        text = pl.Series("text", [piece.data], dtype=pl.Binary).cast(pl.String)
    except pl.exceptions.PolarsError:
        return None
    if piece.returns and text.str.contains(r"\r(?:[^\n]|$)").any():
        return None
    # Marks open and close values by turns, so that every second part is outside; one that is empty is a doubled mark
    outside, inside = pl.col("text").gather_every(2), pl.col("text").gather_every(2, offset=1)
    after_closing, before_opening = outside.slice(1).str.head(1), outside.head(pl.len() // 2).str.tail(1)
    well, doubled, newlines, returns = (
        text.str.split('"')
        .explode()
        .to_frame()
        .select(
            after_closing.is_in([separator, "\r", "\n", ""]).all()
            & before_opening.is_in([separator, "\n", ""]).all().alias("well"),
            (after_closing == "").sum().alias("doubled"),
            inside.str.count_matches("\n", literal=True).sum().alias("newlines"),
            inside.str.count_matches("\r", literal=True).sum().alias("returns"),
        )
        .row(0)
    )
    return Inside(doubled, newlines, returns) if well else None
