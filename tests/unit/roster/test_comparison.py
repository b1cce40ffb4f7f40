"""What an upload would change at Apple's side, row by row, whatever its files look like."""

from __future__ import annotations

import csv
import gzip
import io
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rosterbridge.roster import comparison
from rosterbridge.roster.comparison import Changes, FileChanges, Fingerprints, compare, fingerprints
from rosterbridge.roster.findings import RosterError
from rosterbridge.roster.formats import ASM, AsmFile
from tests.support.examples import examples
from tests.support.rosters import Files, added, asm, oneroster_1_1, replaced, zip_bytes

Row = Mapping[str, str]
Table = Mapping[str, Row]  # by id
Tables = Mapping[str, Table]  # by file
# No backslash, which escapes in Apple's format, and no carriage return, which may not stand alone
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="\\"), max_size=6)
VALUES = st.one_of(TEXTS, st.sampled_from(["", 'O"Neil', "a,b", "a;b", "new\nline", " é ", "=1+1", "Åse"]))
IDS = st.one_of(st.sampled_from(["1", "2", "3", "a,b", 'q"q', "=1", "é"]), VALUES.filter(bool))


def read(files: Files) -> Fingerprints:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "asm.zip"
        path.write_bytes(zip_bytes(files))
        return fingerprints(path)


def changed(before: Files, after: Files) -> Changes:
    return compare(read(before), read(after))


def listed(changes: Changes) -> list[tuple[str, str, str]]:
    return list(changes.rows.cast(pl.String).iter_rows())


def counts(changes: Changes) -> dict[str, FileChanges]:
    """Return the files in which anything changes."""
    return {name: file for name, file in changes.files.items() if file.added or file.removed or file.changed}


def test_the_same_package_changes_nothing() -> None:
    changes = changed(asm(), asm())
    assert changes.total == 0
    assert list(changes.files) == list(ASM)
    assert changes.files["students.csv"] == FileChanges(before=2, after=2, added=0, removed=0, changed=0)


def test_rows_are_told_apart_by_their_ids_and_listed_by_file_change_and_id() -> None:
    after = replaced(asm(), "students.csv", "p1,,Cy", "p1,,Cyrus")
    after = added(after, "students.csv", "p4,,Eve,,Ek,9,,,,s1,", "p3,,Ed,,Ek,9,,,,s1,")
    after = replaced(after, "rosters.csv", "e2,c1,p2\n", "")
    changes = changed(asm(), after)
    assert counts(changes) == {
        "students.csv": FileChanges(before=2, after=4, added=2, removed=0, changed=1),
        "rosters.csv": FileChanges(before=2, after=1, added=0, removed=1, changed=0),
    }
    assert listed(changes) == [
        ("students.csv", "added", "p3"),
        ("students.csv", "added", "p4"),
        ("students.csv", "changed", "p1"),
        ("rosters.csv", "removed", "e2"),
    ]


def test_a_file_may_become_empty() -> None:
    header = str(asm()["students.csv"]).splitlines()[0] + "\n"
    assert changed(asm(), {**asm(), "students.csv": header}).files["students.csv"] == FileChanges(2, 0, 0, 2, 0)
    assert changed({**asm(), "students.csv": header}, asm()).files["students.csv"] == FileChanges(0, 2, 2, 0, 0)


def test_a_value_that_moves_to_another_column_is_a_change() -> None:
    assert listed(changed(asm(), replaced(asm(), "students.csv", "Di,,Falk", "Di,Falk,"))) == [
        ("students.csv", "changed", "p2")
    ]


def test_a_fourth_instructor_counts_and_an_empty_column_for_one_does_not() -> None:
    def with_fourth(value: str) -> Files:
        files = replaced(asm(), "classes.csv", "location_id\n", "location_id,instructor_id_4\n")
        return replaced(files, "classes.csv", ",,,s1\n", f",,,s1,{value}\n")

    assert changed(asm(), with_fourth("")).total == 0
    assert listed(changed(asm(), with_fourth("t1"))) == [("classes.csv", "changed", "c1")]


def test_how_the_files_are_written_makes_no_difference() -> None:
    semicolons = {name: "\ufeff" + str(text).replace(",", ";").replace("\n", "\r\n") for name, text in asm().items()}
    assert changed(asm(), semicolons).total == 0
    upper = replaced(asm(), "rosters.csv", "roster_id,class_id", "ROSTER_ID, Class_Id")
    assert changed(asm(), {name.upper(): text for name, text in upper.items()}).total == 0


def test_a_digest_is_the_same_in_every_release() -> None:
    rows = read(asm()).files["students.csv"].collect()
    assert dict(rows.iter_rows()) == {"p1": 1314311871347838572, "p2": 11748310144592005489}


def test_rows_with_one_id_count_as_one() -> None:
    twice = added(asm(), "rosters.csv", *["e2,c1,p2"] * 1000)
    changes = changed(twice, twice)
    assert changes.total == 0
    assert changes.files["rosters.csv"].before == 2
    assert listed(changed(asm(), twice)) == [("rosters.csv", "changed", "e2")]


def test_what_is_written_is_read_again_and_holds_no_name(tmp_path: Path) -> None:
    path, whole = tmp_path / "sent.parquet", read(asm())
    whole.write(path)
    again = Fingerprints.read(path)
    assert again.heights() == whole.heights() == {
        "students.csv": 2, "staff.csv": 1, "courses.csv": 1, "classes.csv": 1, "rosters.csv": 2, "locations.csv": 2,
    }  # fmt: skip
    assert compare(again, whole).total == 0
    assert pl.read_parquet_schema(path) == {"file": pl.String, "id": pl.String, "digest": pl.UInt64}
    assert not any(name in path.read_bytes() for name in (b"Holm", b"Falk", b"North"))


@pytest.mark.parametrize("name", ["changes.csv", "changes.csv.gz"])
def test_the_list_is_csv_and_the_same_bytes_each_time(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    after = added(asm(), "locations.csv", '"a,b",x', '"q""q",x', "Å,x")
    changes = changed(asm(), after)
    path, again = tmp_path / name, tmp_path / f"again-{name}"
    changes.write_csv(path)
    monkeypatch.setattr(time, "time", lambda: 2e9)
    changes.write_csv(again)
    assert path.read_bytes() == again.read_bytes()
    content = gzip.decompress(path.read_bytes()) if name.endswith(".gz") else path.read_bytes()
    assert list(csv.reader(io.StringIO(content.decode(), newline=""))) == [
        ["file", "change", "id"],
        *(["locations.csv", "added", one] for one in ("a,b", 'q"q', "Å")),
    ]


def test_a_spreadsheet_runs_nothing_of_the_list(tmp_path: Path) -> None:
    path = tmp_path / "changes.csv"
    changed(asm(), added(asm(), "locations.csv", "=1+1,x", "@a,x", "-b,x", "c=d,x")).write_csv(path)
    assert [line.rsplit(",", 1)[1] for line in path.read_text().splitlines()] == ["id", "'-b", "'=1+1", "'@a", "c=d"]


def test_a_zip_in_another_format_is_refused() -> None:
    with pytest.raises(RosterError, match="unknown-format"):
        read(oneroster_1_1())


@st.composite
def tables(draw: st.DrawFn) -> Tables:
    """A row has some columns of its file, filled or empty; what is left out is empty too."""
    return {name: draw(_table(file)) for name, file in ASM.items()}


def _numbered(file: AsmFile) -> list[str]:
    return file.repeats(6) if file.repeated else []


def _table(file: AsmFile) -> st.SearchStrategy[Table]:
    columns = [column for column in (*file.columns, *_numbered(file)) if column != file.key]
    return st.dictionaries(IDS, st.dictionaries(st.sampled_from(columns), VALUES, max_size=3), max_size=8)


@st.composite
def revised(draw: st.DrawFn, before: Tables) -> Tables:
    """The same tables with some rows taken out, changed and added."""
    fresh = draw(tables())
    return {
        name: {key: row for key, row in before[name].items() if draw(st.integers(0, 3))} | dict(fresh[name])
        for name in ASM
    }


def written(tables: Tables, shuffle: st.DataObject) -> Files:
    """Write tables with their columns and rows in any order, and with empty numbered columns or without."""
    files: dict[str, str | bytes] = {}
    for name, file in ASM.items():
        filled = {column for row in tables[name].values() for column in row}
        optional = [column for column in _numbered(file) if column in filled or shuffle.draw(st.booleans())]
        columns = shuffle.draw(st.permutations([*file.columns, *optional]))
        made = io.StringIO()
        writer = csv.DictWriter(made, columns, restval="", lineterminator="\n")
        writer.writeheader()
        for key in shuffle.draw(st.permutations(sorted(tables[name]))):
            writer.writerow({**tables[name][key], file.key: key})
        files[name] = made.getvalue()
    return files


def told_by_hand(before: Tables, after: Tables) -> list[tuple[str, str, str]]:
    """Compare as anybody would, one row at a time."""
    found = []
    for name in ASM:
        old, new = ({key: _filled(row) for key, row in some[name].items()} for some in (before, after))
        found += [(name, "added", key) for key in sorted(new.keys() - old.keys())]
        found += [(name, "changed", key) for key in sorted(old.keys() & new.keys()) if old[key] != new[key]]
        found += [(name, "removed", key) for key in sorted(old.keys() - new.keys())]
    return found


def _filled(row: Row) -> Row:
    return {column: value for column, value in row.items() if value}


@settings(max_examples=examples(20), deadline=None)
@given(tables(), st.data())
def test_a_roster_compared_with_itself_changes_nothing_however_it_is_written(one: Tables, data: st.DataObject) -> None:
    changes = changed(written(one, data), written(one, data))
    assert changes.total == 0
    assert {name: file.before for name, file in changes.files.items()} == {name: len(one[name]) for name in ASM}


@settings(max_examples=examples(20), deadline=None)
@given(tables(), st.integers(1, 5), st.data())
def test_changes_are_those_that_a_plain_comparison_finds(before: Tables, part: int, data: st.DataObject) -> None:
    after = data.draw(revised(before))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparison, "PART_ROWS", part)
        changes = changed(written(before, data), written(after, data))
    expected = told_by_hand(before, after)
    assert listed(changes) == expected
    for name, file in changes.files.items():
        kinds = [change for where, change, _ in expected if where == name]
        assert (file.added, file.removed, file.changed) == tuple(map(kinds.count, ("added", "removed", "changed")))
        assert (file.before, file.after) == (len(before[name]), len(after[name]))
        assert file.before + file.added - file.removed == file.after
