"""ZIPs that no tool would write: put together by hand, or changed afterwards."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
import zlib
from dataclasses import dataclass

LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
UTF_8 = 0x800
Member = tuple[zipfile.ZipInfo | str, bytes]


def zipped(*members: Member, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a ZIP of the members, also of two with the same name."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", method) as archive:
        warnings.filterwarnings("ignore", "Duplicate name")
        for info, content in members:
            archive.writestr(info, content)
    return buffer.getvalue()


def patched(data: bytes, signature: bytes, offset: int, value: bytes) -> bytes:
    """Overwrite bytes at an offset from each occurrence of a signature."""
    changed, start = bytearray(data), 0
    while (at := data.find(signature, start)) >= 0:
        changed[at + offset : at + offset + len(value)] = value
        start = at + 4
    return bytes(changed)


@dataclass(frozen=True)
class Raw:
    """A member as its headers tell it, true or not; None stands for what is true."""

    name: bytes
    content: bytes = b""
    flags: int = 0
    method: int = zipfile.ZIP_DEFLATED
    size: int | None = None
    packed: bytes | None = None
    packed_size: int | None = None
    crc: int | None = None
    offset: int | None = None
    extra: bytes = b""

    @property
    def bytes(self) -> bytes:
        """What stands in the archive for it."""
        if self.packed is not None:
            return self.packed
        return self.content if self.method == zipfile.ZIP_STORED else deflated(self.content)

    def told(self) -> tuple[int, int, int]:
        """Return checksum, packed and unpacked size as the headers tell them."""
        return (
            zlib.crc32(self.content) if self.crc is None else self.crc,
            len(self.bytes) if self.packed_size is None else self.packed_size,
            len(self.content) if self.size is None else self.size,
        )


def deflated(content: bytes) -> bytes:
    """Return a deflate stream."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(content) + packer.flush()


def assembled(*members: Raw, disk: int = 0, before: bytes = b"") -> bytes:
    """Return a ZIP with exactly these headers."""
    body, directory = bytearray(before), bytearray()
    for member in members:
        offset = len(body) if member.offset is None else member.offset
        fields = (20, member.flags, member.method, 0, 33, *member.told(), len(member.name))
        body += LOCAL + struct.pack("<5H3I2H", *fields, 0) + member.name + member.bytes
        directory += CENTRAL + struct.pack("<H5H3I2H", 20, *fields, len(member.extra))
        directory += struct.pack("<3H2I", 0, disk, 0, 0, offset) + member.name + member.extra
    count = len(members)
    end = END + struct.pack("<4H2IH", disk, disk, count, count, len(directory), len(body), 0)
    return bytes(body + directory) + end


def zip64(*values: int) -> bytes:
    """Return the extra field that tells sizes and offset in 64 bits."""
    return struct.pack(f"<2H{len(values)}Q", 1, 8 * len(values), *values)
