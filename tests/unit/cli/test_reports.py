"""Reports on the terminal and in files, as a person calls for them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.support.command_line import call
from tests.support.rosters import added, asm, zip_bytes


@pytest.fixture
def upload(tmp_path: Path) -> Path:
    lines = [f"r{number},c1,p{number}" for number in range(100, 130)]
    path = tmp_path / "upload.zip"
    path.write_bytes(zip_bytes(added(asm(), "rosters.csv", *lines)))
    return path


@pytest.fixture
def repairing(tmp_path: Path) -> Path:
    path = tmp_path / "options.json"
    path.write_text('{"repair": true, "max_dropped": 1}', encoding="utf-8")
    return path


def test_the_ending_of_its_name_is_the_form_of_a_report(upload: Path, tmp_path: Path) -> None:
    whole, sheet, lines = (tmp_path / name for name in ("r.json", "r.CSV", "r.txt"))
    assert call("validate", upload, "--report", whole, "--report", sheet, "--report", lines).exit_code == 1
    assert len(json.loads(whole.read_bytes())["entries"]) == 30
    with sheet.open(encoding="utf-8-sig", newline="") as file:
        assert [row["line"] for row in csv.DictReader(file)] == [str(line) for line in range(4, 34)]
    assert lines.read_text(encoding="utf-8").splitlines()[0] == (
        "rosters.csv:4 - student_id = 'p100' does not reference any person_id in students.csv"
    )


@pytest.mark.parametrize("name", ["report.xlsx", "report", "nowhere/report.json"])
def test_a_report_that_cannot_be_written_is_refused_before_work(upload: Path, tmp_path: Path, name: str) -> None:
    target = tmp_path / "asm.zip"
    result = call("convert", upload, target, "--report", tmp_path / name)
    assert result.exit_code == 2
    assert not target.exists()


def test_repairs_are_counted_on_the_terminal_beyond_the_first_entries(upload: Path, repairing: Path) -> None:
    result = call("validate", upload, "--options", repairing)
    assert result.exit_code == 0
    assert "30 rosters were dropped; see the report." in result.stdout
    assert ["warning", "roster-dropped", "rosters.csv", "30"] in [line.split() for line in result.stdout.splitlines()]
    assert "… and 10 more entries" in result.stdout


def test_convert_writes_the_mended_zip(upload: Path, repairing: Path, tmp_path: Path) -> None:
    target = tmp_path / "asm.zip"
    assert call("convert", upload, target, "--options", repairing).exit_code == 0
    assert call("validate", target).exit_code == 0


def test_no_value_commands_the_terminal(tmp_path: Path) -> None:
    upload = tmp_path / "upload.zip"
    upload.write_bytes(zip_bytes(added(asm(), "rosters.csv", "r9,c1,\x1b[2Jp9")))
    assert "\x1b" not in call("validate", upload).stdout
