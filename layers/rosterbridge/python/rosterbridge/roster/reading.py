"""Reads a CSV member into frames: fast by polars, believed only when the ledger balances, else exactly by stdlib csv.

polars pads short rows silently, names no line for a long row or a bad byte, and puts the data into its errors' texts;
so its texts never leave this module. Most pieces are regular: their separators and line ends alone show that each
record has its values. Any other has a ledger: its bytes must equal the parsed values, the separators and line breaks
between them, and the quotation marks around them. If not, the exact reader reads the same piece, with the same rows or
with the errors and their lines.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from rosterbridge.roster.archive import Archive
from rosterbridge.roster.findings import LINE, Findings, RosterError
from rosterbridge.roster.formats import FileFormat
from rosterbridge.roster.guessing import near_misses
from rosterbridge.roster.pieces import PIECE_BYTES, Piece, ahead, pieces
from rosterbridge.roster.sheet import FATE, FATES
from rosterbridge.roster.soundness import Inside, doubtful_records, marks_inside, regular_records

MAX_COLUMNS = 1100  # Apple's widest file has 1,008
MAX_VALUE = 2**20
USUAL_HEADER = 2**16
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}

csv.field_size_limit(MAX_VALUE)


@dataclass(frozen=True)
class Header:
    """The header's cells, the bytes and lines that it takes, and what separates its cells."""

    cells: tuple[str, ...]
    size: int
    lines: int
    separator: str

    @property
    def names(self) -> frozenset[str]:
        """The cells in lower case, for comparing."""
        return frozenset(cell.strip().casefold() for cell in self.cells)


@dataclass(frozen=True)
class Batch:
    """Consecutive rows of a file, and what is known of all their values.

    ``is_usual``: they have nothing but letters, digits and hyphens of ASCII. ``doubtful``: the places of the rows that
    may have more to clean than spaces at their values' ends; None for every row.
    """

    rows: pl.DataFrame
    is_exact: bool = False
    is_usual: bool = False
    doubtful: Sequence[int] | None = None


class CsvFile:
    """A member whose header is read; ``batches`` reads its rows under the names of its format."""

    def __init__(self, archive: Archive, member: str, fmt: FileFormat, first: bytes) -> None:
        self.fmt = fmt
        self.header = _read_header(first, fmt)
        self._archive = archive
        self._member = member
        self._bom = _mark_length(first, fmt.name)
        self._columns: dict[str, int] = {}

    def place_columns(self, findings: Findings) -> None:
        """Find where each known column stands; raises RosterError for one that stands twice or is missing."""
        self._columns = _columns(self.header, self.fmt, self._archive.names[self._member], findings)

    @property
    def placed(self) -> Mapping[str, int]:
        """Where each column that stands in the header was found, once columns are placed."""
        return self._columns

    @property
    def is_large(self) -> bool:
        """Whether it comes in more than one piece."""
        return self._archive.size(self._member) > PIECE_BYTES

    def frames(self, findings: Findings) -> Iterator[pl.DataFrame]:
        """Yield the rows of the batches."""
        return (batch.rows for batch in self.batches(findings))

    def batches(self, findings: Findings) -> Iterator[Batch]:
        """Yield the rows in order, as text, with LINE and FATE; missing columns are empty. Raises RosterError.

        Dropped rows go to ``findings``, and how many rows were short.
        """
        source = pieces(self._archive, self._member, skip=self._bom + self.header.size)
        exact = _ExactReader(self.header, self.fmt, self._columns)
        read = self._read(ahead(source) if self.is_large else source, exact, self.header.lines + 1)
        missing = [pl.lit("").alias(name) for name in self.fmt.columns if name not in self._columns]
        for batch in ahead(read) if self.is_large else read:
            if batch.is_exact:
                surplus = batch.rows.filter(pl.col(FATE).is_not_null())
                findings.add_rows("surplus-values", surplus, file=self.fmt.name)
            rows = batch.rows.select(*self._columns, *missing, LINE, FATE) if missing else batch.rows
            yield replace(batch, rows=rows)
        if exact.short:
            findings.add("short-row", file=self.fmt.name, count=exact.short)

    def _read(self, source: Iterator[Piece], exact: _ExactReader, line: int) -> Iterator[Batch]:
        """Yield the rows of each piece, or of several that the exact reader must read together."""
        for piece in source:
            if not piece.last and not piece.data.endswith(b"\n"):
                raise _endless(piece.data, self.fmt.name, line)
            batch, lines = self._read_fast(piece, line) or exact.read(piece, source, line)
            yield batch
            line += lines

    def _read_fast(self, piece: Piece, line: int) -> tuple[Batch, int] | None:
        """Return the rows as polars reads them, and the lines that they take; None where that proves nothing."""
        width = len(self.header.cells)
        piece = piece.closed()
        doubtful = b"\0" in piece.marks or piece.quotes % 2 or width == 1
        if doubtful or (self.fmt.escape and b"\\" in piece.marks):
            return None
        if not piece.data:
            return Batch(no_rows(self._columns)), 0
        if (records := regular_records(piece, self.header.separator, width)) is not None:
            return self._read_regular(piece, line, records)
        inside = marks_inside(piece, self.header.separator)
        if inside is None:
            return None
        frame = self._parse(piece)
        if frame is None or frame.width != width or not _balances(frame, piece, inside):
            return None
        numbers = _lines_from(line, frame.height)
        if inside.newlines:  # a record with line feeds inside moves those behind it down
            moved = pl.zeros(frame.height + 1, pl.UInt32, eager=True)
            moved = moved.scatter([record + 1 for record in inside.newlines], list(inside.newlines.values()))
            numbers += moved.cum_sum().head(frame.height)
        batch = Batch(self._named(frame, numbers), doubtful=doubtful_records(piece, inside))
        return batch, frame.height + sum(inside.newlines.values())

    def _read_regular(self, piece: Piece, line: int, records: int) -> tuple[Batch, int] | None:
        """Return the same of a regular piece, without the columns that nobody asks for."""
        last = len(self.header.cells) - 1
        frame = self._parse(piece, sorted({*self._columns.values(), last}))
        if frame is None or frame.height != records:
            return None
        with_returns = piece.marks.endswith(b"\r\n")
        if with_returns and "\r" in frame[_name(last)].str.join("")[0]:  # quicker than to look at each value
            return None
        rows = self._named(frame, _lines_from(line, frame.height))
        # nothing is left but what stands between the values and at the line ends
        is_usual = len(piece.marks) == (last + 1 + with_returns) * records
        return Batch(rows, is_usual=is_usual, doubtful=doubtful_records(piece, Inside())), frame.height

    def _parse(self, piece: Piece, columns: list[int] | None = None) -> pl.DataFrame | None:
        """Return the columns at these places, or all of them, as polars reads them; None where it can't."""
        try:
            return pl.read_csv(
                piece.data,
                columns=columns,
                has_header=False,
                schema={_name(position): pl.String() for position in range(len(self.header.cells))},
                separator=self.header.separator,
                infer_schema=False,
                empty_string_is_null=False,
                glob=False,
            )
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
            return None

    def _named(self, frame: pl.DataFrame, numbers: pl.Series) -> pl.DataFrame:
        kept = [frame[_name(position)].alias(name) for name, position in self._columns.items()]
        in_play = pl.Series(FATE, [None], FATES).new_from_index(0, frame.height)
        return pl.DataFrame([*kept, numbers.alias(LINE), in_play])


def _lines_from(line: int, height: int) -> pl.Series:
    return pl.int_range(line, line + height, dtype=pl.UInt32, eager=True)


def _name(position: int) -> str:
    """Return what polars calls a column that has no name."""
    return f"column_{position + 1}"


def open_csv(archive: Archive, member: str, fmt: FileFormat) -> CsvFile | None:
    """Return a member ready to be read; None for a file without a byte. Raises RosterError for its header."""
    first = beginning(archive, member)
    return CsvFile(archive, member, fmt, first) if first else None


def read_table(archive: Archive, member: str, fmt: FileFormat, findings: Findings) -> pl.DataFrame | None:
    """Return a small member's columns whole; None for a file without a byte. Raises RosterError."""
    file = open_csv(archive, member, fmt)
    if file is None:
        return None
    file.place_columns(findings)
    return pl.concat(file.frames(findings))


def peek_header(archive: Archive, member: str) -> list[str]:
    """Return the cells of a member's first line, read leniently: enough to recognise a format by."""
    first = beginning(archive, member)
    first = first[_mark_length(first, archive.names[member]) :]
    line = first.replace(b"\r", b"\n").lstrip(b"\n").split(b"\n", 1)[0].decode("utf-8", "replace")
    cells = line.replace(";", ",").replace("\t", ",").split(",")
    return [cell.strip(' "') for cell in cells]


def peek_names(archive: Archive, member: str) -> frozenset[str]:
    """Return the same cells in lower case, for comparing."""
    return frozenset(cell.casefold() for cell in peek_header(archive, member))


def beginning(archive: Archive, member: str) -> bytes:
    """Return the start of a member in which its header ends, or as much as a header may take."""
    first = archive.beginning(member, USUAL_HEADER)
    if len(first) < USUAL_HEADER or (first.count(b'"', 0, first.rfind(b"\n") + 1) % 2 == 0 and b"\n" in first):
        return first
    return archive.beginning(member, MAX_VALUE + 1)


def _mark_length(first: bytes, file: str) -> int:
    """Return how long the byte order mark is; raise RosterError for UTF-16, with its mark or without."""
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or (
        b"\0" in first[:2] and b"\0" in first[2:4] and first[:4] != b"\0\0\0\0"
    ):
        raise RosterError("not-utf8", file=file, line=1, why=": it looks like UTF-16")
    return len(codecs.BOM_UTF8) if first.startswith(codecs.BOM_UTF8) else 0


def _read_header(first: bytes, fmt: FileFormat) -> Header:
    mark = _mark_length(first, fmt.name)
    if len(first) > MAX_VALUE and b"\n" not in first:
        raise _endless(first, fmt.name, 1)
    separator = _separator(first[mark:], fmt)
    source = io.BytesIO(first[mark:])
    reader = _reader(_lines(source, fmt.name, 1, separator), fmt, separator)
    try:
        cells: list[str] = next((cells for cells in reader if cells), [])
    except csv.Error as error:
        raise _malformed(error, fmt.name, 1) from None
    if len(cells) > MAX_COLUMNS:
        raise RosterError("too-many-columns", file=fmt.name, line=1, value=MAX_COLUMNS)
    return Header(tuple(cells), source.tell(), reader.line_num, separator)


def _separator(first: bytes, fmt: FileFormat) -> str:
    line = first.split(b"\n", 1)[0].decode("utf-8", "replace")
    if "," in line or len(fmt.columns) == 1:
        return ","
    for mark, words in SEPARATORS.items():
        if mark in line:
            if mark in fmt.separators:
                return mark
            raise RosterError("wrong-separator", file=fmt.name, line=1, value=words)
    return ","


def _columns(header: Header, fmt: FileFormat, written: str, findings: Findings) -> dict[str, int]:
    """Return where each known column stands; raise RosterError for one that stands twice or is missing."""
    found: dict[str, int] = {}
    respelled = int(written != fmt.name)
    for name, position in fmt.places(header.cells):
        if name in found:
            raise RosterError("duplicate-column", file=fmt.name, line=1, column=name)
        found[name] = position
        respelled += header.cells[position].strip() != name
    if len(found) < len(fmt.columns):
        _guess_columns(header, fmt, found, findings)
    if respelled:
        findings.add("other-spelling", file=fmt.name, line=1, count=respelled)
    return found


def _guess_columns(header: Header, fmt: FileFormat, found: dict[str, int], findings: Findings) -> None:
    """Find missing columns by misspelled names; raise RosterError for one that is needed: it is never guessed."""
    guesses = near_misses(fmt, header.cells, found)
    for name in fmt.columns:
        if name in fmt.needed and name not in found:
            why = f" (is it {header.cells[guesses[name]].strip()}?)" if name in guesses else ""
            raise RosterError("missing-column", file=fmt.name, line=1, column=name, why=why)
    for name, position in guesses.items():
        found[name] = position
        written = header.cells[position].strip()
        findings.add("column-guessed", file=fmt.name, line=1, column=name, value=written)


def no_rows(columns: Iterable[str]) -> pl.DataFrame:
    """Return a batch of these columns without rows."""
    return pl.DataFrame(schema={**dict.fromkeys(columns, pl.String()), LINE: pl.UInt32(), FATE: FATES})


def _balances(frame: pl.DataFrame, piece: Piece, inside: Inside) -> bool:
    """Whether the parsed values, with what must stand between and around them, account for every byte of the piece.

    A padded row has less between its values than it should, and polars refuses a row that has more.
    """
    lengths = pl.all().str.len_bytes()
    size, longest = frame.select(
        pl.sum_horizontal(lengths.sum().cast(pl.UInt64)).alias("size"),
        pl.max_horizontal(lengths.max()).alias("longest"),
    ).row(0)
    line_ends = frame.height + piece.returns - inside.returns
    between = (frame.width - 1) * frame.height + line_ends + piece.quotes - inside.quotes
    return bool(longest <= MAX_VALUE and len(piece.data) == size + between)


class _ExactReader:
    """Reads pieces by stdlib csv: short rows are padded and counted, the rest of long ones marks them as dropped."""

    def __init__(self, header: Header, fmt: FileFormat, columns: dict[str, int]) -> None:
        self.short = 0
        self._header = header
        self._fmt = fmt
        self._columns = columns

    def read(self, piece: Piece, following: Iterator[Piece], line: int) -> tuple[Batch, int]:
        """Return the rows of the piece, and of those that follow while a record goes on into them, and their lines."""
        while True:
            try:
                return Batch(self._frame(piece, line), is_exact=True), piece.newlines
            except _EndsInside as end:
                if piece.last:
                    raise end.error from None
                piece = piece.joined(next(following))

    def _frame(self, piece: Piece, first_line: int) -> pl.DataFrame:
        width, short = len(self._header.cells), 0
        columns: dict[str, list[str]] = {name: [] for name in self._columns}
        taken = [(columns[name], position) for name, position in self._columns.items()]
        lines: list[int] = []
        surplus: list[bool] = []
        for line, cells in self._records(piece, first_line):
            lines.append(line)
            surplus.append(any(cells[width:]))
            short += len(cells) < width
            for column, position in taken:
                column.append(cells[position] if position < len(cells) else "")
        self.short += short
        frame = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String()))
        fate = pl.when(pl.Series(surplus, dtype=pl.Boolean)).then(pl.lit("surplus-values", FATES))
        return frame.with_columns(pl.Series(LINE, lines, pl.UInt32), fate.alias(FATE))

    def _records(self, piece: Piece, first_line: int) -> Iterator[tuple[int, list[str]]]:
        """Yield the line on which each row starts, and its cells; blank lines are no rows."""
        text = _lines(io.BytesIO(piece.data), self._fmt.name, first_line, self._header.separator)
        reader = _reader(text, self._fmt, self._header.separator)
        line = first_line
        try:
            for cells in reader:
                if cells:
                    yield line, cells
                line = first_line + reader.line_num
        except csv.Error as error:
            found = _malformed(error, self._fmt.name, line)
            raise _EndsInside(found) if found.code == "unclosed-quote" else found from None


class _EndsInside(Exception):  # noqa: N818 a signal
    """A record is open at the end of a piece."""

    def __init__(self, error: RosterError) -> None:
        super().__init__()
        self.error = error


def _reader(text: Iterable[str], fmt: FileFormat, separator: str) -> Any:
    return csv.reader(text, delimiter=separator, strict=True, escapechar=fmt.escape)


def _lines(source: io.BytesIO, file: str, line: int, separator: str) -> Iterator[str]:
    """Yield the lines as text; raise RosterError at one that is not UTF-8 text, or holds a NUL byte."""
    is_inside = False  # of quotation marks
    for number, data in enumerate(iter(source.readline, b""), line):
        if b"\0" in data:
            raise RosterError("nul-byte", file=file, line=number)
        try:
            text = data.decode()
        except UnicodeDecodeError:
            raise RosterError("not-utf8", file=file, line=number, why=_other_encoding(data)) from None
        marks = text.count('"')
        is_inside ^= marks % 2 == 1
        # polars drops a carriage return at the end of a value, where it is no more than a space
        yield text if marks or is_inside else text.replace(f"\r{separator}", separator)


def _other_encoding(data: bytes) -> str:
    try:
        data.decode("cp1252")
    except UnicodeDecodeError:
        return ""
    return ": it looks like Windows-1252, in which Excel saves a plain CSV"


def _endless(data: bytes, file: str, line: int) -> RosterError:
    """Return what is wrong with a line that goes on for longer than any record may."""
    code = "lone-carriage-return" if b"\r" in data[data.rfind(b"\n") + 1 :] else "value-too-long"
    return RosterError(code, file=file, line=line)


def _malformed(error: csv.Error, file: str, line: int) -> RosterError:
    text = str(error)
    if "field larger" in text:
        return RosterError("value-too-long", file=file, line=line)
    if "unexpected end" in text:
        return RosterError("unclosed-quote", file=file, line=line)
    if "new-line character" in text:
        return RosterError("lone-carriage-return", file=file, line=line)
    return RosterError("malformed-quote", file=file, line=line)
