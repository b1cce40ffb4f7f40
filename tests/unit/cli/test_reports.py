"""Reports on the terminal and in files, as a person calls for them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from rosterbridge.cli import runs, typer_app
from rosterbridge.cli.deployment import Deployment, Outputs
from rosterbridge.flows.models import ObjectRef, Run
from rosterbridge.roster.documents import report_to_json
from tests.support import flows
from tests.support.fakes import FakeObjectStore, FakeRunStore
from tests.support.rosters import added, asm, process, zip_bytes


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


def call(*words: str | Path) -> Result:
    return CliRunner().invoke(typer_app, [str(word) for word in words])


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


@pytest.fixture
def stored_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A history of one run with a stored report."""
    history, objects = FakeRunStore(), FakeObjectStore()
    tables = Outputs(AccountTable="accounts", RunTable="runs", RunBucket="runs")
    monkeypatch.setattr(runs, "connect", lambda _stage: Deployment(outputs=tables))
    monkeypatch.setattr(runs, "DynamoRunStore", lambda _table: history)
    monkeypatch.setattr(runs, "S3ObjectStore", lambda: objects)
    report = process(tmp_path, added(asm(), "rosters.csv", "e3,c9,p1")).report
    ref = ObjectRef(bucket="runs", key="runs/r/report.json")
    objects.put_text(report_to_json(report), ref)
    return history.create(flows.run(report=ref))


def test_runs_show_writes_the_stored_report(stored_run: Run, tmp_path: Path) -> None:
    lines = tmp_path / "r.txt"
    assert call("runs", "show", stored_run.id, "--report", lines).exit_code == 0
    assert lines.read_text(encoding="utf-8") == (
        "rosters.csv:4 - class_id = 'c9' does not reference any class_id in classes.csv\n"
    )


def test_a_report_that_is_gone_is_not_written(stored_run: Run, tmp_path: Path) -> None:
    assert stored_run.report is not None
    runs.S3ObjectStore().delete(stored_run.report)
    result = call("runs", "show", stored_run.id, "--report", tmp_path / "r.txt")
    assert result.exit_code == 2
    assert "no report" in result.stderr
    assert not (tmp_path / "r.txt").exists()
