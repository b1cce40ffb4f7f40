"""Every row that Apple gets can be traced to the lines from which it came."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import pytest

from rosterbridge.roster import ConversionOptions, convert
from tests.support.rosters import AS_OF, Files, added, asm, oneroster_1_1, oneroster_1_2, replaced, zip_bytes


def trace(
    folder: Path, files: Files, options: ConversionOptions | None = None
) -> dict[tuple[str, int], dict[str, str]]:
    """Convert, and return for each file and line that Apple gets its source lines by source file."""
    source, found = folder / "in.zip", folder / "origins.csv"
    source.write_bytes(zip_bytes(files))
    report = convert(source, folder / "out.zip", options or ConversionOptions(), as_of=AS_OF, provenance=found)
    assert report.accepted, report.summary
    traced: dict[tuple[str, int], dict[str, str]] = {}
    with found.open(newline="") as text:
        for row in csv.DictReader(text):
            traced.setdefault((row["file"], int(row["line"])), {})[row["source"]] = row["source_lines"]
    assert len(traced) == sum(report.sent.values())
    return traced


def test_each_row_names_the_line_of_its_source(tmp_path: Path) -> None:
    files = replaced(oneroster_1_1(), "users.csv", "Ada,Lind", '"Ada\nMaria",Lind')  # the rows below stand a line lower
    traced = trace(tmp_path, files)
    assert traced["staff.csv", 2] == {"users.csv": "2"}
    assert traced["students.csv", 2] == {"users.csv": "5"}
    assert traced["classes.csv", 2] == {"classes.csv": "2", "enrollments.csv": "2 3"}
    assert traced["rosters.csv", 2] == {"enrollments.csv": "4"}
    assert [traced["locations.csv", line] for line in (2, 3)] == [{"orgs.csv": "3"}, {"orgs.csv": "4"}]
    assert traced["courses.csv", 2] == {"courses.csv": "2"}


def test_a_course_made_from_a_class_names_the_class(tmp_path: Path) -> None:
    files = replaced(oneroster_1_1(), "classes.csv", "Algebra A,09,k1", "Algebra A,09,gone")
    traced = trace(tmp_path, files)
    assert {"classes.csv": "2"} in [traced["courses.csv", line] for line in (2, 3)]


def test_of_1_2_the_lines_of_the_roles_stand_too(tmp_path: Path) -> None:
    traced = trace(tmp_path, oneroster_1_2())
    assert traced["students.csv", 3] == {"users.csv": "5", "roles.csv": "5 6"}


def test_a_row_taken_once_names_the_line_that_was_kept(tmp_path: Path) -> None:
    files = added(oneroster_1_1(), "enrollments.csv", "e7,,,c1,s1,p1,student,,2026-08-15,2027-06-10")
    traced = trace(tmp_path, files)
    assert traced["rosters.csv", 2] == {"enrollments.csv": "4"}
    assert ("rosters.csv", 5) not in traced


def test_an_upload_that_goes_on_unchanged_is_its_own_source(tmp_path: Path) -> None:
    traced = trace(tmp_path, asm())
    assert all(sources == {file: str(line)} for (file, line), sources in traced.items())


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    path = tmp_path / "origins.csv.gz"
    source = tmp_path / "in.zip"
    source.write_bytes(zip_bytes(oneroster_1_1()))
    convert(source, tmp_path / "out.zip", ConversionOptions(), as_of=AS_OF, provenance=path)
    return path


def test_it_holds_lines_and_no_value(packed: Path) -> None:
    text = gzip.decompress(packed.read_bytes()).decode()
    cells = {cell for line in text.splitlines()[1:] for cell in line.split(",")}
    assert all(cell.endswith(".csv") or cell.replace(" ", "").isdigit() for cell in cells)


def test_a_rejected_upload_has_none(tmp_path: Path) -> None:
    files = oneroster_1_1()
    del files["orgs.csv"]
    source, found = tmp_path / "in.zip", tmp_path / "origins.csv"
    source.write_bytes(zip_bytes(files))
    assert not convert(source, tmp_path / "out.zip", ConversionOptions(), as_of=AS_OF, provenance=found).accepted
    assert not found.exists()
