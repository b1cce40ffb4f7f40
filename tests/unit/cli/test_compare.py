"""``rosterbridge compare``: what an administrator sees before the next upload is sent."""

from __future__ import annotations

import csv
import gzip
import io
import re
from pathlib import Path

import pytest

from tests.support.command_line import call, done, told
from tests.support.rosters import Files, added, asm, oneroster_1_1, replaced, zip_bytes


def package(folder: Path, name: str, files: Files | None = None) -> Path:
    path = folder / name
    path.write_bytes(zip_bytes(asm() if files is None else files))
    return path


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return package(tmp_path, "old.zip")


@pytest.fixture
def new(tmp_path: Path) -> Path:
    files = replaced(asm(), "students.csv", "p2,,Di,,Falk,KG,,,,s1,\n", "p3,,Ed,,Ek,9,,,,s1,\n")
    files = replaced(files, "rosters.csv", "e2,c1,p2", "e2,c1,p3")
    return package(tmp_path, "new.zip", files)


def test_a_line_for_each_file_and_what_it_means_at_apple(old: Path, new: Path) -> None:
    shown = done("compare", old, new)
    rows = [line.split() for line in shown.splitlines()]
    assert rows[0] == ["file", "before", "after", "added", "removed", "changed"]
    assert rows[1] == ["students.csv", "2", "2", "1", "1", "0"]
    assert ["rosters.csv", "2", "2", "0", "0", "1"] in rows
    assert [row[0] for row in rows[1:7]] == list(asm())
    assert shown.endswith("1 student would be deactivated; 1 roster changed.\n")
    assert not re.search("Falk|Ek", shown)


def test_the_same_twice_changes_nothing(old: Path) -> None:
    assert "Nothing would change." in done("compare", old, old)


def test_json_is_only_json(old: Path, new: Path) -> None:
    files = told("compare", old, new)["files"]
    assert files["students.csv"] == {"before": 2, "after": 2, "added": 1, "removed": 1, "changed": 0}
    assert list(files) == list(asm())


@pytest.mark.parametrize("name", ["changes.csv", "changes.csv.gz"])
def test_the_ids_go_to_a_file(old: Path, new: Path, tmp_path: Path, name: str) -> None:
    target = tmp_path / name
    done("compare", old, new, "--changes", target)
    content = gzip.decompress(target.read_bytes()) if name.endswith(".gz") else target.read_bytes()
    assert list(csv.reader(io.StringIO(content.decode()))) == [
        ["file", "change", "id"],
        ["students.csv", "added", "p3"],
        ["students.csv", "removed", "p2"],
        ["rosters.csv", "changed", "e2"],
    ]


def test_a_oneroster_zip_must_be_converted_first(old: Path, tmp_path: Path) -> None:
    result = call("compare", old, package(tmp_path, "sis.zip", oneroster_1_1()))
    assert result.exit_code == 1
    assert "sis.zip: it is in OneRoster format" in result.stderr
    assert "rosterbridge convert" in result.stderr
    assert result.stdout == ""


def test_what_cannot_be_read_is_rejected_by_name_and_reason(old: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"no zip at all")
    result = call("compare", broken, old, "--json")
    assert result.exit_code == 1
    assert "broken.zip: The file is not a ZIP archive." in result.stderr
    damaged = package(tmp_path, "damaged.zip", added(asm(), "staff.csv", 't2,,"Bo,,Berg,,,s1'))
    result = call("compare", old, damaged)
    assert result.exit_code == 1
    assert "staff.csv" in result.stderr
    assert "Berg" not in result.output


def test_wrong_usage_exits_2_before_anything_is_written(old: Path, new: Path, tmp_path: Path) -> None:
    assert call("compare", old).exit_code == 2
    assert call("compare", old, tmp_path / "missing.zip").exit_code == 2
    assert call("compare", old, new, "--changes", tmp_path / "changes.txt").exit_code == 2
    assert call("compare", old, new, "--changes", tmp_path / "nowhere" / "changes.csv").exit_code == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.zip", "old.zip"]
