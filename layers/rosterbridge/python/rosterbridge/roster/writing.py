"""Writes Apple's ZIP: exact headers, minimal quoting, no folder, and the same bytes for the same frames (rule 18)."""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import IO, BinaryIO, Literal, cast

import polars as pl
from isal import isal_zlib

from rosterbridge.roster.pieces import ahead

LEVEL = 1  # igzip's 0 is a trap, and 3 gains a percent
LOCAL = struct.Struct("<4s5H3I2H")
CENTRAL = struct.Struct("<4s6H3I5H2I")
END = struct.Struct("<4s4H2IH")
VERSION = 20
BATCH_ROWS = 8192
BLOCK_BYTES = 2**20  # what is packed at once: a window of 32 KiB lost in it is nothing
KNOWN_BYTES = 64  # of what stands before a block its packer is told so much
STORED = struct.Struct("<B2H")  # the head of a deflate block that is not packed: its length, and that inverted
PACKERS = 2
LAST_BLOCK = b"\x03\x00"  # of a deflate stream: the end, without data
DEFLATED = 8
UTF8_NAMES = 0x800
DATE, TIME = (1 << 5) | 1, 0  # 1980-01-01: a ZIP's first day, so that the clock leaves no mark
REGULAR_FILE = 0o100644 << 16
MAX_FILE_BYTES = 2**32 - 1

Quotes = Literal["never", "necessary"]


def write_asm_zip(files: Mapping[str, Iterable[pl.DataFrame]], target: Path, plain: Collection[str] = ()) -> None:
    """Write the frames of each file, at least one, one after the other, as CSV files of their names into one ZIP.

    Files that are ``plain`` have no value that needs quotation marks.
    """
    named = ((name, _with_nulls(frame)) for name, frames in files.items() for frame in frames)
    with target.open("wb") as file, ThreadPoolExecutor(PACKERS) as packers:
        entries = [
            _write_member(file, packers, name, map(itemgetter(1), group), "never" if name in plain else "necessary")
            for name, group in groupby(ahead(named), itemgetter(0))
        ]
        start = file.tell()
        for entry in entries:
            file.write(entry)
        size = file.tell() - start
        file.write(END.pack(b"PK\x05\x06", 0, 0, len(entries), len(entries), size, start, 0))


def _write_member(
    file: BinaryIO, packers: ThreadPoolExecutor, name: str, frames: Iterable[pl.DataFrame], quotes: Quotes
) -> bytes:
    """Write a member and return its entry of the central directory."""
    offset, encoded = file.tell(), name.encode()
    file.write(b"\0" * (LOCAL.size + len(encoded)))
    member = _Deflater(file, packers)
    for number, frame in enumerate(frames):
        frame.write_csv(cast("IO[bytes]", member), include_header=not number, batch_size=BATCH_ROWS, quote_style=quotes)
    packed, plain, checksum = member.finish()
    if max(packed, plain, file.tell()) > MAX_FILE_BYTES:
        message = "a file of Apple's ZIP has more than 4 GiB"
        raise OverflowError(message)
    facts = (VERSION, UTF8_NAMES, DEFLATED, TIME, DATE, checksum, packed, plain, len(encoded), 0)
    end = file.tell()
    file.seek(offset)
    file.write(LOCAL.pack(b"PK\x03\x04", *facts) + encoded)
    file.seek(end)
    return CENTRAL.pack(b"PK\x01\x02", (3 << 8) | VERSION, *facts, 0, 0, 0, REGULAR_FILE, offset) + encoded


def _with_nulls(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame without empty texts: polars writes them as two quotation marks, but a null as nothing."""
    empty = [series.name for series in frame if (series == "").any()]
    return frame.with_columns(pl.when(pl.col(name) != "").then(name).alias(name) for name in empty)


class _Deflater:
    """What polars writes to: packs blocks of one size by threads, and joins them in order in the ZIP.

    A block refers to next to nothing before it, so that several are packed at once; how polars divides its output is no
    matter.
    """

    def __init__(self, file: BinaryIO, packers: ThreadPoolExecutor) -> None:
        self._file = file
        self._packers = packers
        self._start = file.tell()
        self._plain = self._checksum = 0
        self._parts: list[memoryview] = []
        self._free = BLOCK_BYTES  # what the parts leave of a block
        self._known = b""
        self._packed: deque[Future[bytes]] = deque()

    def write(self, data: bytes) -> int:
        self._plain += len(data)
        self._checksum = isal_zlib.crc32(data, self._checksum)
        rest = memoryview(data)
        while len(rest) >= self._free:
            self._parts.append(rest[: self._free])
            rest = rest[self._free :]
            self._pack()
            self._store(PACKERS)
        self._parts.append(rest)
        self._free -= len(rest)
        return len(data)

    def flush(self) -> None:
        pass

    def finish(self) -> tuple[int, int, int]:
        """Return packed bytes, plain bytes and the checksum."""
        if self._packed:
            self._pack()
            self._store(0)
        else:  # a small file needs no thread
            self._file.write(_packed(self._known, b"".join(self._parts)))
        self._file.write(LAST_BLOCK)
        return self._file.tell() - self._start, self._plain, self._checksum

    def _pack(self) -> None:
        block: bytes | memoryview = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts, self._free = [], BLOCK_BYTES
        self._packed.append(self._packers.submit(_packed, self._known, block))
        self._known = bytes(block[-KNOWN_BYTES:])

    def _store(self, left: int) -> None:
        while len(self._packed) > left:
            self._file.write(self._packed.popleft().result())


def _packed(known: bytes, block: bytes | memoryview) -> bytes:
    """Return a block as a part of a deflate stream; ``known`` is what stands before it, nothing for the first one.

    Where igzip knows of nothing before, chance decides whether it finds the first bytes again: it takes the third
    byte's hash from a register that it never set (isa-l, igzip_icf_body_h1_gr_bt.asm, .write_first_byte).
    """
    stored = b""
    if not known:
        known, block = bytes(block[:KNOWN_BYTES]), block[KNOWN_BYTES:]
        stored = STORED.pack(0, len(known), len(known) ^ 0xFFFF) + known
    if not block:
        return stored
    packer = isal_zlib.compressobj(LEVEL, isal_zlib.DEFLATED, -15, zdict=known)
    return stored + packer.compress(block) + packer.flush(isal_zlib.Z_SYNC_FLUSH)
