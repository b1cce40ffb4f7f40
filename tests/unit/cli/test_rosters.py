"""``rosterbridge validate`` and ``convert`` as a person at a terminal, or a script, sees them."""

from __future__ import annotations

import csv
import json
import zipfile
from pathlib import Path

import pytest

from tests.support.command_line import call
from tests.support.rosters import asm, oneroster_1_1, zip_bytes


@pytest.fixture
def upload(tmp_path: Path) -> Path:
    path = tmp_path / "up load.zip"
    path.write_bytes(zip_bytes(oneroster_1_1()))
    return path


def test_validate_says_what_would_be_sent(upload: Path) -> None:
    result = call("validate", upload)
    assert result.exit_code == 0
    assert "Accepted: 3 students, 2 staff" in result.stdout
    assert "users.csv" in result.stdout


def test_convert_writes_apples_zip(upload: Path, tmp_path: Path) -> None:
    target = tmp_path / "asm.zip"
    assert call("convert", upload, target, "--as-of", "2026-10-01").exit_code == 0
    with zipfile.ZipFile(target) as archive:
        assert archive.namelist() == list(asm())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["asm.zip", "up load.zip"]


def test_a_rejected_upload_exits_1_and_leaves_no_file(tmp_path: Path) -> None:
    upload, target = tmp_path / "bad.zip", tmp_path / "asm.zip"
    upload.write_bytes(b"no zip at all")
    result = call("convert", upload, target)
    assert result.exit_code == 1
    assert "Rejected: The file is not a ZIP archive." in result.stdout
    assert not target.exists()


def test_json_is_only_json(upload: Path) -> None:
    report = json.loads(call("validate", upload, "--json").stdout)
    assert report["accepted"] is True
    assert report["sent"]["students.csv"] == 3


def test_report_and_errors_go_to_files(tmp_path: Path) -> None:
    files = oneroster_1_1()
    files["enrollments.csv"] = str(files["enrollments.csv"]) + "e7,,,=cmd(),s1,p1,student,,,\n"
    upload = tmp_path / "upload.zip"
    upload.write_bytes(zip_bytes(files))
    report, errors = tmp_path / "report.json", tmp_path / "errors.csv"
    assert call("validate", upload, "--report", report, "--errors", errors).exit_code == 1
    assert json.loads(report.read_text(encoding="utf-8"))["accepted"] is False
    with errors.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["code"] for row in rows] == ["unknown-class", "too-many-dropped"]
    assert (rows[0]["file"], rows[0]["line"], rows[0]["column"]) == ("enrollments.csv", "8", "classSourcedId")


def test_no_cell_of_the_errors_file_is_a_formula(tmp_path: Path) -> None:
    files = {**asm(), "-2+3.csv": "x"}
    files["students.csv"] = str(files["students.csv"]).replace("person_number", "=1+1")
    upload, errors = tmp_path / "upload.zip", tmp_path / "errors.csv"
    upload.write_bytes(zip_bytes(files))
    call("validate", upload, "--errors", errors)
    with errors.open(encoding="utf-8-sig", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert "'=1+1" in cells
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)


def test_options_come_from_a_file(upload: Path, tmp_path: Path) -> None:
    options = tmp_path / "options.json"
    options.write_text('{"grades": ["KG"]}', encoding="utf-8")
    assert "Accepted: 1 student," in call("validate", upload, "--options", options).stdout


@pytest.mark.parametrize(
    ("content", "named"), [('{"grade": []}', "grade"), ('{"max_dropped": 7}', "max_dropped"), ("{", "file")]
)
def test_wrong_options_exit_2_and_are_named(upload: Path, tmp_path: Path, content: str, named: str) -> None:
    options = tmp_path / "options.json"
    options.write_text(content, encoding="utf-8")
    result = call("validate", upload, "--options", options)
    assert result.exit_code == 2
    assert named in result.stderr


def test_wrong_usage_exits_2(upload: Path, tmp_path: Path) -> None:
    assert call("validate", tmp_path / "missing.zip").exit_code == 2
    assert call("convert", upload, upload).exit_code == 2
    assert call("convert", upload, tmp_path / "nowhere" / "asm.zip").exit_code == 2
    assert call("validate", upload, "--as-of", "yesterday").exit_code == 2


def test_apply_delta_writes_the_full_package_that_comes_of_it(upload: Path, tmp_path: Path) -> None:
    header = str(oneroster_1_1()["enrollments.csv"]).splitlines()[0]
    changes = f"{header}\ne3,tobedeleted,2026-10-01T08:00:00Z,,,,,,,\n"
    delta, full, apple = tmp_path / "delta.zip", tmp_path / "full.zip", tmp_path / "apple.zip"
    delta.write_bytes(zip_bytes({"manifest.csv": "file.enrollments,delta\n", "enrollments.csv": changes}))
    result = call("apply-delta", upload, delta, full, "--as-of", "2026-10-01")
    assert result.exit_code == 0
    assert "0 added, 0 changed, 1 removed" in " ".join(result.output.split())
    again = tmp_path / "again.zip"
    assert call("apply-delta", full, delta, again, "--as-of", "2026-10-01").exit_code == 0
    assert again.read_bytes() == full.read_bytes()
    assert call("convert", full, apple, "--as-of", "2026-10-01").exit_code == 0
    with zipfile.ZipFile(apple) as archive:
        assert b"e3," not in archive.read("rosters.csv")
    assert call("apply-delta", upload, upload, again).exit_code == 2
    assert call("apply-delta", upload, delta, delta).exit_code == 2
