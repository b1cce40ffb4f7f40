"""An uploaded ZIP is not trusted."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest

from tests.support.archives import Raw, assembled, patched, zipped
from tests.support.rosters import oneroster_1_1, process, zip_bytes


def code(tmp_path: Path, data: bytes) -> str:
    return process(tmp_path, data).report.codes[0]


def test_something_else_is_not_a_zip(tmp_path: Path) -> None:
    assert code(tmp_path, b"sourcedId,status\n") == "not-a-zip"
    assert code(tmp_path, b"") == "not-a-zip"


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_an_upload_that_broke_off_is_told_apart(tmp_path: Path, share: float) -> None:
    data = zip_bytes(oneroster_1_1())
    assert code(tmp_path, data[: int(len(data) * share)]) == "upload-incomplete"


def test_a_flipped_byte_is_noticed(tmp_path: Path) -> None:
    data = bytearray(zipped(*((name, str(text).encode()) for name, text in oneroster_1_1().items()), method=0))
    at = data.index(b"North School")
    data[at] ^= 1
    assert code(tmp_path, bytes(data)) == "archive-damaged"


def test_garbage_in_the_packed_data_is_noticed(tmp_path: Path) -> None:
    data = bytearray(zip_bytes(oneroster_1_1()))
    at = data.index(b"orgs.csv") + len(b"orgs.csv")
    data[at : at + 40] = b"\xff" * 40
    assert code(tmp_path, bytes(data)) == "archive-damaged"


def test_a_password_is_refused(tmp_path: Path) -> None:
    data = patched(zip_bytes(oneroster_1_1()), b"PK\x01\x02", 8, b"\x01\x08")
    assert code(tmp_path, data) == "archive-encrypted"


@pytest.mark.parametrize("name", ["/users.csv", "../users.csv", "a/../../users.csv", "C:/users.csv", "..\\users.csv"])
def test_paths_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    assert code(tmp_path, zipped((name, b"x"))) == "archive-unsafe"


def test_links_are_refused(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("users.csv")
    info.external_attr = 0o120777 << 16
    assert code(tmp_path, zipped((info, b"/etc/passwd"))) == "archive-unsafe"


def test_a_zip_in_the_zip_is_refused(tmp_path: Path) -> None:
    assert code(tmp_path, zipped(("roster.zip", zip_bytes(oneroster_1_1())))) == "archive-unsafe"


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    assert code(tmp_path, zipped(("users.csv", b"0" * 5_000_000))) == "archive-unsafe"


def test_overlapping_members_are_refused(tmp_path: Path) -> None:
    data = zip_bytes({"users.csv": "a,b\n1,2\n" * 50, "orgs.csv": "a,b\n1,2\n" * 50})
    second = data.rindex(b"PK\x01\x02")
    overlapping = bytearray(data)
    overlapping[second + 42 : second + 46] = struct.pack("<I", 0)
    assert code(tmp_path, bytes(overlapping)) == "archive-unsafe"


def test_a_size_that_lies_is_noticed_while_unpacking(tmp_path: Path) -> None:
    data = zip_bytes(oneroster_1_1())
    lying = patched(data, b"PK\x01\x02", 24, struct.pack("<I", 10))
    assert code(tmp_path, lying) == "archive-unsafe"


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    assert code(tmp_path, zipped(*((f"{number}.csv", b"x") for number in range(201)))) == "archive-too-large"


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    assert code(tmp_path, zip_bytes({**oneroster_1_1(), "USERS.csv": "x"})) == "duplicate-file"


def test_two_members_of_the_very_same_name_are_refused(tmp_path: Path) -> None:
    assert code(tmp_path, zipped(("users.csv", b"a"), ("users.csv", b"b"))) == "archive-unsafe"


def test_one_wrapping_folder_and_the_litter_of_a_mac_are_accepted(tmp_path: Path) -> None:
    files = {f"Roster 2026/{name}": text for name, text in oneroster_1_1().items()}
    files |= {
        "__MACOSX/Roster 2026/._users.csv": b"\0\0",
        "Roster 2026/.DS_Store": b"\0",
        "Roster 2026/Thumbs.db": b"x",
    }
    outcome = process(tmp_path, files)
    assert outcome.report.accepted
    assert outcome.found == []


def test_stored_members_are_read(tmp_path: Path) -> None:
    data = zipped(*((name, str(text).encode()) for name, text in oneroster_1_1().items()), method=zipfile.ZIP_STORED)
    assert process(tmp_path, data).report.accepted


def test_another_method_is_named(tmp_path: Path) -> None:
    data = zipped(*((name, str(text).encode()) for name, text in oneroster_1_1().items()), method=zipfile.ZIP_LZMA)
    report = process(tmp_path, data).report
    assert report.codes == ("archive-damaged",)
    assert "deflate" in report.summary


def test_a_name_in_an_old_code_page_is_no_overlap(tmp_path: Path) -> None:
    others = (Raw(name.encode(), str(text).encode()) for name, text in oneroster_1_1().items())
    data = assembled(Raw("Grüße äöü.txt".encode("cp437"), b"x"), *others)
    assert process(tmp_path, data).report.accepted


def test_the_marker_of_a_zip_that_was_not_split_after_all_is_accepted(tmp_path: Path) -> None:
    raws = (Raw(name.encode(), str(text).encode()) for name, text in oneroster_1_1().items())
    assert process(tmp_path, assembled(*raws, before=b"PK00")).report.accepted


def test_a_wrong_table_of_contents_is_no_upload_that_broke_off(tmp_path: Path) -> None:
    data = zip_bytes(oneroster_1_1())
    report = process(tmp_path, data.replace(b"PK\x01\x02", b"PK\x01\x00", 1)).report
    assert report.codes == ("archive-damaged",)
    assert "table of contents" in report.summary
