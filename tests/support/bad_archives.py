"""Uploads that are no ZIP, or not a whole or a safe one."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import json
import lzma
import random
import stat
import struct
import tarfile
import zipfile
from collections.abc import Iterator

from tests.support.archives import CENTRAL, END, LOCAL, UTF_8, Raw, assembled, deflated, patched, zip64, zipped
from tests.support.rosters import oneroster_1_1, zip_bytes

Case = tuple[str, str, bytes]  # name, the code with which it ends, the upload
FILES = {name: str(text).encode() for name, text in oneroster_1_1().items()}
GOOD = zip_bytes(oneroster_1_1())
USERS = FILES["users.csv"]
MIB = 2**20
RAWS = tuple(Raw(name.encode(), content) for name, content in FILES.items())
HUGE = 0xFFFFFFFF


def no_zips() -> Iterator[Case]:
    """Yield files of other kinds, under the name of a ZIP."""
    noise = random.Random(7).randbytes(50_000)  # noqa: S311 no secret
    html = b"<!DOCTYPE html><html><title>Sign in</title>The session has expired.</html>"
    kinds = {
        "one-byte": b"P",
        "plain-text": b"The roster is attached.\n",
        "a-bare-csv": USERS,
        "utf-16-text": "sourcedId,status\n".encode("utf-16"),
        "a-sign-in-page": html,
        "json": json.dumps({"users": []}).encode(),
        "xml": b"<?xml version='1.0'?><users/>",
        "gzip": gzip.compress(USERS),
        "bzip2": bz2.compress(USERS),
        "xz": lzma.compress(USERS),
        "tar": _tar(),
        "tar-gz": gzip.compress(_tar()),
        "seven-zip": b"7z\xbc\xaf\x27\x1c\0\4" + noise,
        "rar": b"Rar!\x1a\x07\x01\0" + noise,
        "zstandard": b"\x28\xb5\x2f\xfd" + noise,
        "pdf": b"%PDF-1.7\n" + noise + b"\n%%EOF\n",
        "png": b"\x89PNG\r\n\x1a\n" + noise,
        "old-excel": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(5000),
        "sqlite": b"SQLite format 3\0" + bytes(4000),
        "executable": b"MZ" + noise,
        "noise": noise,
        "megabytes-of-nothing": bytes(4 * MIB),
        "base64-of-a-zip": base64.encodebytes(GOOD),
        "first-part-of-a-split-zip": b"PK\x07\x08" + GOOD[: len(GOOD) // 2],
    }
    yield from ((name, "not-a-zip", content) for name, content in kinds.items())


def _tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in FILES.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def broken_off() -> Iterator[Case]:
    """Yield ZIPs whose end did not arrive."""
    directory, end = GOOD.index(CENTRAL), GOOD.index(END)
    ends = {
        "after-the-signature": 4,
        "inside-the-first-header": 20,
        "inside-the-first-name": 34,
        "inside-the-first-file": 60,
        "in-the-middle": len(GOOD) // 2,
        "before-the-directory": directory,
        "inside-the-directory": (directory + end) // 2,
        "before-the-last-record": end,
        "inside-the-last-record": end + 10,
        "before-the-last-byte": len(GOOD) - 1,
    }
    yield from ((f"broken-off-{name}", "upload-incomplete", GOOD[:at]) for name, at in ends.items())
    half = GOOD[: len(GOOD) // 2]
    yield "broken-off-and-filled-with-zeros", "upload-incomplete", half + bytes(len(GOOD) - len(half))
    beyond = Raw(b"users.csv", USERS, packed_size=50_000)
    yield "a-file-beyond-the-end", "upload-incomplete", assembled(*RAWS[:2], beyond)


def damaged() -> Iterator[Case]:
    """Yield whole ZIPs whose content or headers are spoiled."""
    code = "archive-damaged"
    stored = zipped(*FILES.items(), method=zipfile.ZIP_STORED)
    yield "a-flipped-bit", code, stored.replace(b"North School", b"North Schonl", 1)
    yield "noise-in-a-packed-file", code, _overwritten(GOOD, GOOD.index(b"orgs.csv") + 8, b"\xff" * 40)
    yield "beginning-lost", code, GOOD[700:]
    yield "a-wrong-checksum", code, _with_users(crc=1)
    yield "a-lost-signature", code, _overwritten(GOOD, GOOD.index(LOCAL, 4), b"PK\0\0")
    yield "smaller-than-it-says", code, _with_users(size=len(USERS) + 1000)
    yield "a-packed-file-cut-short", code, _with_users(packed=deflated(USERS)[:200])
    yield "offset-to-nowhere", code, _overwritten(GOOD, GOOD.rindex(CENTRAL) + 42, _moved_by_two(GOOD))
    for number, method in {9: "deflate64", 98: "ppmd", 93: "zstandard", 6: "implode", 95: "xz"}.items():
        yield f"packed-by-{method}", code, patched(GOOD, CENTRAL, 10, struct.pack("<H", number))
    yield "packed-by-lzma", code, zipped(*FILES.items(), method=zipfile.ZIP_LZMA)
    yield "packed-by-bzip2", code, zipped(*FILES.items(), method=zipfile.ZIP_BZIP2)
    yield "a-name-of-broken-utf-8", code, assembled(*RAWS, Raw(b"caf\xc3\x28.csv", b"x", flags=UTF_8))
    yield "zip64-cut-short", code, assembled(*RAWS, Raw(b"x.csv", b"x", size=HUGE, extra=struct.pack("<2HI", 1, 8, 5)))
    yield "directory-of-noise", code, _overwritten(GOOD, GOOD.index(CENTRAL), b"\xee" * 60)
    yield "last-part-of-a-split-zip", code, assembled(*(_moved(raw, 1) for raw in RAWS[:1]), disk=2)
    yield "line-ends-translated", code, GOOD.replace(b"\n", b"\r\n")


def _moved_by_two(data: bytes) -> bytes:
    """Return the offset of the last file, a little wrong."""
    (offset,) = struct.unpack_from("<I", data, data.rindex(CENTRAL) + 42)
    return struct.pack("<I", offset + 2)


def _overwritten(data: bytes, at: int, value: bytes) -> bytes:
    return data[:at] + value + data[at + len(value) :]


def _moved(raw: Raw, offset: int) -> Raw:
    return Raw(raw.name, raw.content, offset=offset)


def _with_users(**claims: int | bytes) -> bytes:
    others = [raw for raw in RAWS if raw.name != b"users.csv"]
    return assembled(*others, Raw(b"users.csv", USERS, **claims))  # type: ignore[arg-type]


def unsafe() -> Iterator[Case]:
    """Yield ZIPs that would do harm to who unpacks them trustingly."""
    code = "archive-unsafe"
    paths = {
        "absolute": "/users.csv",
        "upwards": "../users.csv",
        "upwards-from-inside": "a/b/../../../users.csv",
        "upwards-by-backslashes": "..\\..\\users.csv",
        "drive": "C:\\users.csv",
        "share": "\\\\server\\share\\users.csv",
    }
    yield from ((f"path-{name}", code, zipped((path, USERS))) for name, path in paths.items())
    yield "path-with-a-nul", code, assembled(*RAWS, Raw(b"users.csv\0.txt", USERS))
    yield "a-file-without-a-name", code, assembled(*RAWS, Raw(b"", USERS))
    kinds = {"link": stat.S_IFLNK, "device": stat.S_IFBLK, "terminal": stat.S_IFCHR, "pipe": stat.S_IFIFO}
    for name, kind in {**kinds, "socket": stat.S_IFSOCK}.items():
        info = zipfile.ZipInfo("users.csv")
        info.external_attr = (kind | 0o777) << 16
        yield f"a-{name}", code, zipped((info, b"/etc/passwd"))
    yield "a-zip-in-the-zip", code, zipped(("roster.zip", GOOD))
    yield "a-zip-in-the-zip-beside-a-roster", code, zipped(*FILES.items(), ("OLD.ZIP", GOOD))
    yield "bomb-of-zeros", code, zipped(("users.csv", bytes(40 * MIB)))
    yield "bomb-in-a-file-that-nobody-reads", code, zipped(*FILES.items(), ("results.csv", b"\n" * (30 * MIB)))
    yield "bomb-that-lies", code, _with_users(packed=deflated(USERS + bytes(40 * MIB)))
    yield "larger-than-it-says", code, _with_users(size=10)
    yield "bomb-that-repeats-one-file", code, _quilt(RAWS, 150)
    yield "two-files-that-overlap", code, assembled(*RAWS, Raw(b"more.csv", b"x", offset=5))
    yield "two-files-of-one-name", code, zipped(*FILES.items(), ("users.csv", USERS))
    yield "something-before-the-zip", code, b"#!/bin/sh\nexit 0\n" + GOOD
    yield "a-zip-behind-another", code, zipped(("orgs.csv", b"sourcedId\n")) + GOOD


def _quilt(members: tuple[Raw, ...], count: int) -> bytes:
    """Return a ZIP in which many names share the bytes of one file."""
    quilted = (Raw(b"file-%d.csv" % number, USERS, packed=b"", packed_size=400, offset=0) for number in range(count))
    return assembled(*members, *quilted)


def refused() -> Iterator[Case]:
    """Yield ZIPs that are protected, or too large."""
    protected = patched(GOOD, CENTRAL, 8, b"\x01\x08")
    yield "a-password", "archive-encrypted", protected
    yield "a-password-by-aes", "archive-encrypted", patched(protected, CENTRAL, 10, struct.pack("<H", 99))
    yield "strong-encryption", "archive-encrypted", patched(GOOD, CENTRAL, 8, b"\x41\x08")
    large = "archive-too-large"
    yield "too-many-files", large, zipped(*((f"{number}.csv", b"x") for number in range(201)))
    yield "too-many-folders", large, zipped(*((f"{number}/", b"") for number in range(300)), *FILES.items())
    yield "more-files-than-16-bits-count", large, zipped(*((f"{number}", b"") for number in range(66_000)))
    claims = tuple(Raw(b"%d.csv" % number, b"x", size=2**31) for number in range(3))
    yield "too-large-in-all", large, assembled(*claims)
    yield "too-large-by-zip64", large, assembled(*RAWS, Raw(b"x.csv", b"x", size=HUGE, extra=zip64(2**62)))


def odd_names() -> Iterator[Case]:
    """Yield ZIPs whose names miss what is meant."""
    yield "a-folder-named-like-a-file", "missing-file", _named({"users.csv": "users.csv/"}, b"")
    yield "a-file-inside-such-a-folder", "missing-file", _named({"users.csv": "users.csv/users.csv"})
    yield "a-name-with-a-space-behind", "missing-file", _named({"orgs.csv": "orgs.csv "})
    yield "a-name-with-two-extensions", "missing-file", _named({"classes.csv": "classes.csv.csv"})
    yield "a-name-in-wide-letters", "missing-file", _named({"users.csv": "ｕｓｅｒｓ.csv"})
    yield "a-name-with-a-foreign-letter", "missing-file", _named({"enrollments.csv": "еnrollments.csv"})
    yield "a-name-read-backwards", "missing-file", _named({"orgs.csv": "\u202evsc.sgro"})
    shift_jis = assembled(*RAWS[:2], Raw("名簿.csv".encode("shift-jis"), USERS))
    yield "a-name-in-shift-jis", "missing-file", shift_jis
    yield "a-name-as-long-as-it-gets", "missing-file", assembled(*RAWS[:2], Raw(b"u" * 65_000 + b".csv", USERS))
    yield "two-spellings-of-one-name", "duplicate-file", zipped(*FILES.items(), ("USERS.CSV", USERS))
    yield "both-names-of-orgs", "duplicate-file", zipped(*FILES.items(), ("org.csv", FILES["orgs.csv"]))
    yield "the-same-file-in-a-folder", "duplicate-file", zipped(*FILES.items(), ("old/users.csv", USERS))
    yield "an-archive-of-nothing", "unknown-format", zipped()
    yield "an-archive-of-folders", "unknown-format", zipped(("roster/", b""), ("roster/2026/", b""))
    yield "nothing-but-litter", "unknown-format", zipped(("__MACOSX/._users.csv", b"\0"), (".DS_Store", b"x"))
    yield "an-excel-workbook", "unknown-format", zipped(("[Content_Types].xml", b"<x/>"), ("xl/workbook.xml", b"<x/>"))
    yield "photographs", "unknown-format", zipped(("p1.jpg", b"\xff\xd8\xff"), ("p2.jpg", b"\xff\xd8\xff"))
    yield "rosters-two-folders-down", "unknown-format", zipped(*((f"a/b/{name}", text) for name, text in FILES.items()))


def _named(names: dict[str, str], content: bytes | None = None) -> bytes:
    """Return the roster with some files under other names, or with another content there."""
    members: list[tuple[zipfile.ZipInfo | str, bytes]] = []
    for name, text in FILES.items():
        members.append((names.get(name, name), content if content is not None and name in names else text))
    return zipped(*members)
