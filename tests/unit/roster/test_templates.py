"""Templates are the standards' headers, and what is filled into them is read."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import get_args

import pytest
from click.testing import Result
from typer.testing import CliRunner

from rosterbridge.cli import typer_app
from rosterbridge.roster import schemas
from rosterbridge.roster.templates import TemplateName, template_files
from tests.support.rosters import Files, asm, oneroster_1_1, oneroster_1_2, process


def filled(name: TemplateName, rows: Files, **more: str) -> Files:
    """Put the rows of a package under the headers of a template, column by column."""
    files: Files = {}
    for file, header in template_files(name).items():
        columns = header.splitlines()[0].split(",")
        given = csv.DictReader(str({**rows, **more}.get(file, header)).splitlines())
        lines = [",".join(f'"{row.get(column, "")}"' for column in columns) for row in given]
        files[file] = header if file == "manifest.csv" else "\n".join([header.strip(), *lines]) + "\n"
    return files


def test_a_filled_asm_template_is_accepted(tmp_path: Path) -> None:
    report = process(tmp_path, filled("asm", asm())).report
    assert (report.accepted, report.format, report.unchanged) == (True, "asm", True)
    assert report.sent["rosters.csv"] == 2


@pytest.mark.parametrize(("name", "rows"), [("oneroster-1.1", oneroster_1_1()), ("oneroster-1.2", oneroster_1_2())])
def test_a_filled_oneroster_template_is_accepted(tmp_path: Path, name: TemplateName, rows: Files) -> None:
    report = process(tmp_path, filled(name, rows)).report
    assert (report.accepted, report.format) == (True, name)
    assert report.codes == ()


@pytest.mark.parametrize("name", get_args(TemplateName))
def test_headers_are_the_schemas(name: TemplateName) -> None:
    known = (
        {file: one.columns for file, one in schemas.asm().items()}
        if name == "asm"
        else schemas.oneroster("1.1" if name == "oneroster-1.1" else "1.2").files
    )
    every = template_files(name, every=True)
    assert every.keys() == known.keys()
    for file, text in every.items():
        assert text.splitlines()[0] == ",".join(column.name for column in known[file])
        assert text.count("\n") == 1 or file == "manifest.csv"


def test_the_manifest_says_which_files_are_there() -> None:
    for every in (False, True):
        files = template_files("oneroster-1.2", every=every)
        said = dict(csv.reader(files["manifest.csv"].splitlines()))
        there = {f"{name.removeprefix('file.')}.csv" for name, mode in said.items() if mode == "bulk"}
        assert there == files.keys() - {"manifest.csv"}
        assert said["oneroster.version"] == "1.2"


def test_only_1_2_has_roles() -> None:
    assert "roles.csv" in template_files("oneroster-1.2")
    assert "roles.csv" not in template_files("oneroster-1.1", every=True)


def call(*words: str | Path) -> Result:
    return CliRunner().invoke(typer_app, ["templates", *(str(word) for word in words)])


def test_the_command_writes_and_says_what(tmp_path: Path) -> None:
    result = call("--folder", tmp_path / "new" / "asm")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [str(tmp_path / "new" / "asm" / name) for name in asm()]
    assert (tmp_path / "new/asm/rosters.csv").read_bytes() == b"roster_id,class_id,student_id\n"


def test_the_default_folder_is_named_after_the_template(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert call("oneroster-1.1", "--all").exit_code == 0
    assert len(list((tmp_path / "templates" / "oneroster-1.1").iterdir())) == 14


def test_what_is_there_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "staff.csv").write_text("mine")
    result = call("asm", "--folder", tmp_path)
    assert result.exit_code == 2
    assert "staff.csv" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["staff.csv"]
    assert (tmp_path / "staff.csv").read_text() == "mine"


def test_an_unknown_template_is_wrong_usage() -> None:
    assert call("excel").exit_code == 2
