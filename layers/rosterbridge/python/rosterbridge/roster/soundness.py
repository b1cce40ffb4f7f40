"""Whether marks stand where CSV wants them: polars reads a good deal else, and loses marks on the way."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from rosterbridge.roster.pieces import MAX_RECORD, Piece

LONE_RETURN = re.compile(rb"\r[^\n]")  # in a closed piece none is its last byte
ASCII = bytes(range(128))
# Printable, around values, or a part of what stands for another character
HARMLESS = bytes({*range(0x20, 0x7F), *b"\r\n", *range(0x80, 0x100)})
# White space and control characters of Unicode beyond ASCII, with the separators of lines and paragraphs
SPACES = re.compile(rb"\xc2[\x80-\xa0]|\xe1\x9a\x80|\xe2\x80[\x80-\x8a\xa8\xa9\xaf]|\xe2\x81\x9f|\xe3\x80\x80")
WINDOW = MAX_RECORD // 2  # a record that is too long leaves one without a line end
FEW_QUOTES = 5_000  # to look for the records of more takes longer than to look at every record


@dataclass(frozen=True)
class Inside:
    """How many marks of a piece belong to values: quotation marks, carriage returns, and line feeds by their record.

    ``records`` are the numbers of those that have any, in order; None if they are too many to tell.
    """

    quotes: int = 0
    returns: int = 0
    newlines: Mapping[int, int] = field(default_factory=dict)
    records: Sequence[int] | None = ()


def regular_records(piece: Piece, separator: str, width: int) -> int | None:
    """Return how many records a closed piece has that is regular, and None of one that is not.

    It is, if it is ASCII without quotation marks, each record of ``width`` values, and none of them long. All records
    end in the same way; yet a carriage return may stand inside the last value.
    """
    structure = piece.marks
    record = separator.encode() * (width - 1) + (b"\r\n" if structure.endswith(b"\r\n") else b"\n")
    if structure != record * (len(structure) // len(record)):  # most often nothing else is left
        structure = structure.translate(None, _no_structure(separator))
        if not piece.marks.isascii() or structure != record * (len(structure) // len(record)):
            return None
    if any(piece.data.find(b"\n", at, at + WINDOW) < 0 for at in range(0, len(piece.data) - WINDOW, WINDOW)):
        return None
    return len(structure) // len(record)


def doubtful_records(piece: Piece, inside: Inside) -> Sequence[int] | None:
    """Return which records of a sound piece may have what Apple does not take, other than spaces at the values' ends.

    None where each of them may.
    """
    if piece.marks.translate(None, HARMLESS):
        return None
    if not piece.marks.isascii() and SPACES.search(piece.marks.translate(None, ASCII)):
        return None
    return inside.records


@cache
def _no_structure(separator: str) -> bytes:
    """Return what makes no records of bytes: all but quotation marks, line ends and what separates the values."""
    return bytes(set(ASCII) - set(f'"\r\n{separator}'.encode()))


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
        doubled = outside[1:].count(b"")
        are_few = doubled <= FEW_QUOTES
        newlines, records = _placed(piece.marks.split(b'"'), with_quotes=are_few)
        return Inside(doubled, b"".join(inside).count(b"\r"), newlines, records if are_few else None)
    return None


def _placed(parts: list[bytes], *, with_quotes: bool) -> tuple[Mapping[int, int], list[int]]:
    """Return the line feeds inside by the number of their record, and the records that have any.

    ``with_quotes``: or a quotation mark.
    """
    newlines: Counter[int] = Counter()
    records: list[int] = []
    outside, inside = parts[::2], parts[1::2]
    record = seen = 0
    doubled = [with_quotes and place > 0 and not part for place, part in enumerate(outside)]
    for place in [place for place, part in enumerate(inside) if b"\n" in part or doubled[place]]:
        record += b"".join(outside[seen : place + 1]).count(b"\n")  # line feeds outside end records
        seen = place + 1
        if count := inside[place].count(b"\n"):
            newlines[record] += count
        if not records or records[-1] < record:
            records.append(record)
    return newlines, records
