"""Uploads that somebody or something has damaged, and what must hold of any upload whatever."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from hypothesis import strategies as st

from rosterbridge.roster import ConversionOptions, convert, validate
from rosterbridge.roster.documents import report_from_json, report_to_json
from tests.support.rosters import AS_OF, Files, asm, oneroster_1_1, oneroster_1_2, zip_bytes

BUNDLES = (oneroster_1_1, oneroster_1_2, asm)
TOKENS = (
    *(b'"', b'""', b"\r", b"\n", b"\r\n", b",", b";", b"\t", b"\\", b"\\n", b"\0", b" ", b"-", b"NULL", b"9 10"),
    *(b"\xef\xbb\xbf", b"\xff\xfe", b"\xe9", "é😀".encode(), "\u2028".encode()),
    *(b"teacher", b"tobedeleted", b"s1", b"p1", b"t1"),
)  # fmt: skip
NAMES = (
    "org.csv",
    "USERS.CSV",
    "folder/users.csv",
    "../users.csv",
    "students.csv",
    "sections.csv",
    "x.zip",
    "demographics.csv",
)
MAX_AT = 3000  # further than any member of the bundles is long

Positions = st.integers(0, MAX_AT)
InFile = (
    st.tuples(st.just("insert"), Positions, st.sampled_from(TOKENS)),
    st.tuples(st.just("insert"), Positions, st.binary(min_size=1, max_size=4)),
    st.tuples(st.just("delete"), Positions, st.integers(1, 40)),
    st.tuples(st.just("repeat"), Positions, st.integers(1, 200)),
    st.tuples(st.just("swap"), Positions, Positions),
)
OfFile = (
    st.tuples(st.just("drop"), Positions, st.just(0)),
    st.tuples(st.just("rename"), Positions, st.sampled_from(NAMES)),
)
RARE = st.integers(0, 11).map(lambda number: number == 0)  # most uploads should get as far as the rules
Damage = RARE.flatmap(lambda rare: st.one_of(*(OfFile if rare else InFile)))
HurtZip = st.one_of(st.tuples(Positions, st.integers(0, 255)), st.tuples(Positions, st.none()))
ZipDamage = RARE.flatmap(lambda rare: HurtZip if rare else st.none())
OPTIONS = st.builds(
    ConversionOptions,
    profile=st.sampled_from(["lenient", "lenient", "strict"]),
    ended=st.sampled_from(["keep", "drop"]),
    terms=st.sampled_from([(), (), ("term1",)]),
    schools=st.sampled_from([(), (), ("s1",)]),
    grades=st.sampled_from([(), (), ("9",)]),
    names=st.sampled_from(["legal", "preferred"]),
    empty_classes=st.sampled_from(["keep", "drop"]),
    course_location=st.sampled_from(["split", "district"]),
    id_policy=st.sampled_from(["keep", "map"]),
    null_words=st.sampled_from(["empty", "keep"]),
    repair=st.sampled_from([None, True, False]),
    max_dropped=st.sampled_from([0.05, 1.0]),
)


@st.composite
def damaged_uploads(draw: st.DrawFn, bundles: Sequence[Callable[[], Files]] = BUNDLES) -> bytes:
    """Return the bytes of a ZIP of one of the bundles, in which a few things went wrong."""
    files = {name: _bytes(content) for name, content in draw(st.sampled_from(bundles))().items()}
    for _ in range(draw(st.integers(1, 5))):
        if files:
            name = draw(st.sampled_from(sorted(files)))
            _damage(files, name, *draw(Damage))
    made = zip_bytes(files)
    if hurt := draw(ZipDamage):
        place = hurt[0] % len(made)
        made = made[:place] if hurt[1] is None else made[:place] + bytes([hurt[1]]) + made[place + 1 :]
    return made


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def _damage(files: dict[str, bytes], name: str, kind: str, place: int, what: object) -> None:
    data = files[name]
    at = place % (len(data) + 1)
    if kind == "insert" and isinstance(what, bytes):
        files[name] = data[:at] + what + data[at:]
    elif kind == "delete" and isinstance(what, int):
        files[name] = data[:at] + data[at + what :]
    elif kind == "repeat" and isinstance(what, int):
        files[name] = data[: at + what] + data[at:]
    elif kind == "swap" and isinstance(what, int):
        lines = data.split(b"\n")
        one, other = place % len(lines), what % len(lines)
        lines[one], lines[other] = lines[other], lines[one]
        files[name] = b"\n".join(lines)
    elif kind == "drop":
        del files[name]
    elif kind == "rename" and isinstance(what, str):
        files[what] = files.pop(name)


def examine(upload: bytes, options: ConversionOptions) -> str:
    """Judge an upload, and hold its report and result to what must be true of every upload; returns the outcome."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        source, target, again = (Path(folder) / name for name in ("in.zip", "out.zip", "again.zip"))
        source.write_bytes(upload)
        report = convert(source, target, options, as_of=AS_OF)
        assert report_from_json(report_to_json(report)) == report
        assert json.loads(report_to_json(report))["accepted"] == target.exists()
        for counts in report.counts.values():
            assert counts.read == counts.sent + counts.left_out + counts.dropped
        if not report.accepted:
            assert report.rejected_by in report.codes
            return str(report.rejected_by)
        assert validate(source, options, as_of=AS_OF).sent == report.sent
        convert(source, again, options, as_of=AS_OF)
        assert again.read_bytes() == target.read_bytes()
        checked = validate(target, ConversionOptions(), as_of=AS_OF)
        assert checked.accepted, checked.summary
        assert checked.sent == report.sent
        return report.format
