"""Cuts a member of a ZIP into pieces of whole records while it is inflated, and counts the marks in each."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from rosterbridge.roster.archive import Archive

PIECE_BYTES = 16 * 2**20  # large enough for polars to use its threads, small beside the roster
MAX_RECORD = 2**20  # how far back from a piece's end, and how far beyond it, a record's end is looked for

T = TypeVar("T")


@dataclass(frozen=True)
class Piece:
    """Consecutive records of a file, the line on which they start, and how often each mark stands in them."""

    data: bytes
    line: int
    last: bool
    newlines: int
    quotes: int
    returns: int
    paired_returns: int
    has_nul: bool

    def joined(self, following: Piece) -> Piece:
        """Return this piece with the next one at its end."""
        return _piece(self.data + following.data, self.line, last=following.last)


def pieces(archive: Archive, member: str, *, skip: int = 0, line: int = 1) -> Iterator[Piece]:
    """Yield a member in pieces, in order, after its first ``skip`` bytes; ``line`` is the one that follows them.

    A piece ends with a record, or at least with a line where quotation marks are out of order; in the middle of a line
    only if it goes on for longer than any record may.
    """
    blocks: list[bytes] = []
    size = 0
    for chunk in archive.chunks(member):
        block = chunk[skip:]
        skip = max(0, skip - len(chunk))
        blocks.append(block)
        size += len(block)
        if size < PIECE_BYTES:
            continue
        data = b"".join(blocks)
        end = _records_end(data)
        if not end and size < PIECE_BYTES + 2 * MAX_RECORD:
            blocks = [data]
            continue
        end = end or data.rfind(b"\n") + 1 or size
        piece = _piece(data[:end], line, last=False)
        yield piece
        line += piece.newlines
        blocks, size = [data[end:]], size - end
    yield _piece(b"".join(blocks), line, last=True)


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


def _piece(data: bytes, line: int, *, last: bool) -> Piece:
    returns = data.count(b"\r") if b"\r" in data else 0
    return Piece(
        data=data,
        line=line,
        last=last,
        newlines=data.count(b"\n"),
        quotes=data.count(b'"') if b'"' in data else 0,
        returns=returns,
        paired_returns=data.count(b"\r\n") if returns else 0,
        has_nul=b"\0" in data,
    )


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
