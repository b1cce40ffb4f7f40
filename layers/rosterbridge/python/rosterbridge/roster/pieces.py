"""Cuts a member of a ZIP into pieces of whole records while it is inflated."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from string import ascii_letters, digits
from typing import TypeVar

from rosterbridge.roster.archive import Archive

PIECE_BYTES = 8 * 2**20  # large enough for polars to use its threads, small beside any roster that is
USUAL = f"{ascii_letters}{digits}-".encode()  # Apple's guide wants ids of these; most other values have no more either
FAR_APART = 1024  # bytes from one quotation mark to the next
MAX_RECORD = 2**20  # how far back from a piece's end, and how far beyond it, a record's end is looked for

T = TypeVar("T")


@dataclass(frozen=True)
class Piece:
    """Consecutive records of a file; ``marks`` are all bytes in order, but the usual ones of values."""

    data: bytes
    marks: bytes
    last: bool

    @cached_property
    def parts(self) -> list[bytes]:
        """What the quotation marks divide: every second part stands inside them, if they are in order."""
        count = self.marks.count(b'"')
        return self.data.split(b'"') if count > len(self.data) // FAR_APART else _split(self.data, b'"')

    @cached_property
    def quotes(self) -> int:
        """How many quotation marks there are; to find none is much quicker than to count."""
        return len(self.parts) - 1 if b'"' in self.marks else 0

    @cached_property
    def newlines(self) -> int:
        """How many lines end here."""
        return self.marks.count(b"\n")

    @cached_property
    def returns(self) -> int:
        """How many carriage returns there are, in line ends or alone."""
        return self.marks.count(b"\r")

    def joined(self, following: Piece) -> Piece:
        """Return this piece with the next one at its end."""
        return Piece(self.data + following.data, self.marks + following.marks, last=following.last)

    def closed(self) -> Piece:
        """Return this piece with its last line ended, and without the blank lines that may follow it."""
        end = self.data[-3:]
        if not self.last or (end.endswith(b"\n") and not end.endswith((b"\n\n", b"\n\r\n")) and end.strip(b"\r\n")):
            return self
        data = self.data.rstrip(b"\r\n")
        marks = self.marks[: len(self.marks) - len(self.data) + len(data)]  # line ends are marks
        return Piece(data + b"\n", marks + b"\n", last=True) if data else Piece(b"", b"", last=True)


def _split(data: bytes, mark: bytes) -> list[bytes]:
    """Return what ``split`` does, which looks at each byte by itself; this is quicker where marks are far apart."""
    parts: list[bytes] = []
    begin = 0
    while (end := data.find(mark, begin)) >= 0:
        parts.append(data[begin:end])
        begin = end + 1
    return [*parts, data[begin:]]


def marks_of(data: bytes) -> bytes:
    """Return the marks of some bytes."""
    return data.translate(None, USUAL)


def pieces(archive: Archive, member: str, *, skip: int = 0) -> Iterator[Piece]:
    """Yield a member in pieces, in order, after its first ``skip`` bytes.

    A piece ends with a record, or at least with a line where quotation marks are out of order; in the middle of a line
    only if it goes on for longer than any record may.
    """
    least = PIECE_BYTES * (2 if archive.has_large_parts(member) else 1)
    blocks: list[bytes] = []
    marks: list[bytes] = []  # of each block, as long as it is at hand: no other thread waits for long
    size = 0
    for chunk in archive.chunks(member):
        block = chunk[skip:]
        skip = max(0, skip - len(chunk))
        blocks.append(block)
        marks.append(marks_of(block))
        size += len(block)
        if size < least:
            continue
        piece, rest = _divided(blocks, b"".join(marks), is_too_long=size > least + 2 * MAX_RECORD)
        if piece.data:
            yield piece
        blocks, marks, size = [rest], [marks_of(rest)], len(rest)
    yield Piece(b"".join(blocks), b"".join(marks), last=True)


def _divided(blocks: list[bytes], marks: bytes, *, is_too_long: bool) -> tuple[Piece, bytes]:
    """Return the records that end in the blocks, and what follows them; all of it if a record ``is_too_long``."""
    end = blocks[-1].rfind(b"\n") + 1
    data, rest = b"".join([*blocks[:-1], blocks[-1][:end]]), blocks[-1][end:]  # most often, and copied once
    piece = Piece(data, _without_end(marks, marks_of(rest)), last=False)
    if end and not piece.quotes % 2:
        return piece, rest
    data += rest
    end = _records_end(data) or (is_too_long and (data.rfind(b"\n") + 1 or len(data)))
    rest = data[end:]
    return Piece(data[:end], _without_end(marks, marks_of(rest)), last=False), rest


def _without_end(marks: bytes, end: bytes) -> bytes:
    return marks[: len(marks) - len(end)]


def ahead(items: Iterator[T]) -> Iterator[T]:
    """Yield the items while a thread makes the next one already: neither inflating nor polars holds the interpreter."""
    end = object()
    pool = ThreadPoolExecutor(1)
    try:
        coming = pool.submit(next, items, end)
        while (item := coming.result()) is not end:
            coming = pool.submit(next, items, end)
            yield item  # type: ignore[misc]
    finally:
        pool.shutdown(wait=False)  # what it may still read is of no use, and it may itself be what ends this


def _records_end(data: bytes) -> int:
    """Return where the last record ends that is whole by its quotation marks; 0 where none is found near the end."""
    end = data.rfind(b"\n") + 1
    odd = data.count(b'"', 0, end) % 2 if b'"' in data else 0
    limit = max(0, end - MAX_RECORD)
    while odd and end > limit:
        earlier = data.rfind(b"\n", 0, end - 1) + 1
        odd ^= data.count(b'"', earlier, end) % 2
        end = earlier
    return 0 if odd else end
