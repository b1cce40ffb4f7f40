"""Files as they really come: each fault is named with its line, each oddity is read."""

from __future__ import annotations

import csv
import io
import itertools
import random
import re
import string
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rosterbridge.roster import ConversionOptions, pieces, reading
from rosterbridge.roster import archive as archive_module
from rosterbridge.roster.archive import Archive
from rosterbridge.roster.cleaning import clean_columns, clean_text
from rosterbridge.roster.findings import Findings, RosterError
from rosterbridge.roster.formats import FileFormat
from rosterbridge.roster.soundness import FEW_QUOTES
from tests.support.examples import examples
from tests.support.rosters import Files, oneroster_1_1, process, zip_bytes

ALL = ConversionOptions(max_dropped=1)


def with_orgs(text: str | bytes) -> Files:
    return {**oneroster_1_1(), "orgs.csv": text}


ORGS = str(oneroster_1_1()["orgs.csv"])
LONG = "".join(random.Random(1).choices(string.ascii_letters, k=2**21))  # noqa: S311 no secret, and not to be packed well


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbf" + ORGS.encode(),
        ORGS.replace("\n", "\r\n"),
        ORGS.rstrip("\n"),
        ORGS + "\n\n",
        ORGS.replace("\ns1", "\n\ns1"),
        ORGS.replace("\ns1", "\r\n\ns1"),
        "\n".join(",".join(f'"{cell}"' for cell in line.split(",")) for line in ORGS.splitlines()),
        ORGS.replace("sourcedId", "SOURCEDID"),
        ORGS.replace("North School", '"North School"'),
        ORGS.replace("district,,", "district,,,,,"),
    ],
    ids=[
        *("bom", "crlf", "no-final-newline", "trailing-blank", "blank", "mixed", "quoted", "case", "some-quoted"),
        "surplus-empty",
    ],
)
def test_oddities_of_real_exports_are_read(tmp_path: Path, text: str | bytes) -> None:
    outcome = process(tmp_path, with_orgs(text))
    assert outcome.report.accepted, outcome.report.summary
    assert outcome.column("locations.csv", "location_name") == ["North School", "South School"]


def test_any_order_of_columns_and_unknown_ones(tmp_path: Path) -> None:
    rows = list(csv.reader(io.StringIO(ORGS)))
    text = "\n".join(",".join(["extra", *reversed(row)]) for row in rows)
    assert process(tmp_path, with_orgs(text)).column("locations.csv", "location_id") == ["s1", "s2"]


def test_short_rows_are_padded_and_counted(tmp_path: Path) -> None:
    outcome = process(tmp_path, with_orgs(ORGS.replace("s2,,,South School,school,,d1", "s2,,,South School,school")))
    assert len(outcome.rows("locations.csv")) == 2
    assert [(total.code, total.count) for total in outcome.report.totals] == [("short-row", 1)]


def test_surplus_values_drop_the_row(tmp_path: Path) -> None:
    outcome = process(tmp_path, with_orgs(ORGS.replace("district,,", "district,,,,surplus")), ALL)
    assert outcome.found == [("surplus-values", "orgs.csv", 2)]


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        (ORGS.encode().replace(b"South", b"S\xfcd"), "not-utf8", 4),
        (ORGS.encode("utf-16"), "not-utf8", 1),
        (ORGS.encode() + b"s3,,,caf\xc3", "not-utf8", 5),
        (ORGS.replace("South", "So\0uth"), "nul-byte", 4),
        (ORGS.replace("North School", '"North School'), "unclosed-quote", 3),
        (ORGS.replace("North School", '"North" School'), "malformed-quote", 3),
        (ORGS.replace("name", "Status"), "duplicate-column", 1),
        (ORGS.replace("sourcedId", "id"), "missing-column", 1),
        (ORGS.replace(",", ";"), "wrong-separator", 1),
        (ORGS.replace(",", "\t"), "wrong-separator", 1),
        (ORGS.replace("name", "name," + ",".join("x" * 1 for _ in range(1100))), "too-many-columns", 1),
        (ORGS + f's3,,,"{LONG[: 2**20 + 1]}",school,,\n', "value-too-long", 5),
        (ORGS + f's3,,,"{LONG}\n', "value-too-long", 5),
        ("", "empty-file", None),
    ],
    ids=[
        *("latin-1", "utf-16", "cut-character", "nul", "unclosed", "malformed", "duplicate", "missing", "semicolons"),
        *("tabs", "columns", "long-value", "long-unclosed", "no-bytes"),
    ],
)
def test_each_fault_is_named_with_its_line(tmp_path: Path, text: str | bytes, code: str, line: int | None) -> None:
    entry = process(tmp_path, with_orgs(text)).report.entries[-1]
    assert (entry.code, entry.file, entry.line) == (code, "orgs.csv", line)


def test_lines_are_those_of_an_editor_also_below_quoted_line_breaks(tmp_path: Path) -> None:
    text = ORGS.replace("District", '"Dis\ntrict\r\nEast"') + ",,,Nameless,school,,\n"
    assert process(tmp_path, with_orgs(text), ALL).found[0] == ("value-cleaned", "orgs.csv", None)
    assert process(tmp_path, with_orgs(text), ALL).found[1] == ("missing-value", "orgs.csv", 7)
    ragged = text.replace("South School,school,,d1", "South School,school")
    assert ("missing-value", "orgs.csv", 7) in process(tmp_path, with_orgs(ragged), ALL).found


def test_no_message_of_the_reader_holds_a_value(tmp_path: Path) -> None:
    source = tmp_path / "upload.zip"
    source.write_bytes(zip_bytes({"orgs.csv": ORGS.replace("North School", '"Planted" Name')}))
    fmt = FileFormat("orgs.csv", ("sourcedId",), frozenset())
    archive = Archive(source)
    with pytest.raises(RosterError) as caught:
        reading.read_table(archive, "orgs.csv", fmt, Findings())
    assert (
        "Planted" not in f"{caught.value!r}{caught.value}{caught.value.__context__!r}"
        or caught.value.__suppress_context__
    )


CELLS = st.text(st.sampled_from('abç",\n\r\\; \t😀'), max_size=5)
ROWS = st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=6)


def read_both(tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> list[pl.DataFrame | str]:
    """Read a text as the service does, by the exact reader alone, and by both cut into the smallest pieces."""
    source = tmp_path / "upload.zip"
    source.write_bytes(zip_bytes({"t.csv": text.encode()}))
    results: list[pl.DataFrame | str] = []
    fmt = FileFormat("t.csv", ("a", "b", "c"), frozenset("abc"))
    for fast, whole in itertools.product((True, False), repeat=2):
        archive = Archive(source)
        with monkeypatch.context() as patch:
            if not fast:
                patch.setattr(reading.CsvFile, "_read_fast", lambda *_: None)
            if not whole:
                patch.setattr(archive_module, "BLOCK_BYTES", 4)
                patch.setattr(reading, "PIECE_BYTES", 8)
                patch.setattr(pieces, "PIECE_BYTES", 8)
                patch.setattr(pieces, "FAR_APART", 1)  # each quotation mark is looked for
            try:
                table = reading.read_table(archive, "t.csv", fmt, Findings())
            except RosterError as error:
                results.append(f"{error.code} {error.line}")
            else:
                results.append("nothing" if table is None else table)
    return results


def same(one: pl.DataFrame | str, other: pl.DataFrame | str) -> bool:
    if isinstance(one, pl.DataFrame) and isinstance(other, pl.DataFrame):
        return one.equals(other)
    return isinstance(one, str) and isinstance(other, str) and one == other


@settings(max_examples=examples(100), deadline=None)
@given(rows=ROWS, ending=st.sampled_from(["\n", "\r\n"]), closed=st.booleans())
def test_what_a_csv_writer_writes_is_read_back_by_both_readers(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], ending: str, closed: bool
) -> None:
    buffer = io.StringIO()
    # csv.writer leaves a lone carriage return bare, which is then a line's end
    quoting = csv.QUOTE_ALL if any("\r" in cell for row in rows for cell in row) else csv.QUOTE_MINIMAL
    csv.writer(buffer, lineterminator=ending, quoting=quoting).writerows([["a", "b", "c"], *rows])
    text = buffer.getvalue() if closed else buffer.getvalue().removesuffix(ending)
    with pytest.MonkeyPatch.context() as monkeypatch:
        fast, *others, exact = read_both(tmp_path_factory.mktemp("csv"), text, monkeypatch)
    assert all(same(fast, other) for other in (*others, exact))
    assert isinstance(exact, pl.DataFrame)
    assert [list(row) for row in exact.select("a", "b", "c").iter_rows()] == rows


@settings(max_examples=examples(150), deadline=None)
@given(body=st.text(st.sampled_from('ab,"\n\r ;\\é'), max_size=40))
def test_both_readers_agree_on_any_text(tmp_path_factory: pytest.TempPathFactory, body: str) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        fast, *others = read_both(tmp_path_factory.mktemp("csv"), f"a,b,c\n{body}", monkeypatch)
    assert all(same(fast, other) for other in others), (fast, others)


LETTERS = st.text(st.sampled_from('abZ09-,\r\n "\t\x7f\x85\xa0\u1680\u2003\u2028\u205f\u3000éž々’'), max_size=4)


def batches(folder: Path, text: str) -> list[reading.Batch]:
    source = folder / "upload.zip"
    source.write_bytes(zip_bytes({"t.csv": text}))
    file = reading.open_csv(Archive(source), "t.csv", FileFormat("t.csv", ("a", "b", "c"), frozenset("abc")))
    assert file is not None
    file.place_columns(Findings())
    return list(file.batches(Findings()))


@settings(max_examples=examples(150), deadline=None)
@given(rows=st.lists(st.lists(LETTERS, min_size=3, max_size=3), min_size=1, max_size=4))
def test_what_a_batch_tells_of_its_values_is_true(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    buffer = io.StringIO()
    csv.writer(buffer).writerows([["a", "b", "c"], *rows])
    for batch in batches(tmp_path_factory.mktemp("csv"), buffer.getvalue()):
        texts = [text for column in "abc" for text in batch.rows[column].to_list()]
        assert not batch.is_usual or all(re.fullmatch("[0-9A-Za-z-]*", text) for text in texts)
        for column in "abc" if batch.doubtful is not None else "":
            kept = [text for place, text in enumerate(batch.rows[column]) if place not in batch.doubtful]
            assert all(clean_text(text) == text.strip(" ") for text in kept)
        assert {name: count for name, (_, count) in clean_columns(batch, list("abc")).items() if count} == {
            name: count for name, (_, count) in clean_columns(reading.Batch(batch.rows), list("abc")).items() if count
        }


@pytest.mark.parametrize(
    ("body", "is_usual", "doubtful"),
    [
        ("a-1,B,\r\n,,\r\n", True, []),
        ("a-1,B b,ç\n", False, []),
        ('a-1,"B, b",c\n', False, []),
        ('"a-1","B ""b""",c\n"x","y","z"\n"a\n1","B",""""\n', False, [0, 2]),
        ("a-1,B\tb,c\n", False, None),
        ("a-1,B\u2003,c\n", False, None),
        ('"a\n1",B,c\n', False, [0]),
        ("a-1,B,c\n,,\r\n", False, []),
        ('a,"' + '""' * (FEW_QUOTES + 1) + '",c\n', False, None),
    ],
)
def test_a_batch_tells_how_plain_its_values_are(
    tmp_path: Path, body: str, *, is_usual: bool, doubtful: list[int] | None
) -> None:
    (batch,) = batches(tmp_path, f"a,b,c\n{body}")
    assert batch.is_usual == is_usual
    assert (None if batch.doubtful is None else list(batch.doubtful)) == doubtful


@pytest.mark.parametrize(
    "manifest",
    [
        "oneroster.version,1.1\n",
        "name;value\n",
        "",
        b"\xff\xfe\x00",
        'propertyName,value\n"oneroster.version","1.1"\n"source.systemName,Unclosed\n',
        "propertyName,value,comment\r\noneroster.version , 1.1 ,x\r\n",
    ],
    ids=["no-header", "semicolons", "empty", "binary", "unclosed", "surplus"],
)
def test_a_badly_written_manifest_rejects_nothing(tmp_path: Path, manifest: str | bytes) -> None:
    assert process(tmp_path, {**oneroster_1_1(), "manifest.csv": manifest}).report.accepted


def test_names_of_the_web_service_are_read_where_the_columns_own_are_missing(tmp_path: Path) -> None:
    files = oneroster_1_1()
    expected = process(tmp_path, files)
    assert expected.zip is not None
    before = expected.zip.read_bytes()
    for name, own, other in (
        ("users.csv", "orgSourcedIds", "orgs"),
        ("courses.csv", "orgSourcedId", "org"),
        ("classes.csv", "courseSourcedId", "course"),
        ("classes.csv", "schoolSourcedId", "school"),
        ("enrollments.csv", "classSourcedId", "class"),
        ("enrollments.csv", "userSourcedId", "user"),
    ):
        files[name] = str(files[name]).replace(own, other, 1)
    outcome = process(tmp_path, files)
    assert outcome.zip is not None
    assert outcome.zip.read_bytes() == before
    assert {total.code for total in outcome.report.totals} == {"other-spelling"}


def test_a_column_of_ones_own_beside_the_standards_is_passed_over(tmp_path: Path) -> None:
    files = oneroster_1_1()
    lines = str(files["classes.csv"]).splitlines()
    files["classes.csv"] = "\n".join([lines[0] + ",school,course", *(f"{line},North,Maths" for line in lines[1:])])
    outcome = process(tmp_path, files)
    assert outcome.found == []
    assert outcome.column("classes.csv", "location_id") == ["s1", "s2"]
