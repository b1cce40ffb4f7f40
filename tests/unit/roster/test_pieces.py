"""A roster read in many pieces is the same as one read at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from rosterbridge.roster import archive, pieces, reading
from tests.support.rosters import Files, added, oneroster_1_1, oneroster_1_2, process, replaced


def crlf(files: Files) -> Files:
    return {name: str(text).replace("\n", "\r\n") for name, text in files.items()}


BUNDLES = {
    "1.1": oneroster_1_1(),
    "1.2": oneroster_1_2(),
    "windows line ends": crlf(oneroster_1_1()),
    "line breaks and marks in values": replaced(oneroster_1_1(), "users.csv", "Ada", '"A\n""d"",a"'),
    "an unclosed mark at the end": added(oneroster_1_1(), "enrollments.csv", 'e7,,,"c1'),
    "two unreadable files": added(
        replaced(oneroster_1_1(), "users.csv", "Ada", "A\0da"), "enrollments.csv", 'e7,,,"c1,s1,p1,student,,,'
    ),
    "wrong rows": added(
        oneroster_1_1(),
        "enrollments.csv",
        "e7,,,gone,s1,p1,student,,,",
        "e7,,,gone,s1,p1,student,,,",
        "e8,,, c1 ,s1,p3,Student,,,",
        "e9,,,c1,s1,,student,,,",
        "e10,tobedeleted,,c1,s1,p1,student,,,",
        "e11,,,c1,s1,p3,student",
        "e12,,,c1,s1,p3,teacher,,8/27/2018,8/27/2019",
    ),
}


@pytest.mark.parametrize("files", BUNDLES.values(), ids=BUNDLES)
@pytest.mark.parametrize("size", [1, 40, 200])
def test_the_size_of_pieces_changes_nothing(
    tmp_path: Path, files: Files, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = process(tmp_path, files)
    expected = whole.zip.read_bytes() if whole.zip else None
    for module, name in ((archive, "BLOCK_BYTES"), (pieces, "PIECE_BYTES"), (reading, "PIECE_BYTES")):
        monkeypatch.setattr(module, name, size)
    monkeypatch.setattr(archive, "LARGE_BYTES", 300)  # some files of a bundle have more
    cut = process(tmp_path, files)
    assert cut.report == whole.report
    assert (cut.zip.read_bytes() if cut.zip else None) == expected
