"""Opens an uploaded ZIP without trusting it: each member is checked before it is inflated, and counted meanwhile.

Guards: OWASP ASVS 5.0 V5.2; sizes and counts in headers are claims, so the real ones are watched too.
"""

from __future__ import annotations

import os
import stat
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from isal import isal_zlib
from isal.igzip_lib import IsalError

from rosterbridge.roster.findings import RosterError

MAX_MEMBERS = 200
MAX_TOTAL_BYTES = 4 * 2**30
MAX_RATIO = 200  # rosters of a million rows stay far below; the classic bombs start at a thousand
RATIO_FREE_BYTES = 2**20  # a small file may be as repetitive as it likes
BLOCK_BYTES = 128 * 1024
LARGE_BYTES = 2**28
LARGE_BLOCKS = 4  # times the size of others
INFLATED = 4  # times a block: what is inflated at once, about what a block of a roster holds
LOCAL_HEADER = struct.Struct("<4s5H3I2H")
LOCAL_SIGNATURE = b"PK\x03\x04"
END_SIGNATURE = b"PK\x05\x06"
END_RECORD = struct.Struct("<4s4H2IH")
MARKER_BYTES = 4  # "PK00" before the first file, where a ZIP might have been split and was not
ENCRYPTED, UTF_8 = 0x1, 0x800
SPECIAL = {stat.S_IFLNK: "link", **dict.fromkeys((stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK), "device")}
DAMAGED = cast("type[Exception]", IsalError)  # typed as a value by isal
LITTER = ("__macosx/", "thumbs.db", "desktop.ini")


class Archive:
    """The members of a ZIP by their folded base names; ``folder`` is the one that wraps them all, if any."""

    def __init__(self, path: Path) -> None:
        """Raise RosterError unless the ZIP is whole and safe."""
        self._path = path
        with path.open("rb") as file:
            infos = _directory(file)
        _check(infos, path.stat().st_size)
        self.folder, self._members = _by_name(infos)

    @property
    def names(self) -> dict[str, str]:
        """The members' names as written, without the wrapping folder, by folded name."""
        return {folded: name for folded, (name, _) in self._members.items()}

    def size(self, folded: str) -> int:
        """Return how many bytes a member says to hold."""
        return self._members[folded][1].file_size

    def has_large_parts(self, folded: str) -> bool:
        """Whether a member is so large that it comes in larger parts: its threads wait for each other less often."""
        return self.size(folded) > LARGE_BYTES

    def beginning(self, folded: str, limit: int) -> bytes:
        """Return the first bytes of a member, at most ``limit``; what follows is not looked at."""
        name, info = self._members[folded]
        inflate = _inflater(info)
        begun = b""
        try:
            for block in self._raw(info, BLOCK_BYTES):
                begun += inflate.decompress(block, limit - len(begun)) if inflate else block
                if len(begun) >= limit:
                    break
        except DAMAGED:
            raise _damaged(name) from None
        return begun[:limit]

    def chunks(self, folded: str) -> Iterator[bytes]:
        """Yield a member's bytes in blocks; raise RosterError when it is not what the directory says."""
        name, info = self._members[folded]
        inflate = _inflater(info)
        block_bytes = BLOCK_BYTES * (LARGE_BLOCKS if self.has_large_parts(folded) else 1)
        size = checksum = 0
        try:
            for block in self._raw(info, block_bytes):
                for chunk in _inflated(inflate, block, INFLATED * block_bytes):
                    size += len(chunk)
                    if size > info.file_size:
                        raise RosterError("archive-unsafe", file=name, why="a file is larger than it says")
                    checksum = isal_zlib.crc32(chunk, checksum)
                    yield chunk
        except DAMAGED:
            raise _damaged(name) from None
        if size != info.file_size or checksum != info.CRC:
            raise RosterError("archive-damaged", file=name, why="a file's checksum is wrong")

    def _raw(self, info: zipfile.ZipInfo, block_bytes: int) -> Iterator[bytes]:
        with self._path.open("rb") as file:  # of its own: members are read at the same time
            file.seek(info.header_offset)
            header = file.read(LOCAL_HEADER.size)
            if len(header) < LOCAL_HEADER.size or not header.startswith(LOCAL_SIGNATURE):
                raise RosterError("archive-damaged", why="a file is not where the directory says")
            *_, name_length, extra_length = LOCAL_HEADER.unpack(header)
            file.seek(name_length + extra_length, os.SEEK_CUR)
            left = info.compress_size
            while left:
                block = file.read(min(block_bytes, left))
                if not block:
                    raise RosterError("archive-damaged", why="the archive ends inside a file")
                left -= len(block)
                yield block


def _damaged(name: str) -> RosterError:
    return RosterError("archive-damaged", file=name, why="a file does not unpack")


def _inflater(info: zipfile.ZipInfo) -> isal_zlib.Decompress | None:
    return isal_zlib.decompressobj(wbits=-15) if info.compress_type == zipfile.ZIP_DEFLATED else None


def _inflated(inflate: isal_zlib.Decompress | None, block: bytes, limit: int) -> Iterator[bytes]:
    """Yield what a block holds, never more than ``limit`` bytes at once."""
    if inflate is None:
        yield block
        return
    full = False
    while (block or full) and not inflate.eof:
        chunk = inflate.decompress(block, limit)
        if chunk:
            yield chunk
        block = inflate.unconsumed_tail
        full = len(chunk) == limit  # then more may wait inside, although no byte of the block is left


def _directory(file: BinaryIO) -> list[zipfile.ZipInfo]:
    head = file.read(4)
    try:
        with zipfile.ZipFile(file) as archive:
            return archive.infolist()
    except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError, struct.error, OSError, UnicodeError):
        if _is_closed(file):
            raise RosterError("archive-damaged", why="its table of contents cannot be read") from None
        # the directory stands at the end: a ZIP's beginning without it is an upload that broke off
        raise RosterError("upload-incomplete" if head == LOCAL_SIGNATURE else "not-a-zip") from None


def _is_closed(file: BinaryIO) -> bool:
    """Whether the record that closes a ZIP stands at the end, whole: then nothing broke off."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - END_RECORD.size - 2**16))  # the longest comment
    tail = file.read()
    at = tail.rfind(END_SIGNATURE)
    if at < 0 or len(tail) - at < END_RECORD.size:
        return False
    comment: int = END_RECORD.unpack_from(tail, at)[-1]
    return at + END_RECORD.size + comment <= len(tail)


def _check(infos: list[zipfile.ZipInfo], archive_bytes: int) -> None:
    if len(infos) > MAX_MEMBERS:
        raise RosterError("archive-too-large", why=f"more than {MAX_MEMBERS} files")
    if sum(info.file_size for info in infos) > MAX_TOTAL_BYTES:
        raise RosterError("archive-too-large", why=f"more than {MAX_TOTAL_BYTES // 2**30} GiB unpacked")
    for info in infos:
        if reason := _unsafe(info):
            raise RosterError("archive-unsafe", why=reason)
        if info.flag_bits & ENCRYPTED:
            raise RosterError("archive-encrypted")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise RosterError("archive-damaged", why="it is packed by a method other than deflate")
    _check_places(sorted(infos, key=lambda info: info.header_offset), archive_bytes)


def _check_places(infos: list[zipfile.ZipInfo], archive_bytes: int) -> None:
    if infos and infos[0].header_offset < 0:
        raise RosterError("archive-damaged", why="its beginning is missing")
    if infos and infos[0].header_offset > MARKER_BYTES:  # who reads from the front would find something else there
        raise RosterError("archive-unsafe", why="something stands before its first file")
    end = 0
    for info in infos:
        if info.header_offset < end:
            raise RosterError("archive-unsafe", why="its files overlap")
        name = info.orig_filename.encode("utf-8" if info.flag_bits & UTF_8 else "cp437")
        end = info.header_offset + LOCAL_HEADER.size + len(name) + info.compress_size
    if end > archive_bytes:
        raise RosterError("upload-incomplete")


def _unsafe(info: zipfile.ZipInfo) -> str | None:
    name = info.orig_filename.replace("\\", "/")
    if not name:
        return "a file has no name"
    if name.startswith("/") or name[1:2] == ":" or ".." in name.split("/") or "\0" in name:
        return "a file's path leads out of it"
    if special := SPECIAL.get(stat.S_IFMT(info.external_attr >> 16)):
        return f"it holds a {special}"
    if info.file_size > RATIO_FREE_BYTES and info.file_size > MAX_RATIO * max(1, info.compress_size):
        return "a file unpacks to far more than a roster does"
    if name.casefold().endswith(".zip"):
        return "it holds another ZIP"
    return None


def _by_name(infos: list[zipfile.ZipInfo]) -> tuple[str | None, dict[str, tuple[str, zipfile.ZipInfo]]]:
    paths = {info.orig_filename.replace("\\", "/"): info for info in infos if not info.is_dir()}
    if len(paths) < sum(not info.is_dir() for info in infos):
        raise RosterError("archive-unsafe", why="two files have the same name")
    kept = {path: info for path, info in paths.items() if not _is_litter(path)}
    tops = {path.split("/", 1)[0] if "/" in path else None for path in kept}
    folder = next(iter(tops)) if len(tops) == 1 else None
    members: dict[str, tuple[str, zipfile.ZipInfo]] = {}
    elsewhere: list[str] = []
    for path, info in kept.items():
        name = path.removeprefix(f"{folder}/") if folder else path
        if "/" in name:
            elsewhere.append(name.rpartition("/")[2])  # not a roster's place; what is needed is then missing
        elif name.casefold() in members:
            raise RosterError("duplicate-file", value=name)
        else:
            members[name.casefold()] = (name, info)
    for name in elsewhere:
        if name.casefold() in members and name.casefold().endswith(".csv"):
            raise RosterError("duplicate-file", value=name)  # which of the two is meant?
    return folder, members


def _is_litter(path: str) -> bool:
    folded = path.casefold()
    return folded.startswith(LITTER[0]) or folded.split("/")[-1].startswith((".", *LITTER[1:]))
