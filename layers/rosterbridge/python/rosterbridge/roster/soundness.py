"""Whether quotation marks stand where CSV wants them: polars reads a good deal else, and loses marks on the way."""

from __future__ import annotations

from dataclasses import dataclass

from rosterbridge.roster.pieces import Piece


@dataclass(frozen=True)
class Inside:
    """How many marks of a piece belong to values: quotation marks, line feeds and carriage returns."""

    quotes: int = 0
    newlines: int = 0
    returns: int = 0


def marks_inside(piece: Piece, separator: str) -> Inside | None:
    """Return the marks inside the quoted values of a piece.

    None unless every value with a quotation mark is enclosed in them, every one inside is doubled, and every carriage
    return has its line feed.
    """
    if not piece.quotes:
        return Inside()
    if piece.returns and piece.returns != piece.data.count(b"\r\n"):
        return None
    # Marks open and close values by turns, so that every second part is outside; one that is empty is a doubled mark
    parts = piece.data.split(b'"')
    outside, inside = parts[::2], b"".join(parts[1::2])
    apart = separator.encode()
    after_closing = {part[:1] for part in outside[1:]}
    before_opening = {part[-1:] for part in outside[:-1]}
    if after_closing <= {apart, b"\r", b"\n", b""} and before_opening <= {apart, b"\n", b""}:
        return Inside(outside[1:].count(b""), inside.count(b"\n"), inside.count(b"\r"))
    return None
