"""Whether quotation marks stand where CSV wants them: polars reads a good deal else, and loses marks on the way."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from rosterbridge.roster.pieces import Piece

LONE_RETURN = re.compile(rb"\r(?!\n)")


@dataclass(frozen=True)
class Inside:
    """How many marks of a piece belong to values: quotation marks, carriage returns, and line feeds by their record."""

    quotes: int = 0
    returns: int = 0
    newlines: Mapping[int, int] = field(default_factory=dict)


def marks_inside(piece: Piece, separator: str) -> Inside | None:
    """Return the marks inside the quoted values of a piece.

    None unless every value with a quotation mark is enclosed in them, every one inside is doubled, and every carriage
    return has its line feed.
    """
    if not piece.quotes:
        return Inside()
    if piece.returns and LONE_RETURN.search(piece.data):
        return None
    outside, inside = piece.parts[::2], piece.parts[1::2]  # an empty part outside is a doubled mark
    apart = separator.encode()
    after_closing = {part[:1] for part in outside[1:]}
    before_opening = {part[-1:] for part in outside[:-1]}
    if after_closing <= {apart, b"\r", b"\n", b""} and before_opening <= {apart, b"\n", b""}:
        return Inside(outside[1:].count(b""), b"".join(inside).count(b"\r"), _newlines(outside, inside))
    return None


def _newlines(outside: list[bytes], inside: list[bytes]) -> Mapping[int, int]:
    """Return the line feeds inside by the number of the record, which line feeds outside end."""
    found: Counter[int] = Counter()
    record = seen = 0
    for place in [place for place, part in enumerate(inside) if b"\n" in part]:
        record += b"".join(outside[seen : place + 1]).count(b"\n")
        seen = place + 1
        found[record] += inside[place].count(b"\n")
    return found
