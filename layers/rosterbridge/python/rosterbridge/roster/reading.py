"""Reads a CSV member into a frame: fast by polars, believed only when the ledger balances, else exactly by stdlib csv.

polars pads short rows silently, names no line for a long row or a bad byte, and puts the data into its errors' texts;
so its texts never leave this module. While a file is inflated, its quotes, separators and line breaks are counted. They
must equal what the parsed frame implies; if not, the exact reader reads the same file, with the same frame or with the
errors and their lines.
"""

from __future__ import annotations

import codecs
import csv
import itertools
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from rosterbridge.roster.archive import Archive
from rosterbridge.roster.findings import LINE, Findings, RosterError
from rosterbridge.roster.formats import FileFormat

FATE = "_fate"  # why a row goes no further, in every frame; null while it is in play
MAX_COLUMNS = 1100  # Apple's widest file has 1,008
MAX_VALUE = 2**20
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}

csv.field_size_limit(MAX_VALUE)


@dataclass
class Ledger:
    """What a file's bytes say: the marks in it, and whether its last line is closed."""

    file: str
    separator: bytes = b","
    size: int = 0
    quotes: int = 0
    separators: int = 0
    newlines: int = 0
    returns: int = 0
    paired_returns: int = 0
    backslashes: int = 0
    last: bytes = b""
    _decoder: codecs.IncrementalDecoder = field(default_factory=lambda: codecs.getincrementaldecoder("utf-8")("strict"))

    def add(self, chunk: bytes) -> None:
        """Count a piece; raise RosterError at a byte that no UTF-8 text has."""
        if b"\0" in chunk:
            raise RosterError("nul-byte", file=self.file, line=self._line(chunk, chunk.index(b"\0")))
        try:
            self._decoder.decode(chunk)
        except UnicodeDecodeError as error:
            raise RosterError("not-utf8", file=self.file, line=self._line(chunk, error.start)) from None
        self.size += len(chunk)
        self.quotes += chunk.count(b'"')
        self.separators += chunk.count(self.separator)
        self.newlines += chunk.count(b"\n")
        self.returns += chunk.count(b"\r")
        self.paired_returns += chunk.count(b"\r\n") + (self.last == b"\r" and chunk.startswith(b"\n"))
        self.backslashes += chunk.count(b"\\")
        self.last = chunk[-1:]

    def close(self) -> None:
        """Raise RosterError when the file ends inside a character."""
        try:
            self._decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            raise RosterError("not-utf8", file=self.file, line=self.newlines + 1) from None

    @property
    def lines(self) -> int:
        """How many lines there are, an unclosed last one included."""
        return self.newlines + (self.last not in (b"", b"\n"))

    def _line(self, chunk: bytes, position: int) -> int:
        return self.newlines + chunk.count(b"\n", 0, max(0, position)) + 1


@dataclass(frozen=True)
class Table:
    """A file's rows under the names of its format, with LINE and FATE; ``header`` has its cells in lower case."""

    frame: pl.DataFrame
    header: frozenset[str]


@dataclass(frozen=True)
class Header:
    """The header's cells, and the line on which the first row starts."""

    cells: tuple[str, ...]
    next_line: int
    separator: str


def read_table(archive: Archive, member: str, fmt: FileFormat, findings: Findings) -> Table | None:
    """Return the columns of ``fmt`` as text; None for a file without a byte.

    Missing columns are empty; repairs and dropped rows go to ``findings``. Raises RosterError.
    """
    with tempfile.TemporaryDirectory(prefix="csv-") as folder:
        path = Path(folder) / "member.csv"
        separator, ledger = _inflate(archive, member, fmt, path)
        if ledger.size == 0:
            return None
        header = _read_header(path, fmt, separator)
        columns = _columns(header, fmt, archive.names[member], findings)
        frame = _read_fast(path, header, ledger, fmt)
        if frame is None:
            frame = _read_exact(path, header, fmt, findings)
    empty = [pl.lit("").alias(name) for name in fmt.columns if name not in columns]
    kept = [pl.col(str(position)).alias(name) for name, position in columns.items()]
    names = frozenset(cell.strip().casefold() for cell in header.cells)
    return Table(frame.select(*kept, *empty, LINE, FATE), names)


def peek_header(archive: Archive, member: str) -> list[str]:
    """Return the cells of a member's first line, read leniently: enough to recognise a format by."""
    first = _without_mark(next(archive.chunks(member), b""), archive.names[member])
    line = first.replace(b"\r", b"\n").split(b"\n", 1)[0].decode("utf-8", "replace")
    cells = line.replace(";", ",").replace("\t", ",").split(",")
    return [cell.strip(' "') for cell in cells]


def peek_names(archive: Archive, member: str) -> frozenset[str]:
    """Return the same cells in lower case, for comparing."""
    return frozenset(cell.casefold() for cell in peek_header(archive, member))


def _inflate(archive: Archive, member: str, fmt: FileFormat, path: Path) -> tuple[str, Ledger]:
    """Write the member to ``path``, without a byte order mark, and count its marks meanwhile."""
    chunks = archive.chunks(member)
    first = _without_mark(next(chunks, b""), fmt.name)
    separator = _separator(first, fmt)
    ledger = Ledger(fmt.name, separator.encode())
    with path.open("wb") as target:
        for chunk in itertools.chain([first], chunks):
            ledger.add(chunk)
            target.write(chunk)
    ledger.close()
    return separator, ledger


def _without_mark(first: bytes, file: str) -> bytes:
    """Return a file's beginning without its byte order mark; raise RosterError for UTF-16's."""
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise RosterError("not-utf8", file=file, line=1, why=": it looks like UTF-16")
    return first.removeprefix(codecs.BOM_UTF8)


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


def _reader(text: Iterable[str], fmt: FileFormat, separator: str) -> Any:
    return csv.reader(text, delimiter=separator, strict=True, escapechar=fmt.escape)


def _read_header(path: Path, fmt: FileFormat, separator: str) -> Header:
    with path.open(encoding="utf-8", newline="") as text:
        reader = _reader(text, fmt, separator)
        try:
            cells: list[str] = next((cells for cells in reader if cells), [])
        except csv.Error as error:
            raise _malformed(error, fmt.name, 1) from None
    if len(cells) > MAX_COLUMNS:
        raise RosterError("too-many-columns", file=fmt.name, line=1, value=MAX_COLUMNS)
    return Header(tuple(cells), reader.line_num + 1, separator)


def _columns(header: Header, fmt: FileFormat, written: str, findings: Findings) -> dict[str, int]:
    """Return where each known column stands; raise RosterError for one that stands twice or is missing."""
    found: dict[str, int] = {}
    respelled = int(written != fmt.name)
    for name, position in fmt.places(header.cells):
        if name in found:
            raise RosterError("duplicate-column", file=fmt.name, line=1, column=name)
        found[name] = position
        respelled += header.cells[position].strip() != name
    for name in fmt.columns:
        if name in fmt.needed and name not in found:
            raise RosterError("missing-column", file=fmt.name, line=1, column=name)
    if respelled:
        findings.add("other-spelling", file=fmt.name, line=1, count=respelled)
    return found


def _read_fast(path: Path, header: Header, ledger: Ledger, fmt: FileFormat) -> pl.DataFrame | None:
    """Return the frame as polars reads it, its columns named by position; None when the ledger does not balance."""
    if ledger.returns != ledger.paired_returns or (fmt.escape and ledger.backslashes) or ledger.quotes % 2:
        return None
    names = [str(position) for position in range(len(header.cells))]
    try:
        frame = pl.read_csv(
            path,
            separator=header.separator,
            infer_schema=False,
            empty_string_is_null=False,
            new_columns=names,
            glob=False,
        )
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return None
    if frame.columns != names or not _balances(frame, header, ledger):
        return None
    start = pl.lit(header.next_line, pl.UInt32)
    if ledger.quotes and ledger.lines > frame.height + header.next_line - 1:
        inside = pl.sum_horizontal(_inner(frame, "\n")).cast(pl.UInt32)
        lines = start + pl.int_range(pl.len(), dtype=pl.UInt32) + inside.cum_sum() - inside
    else:
        lines = start + pl.int_range(pl.len(), dtype=pl.UInt32)
    return frame.with_columns(lines.alias(LINE), pl.lit(None, pl.String).alias(FATE))


def _balances(frame: pl.DataFrame, header: Header, ledger: Ledger) -> bool:
    width = len(header.cells)
    separators = (frame.height + 1) * (width - 1)
    lines = frame.height + header.next_line - 1
    if ledger.quotes:
        inner = frame.select(
            separators=pl.sum_horizontal(column.sum() for column in _inner(frame, header.separator)),
            newlines=pl.sum_horizontal(column.sum() for column in _inner(frame, "\n")),
        ).row(0)
        separators += inner[0] + sum(cell.count(header.separator) for cell in header.cells)
        lines += inner[1]
    if ledger.size > MAX_VALUE:
        longest = frame.select(pl.max_horizontal(pl.all().str.len_bytes().max())).item()
        if longest is not None and longest > MAX_VALUE:
            return False
    return ledger.separators == separators and ledger.lines == lines


def _inner(frame: pl.DataFrame, mark: str) -> list[pl.Expr]:
    return [pl.col(name).str.count_matches(mark, literal=True) for name in frame.columns]


def _read_exact(path: Path, header: Header, fmt: FileFormat, findings: Findings) -> pl.DataFrame:
    """Return the same frame by stdlib csv, with padded short rows noted and long ones dropped; raises RosterError."""
    width = len(header.cells)
    columns: list[list[str]] = [[] for _ in range(width)]
    lines: list[int] = []
    surplus: list[bool] = []
    short = 0
    for line, cells in _records(path, header, fmt):
        short += len(cells) < width
        surplus.append(any(cells[width:]))
        lines.append(line)
        for position, column in enumerate(columns):
            column.append(cells[position] if position < len(cells) else "")
    if short:
        findings.add("short-row", file=fmt.name, count=short)
    frame = pl.DataFrame(
        {str(position): column for position, column in enumerate(columns)},
        schema={str(position): pl.String for position in range(width)},
    )
    fate = pl.when(pl.Series(surplus, dtype=pl.Boolean)).then(pl.lit("surplus-values"))
    frame = frame.with_columns(pl.Series(LINE, lines, pl.UInt32), fate.alias(FATE))
    findings.add_rows("surplus-values", frame.filter(pl.col(FATE).is_not_null()), file=fmt.name)
    return frame


def _records(path: Path, header: Header, fmt: FileFormat) -> Iterable[tuple[int, list[str]]]:
    """Yield the line on which each row starts, and its cells; blank lines are no rows."""
    with path.open(encoding="utf-8", newline="") as text:
        reader = _reader(text, fmt, header.separator)
        while reader.line_num < header.next_line - 1:
            next(reader)
        line = header.next_line
        try:
            for cells in reader:
                if cells:
                    yield line, cells
                line = reader.line_num + 1
        except csv.Error as error:
            raise _malformed(error, fmt.name, line) from None


def _malformed(error: csv.Error, file: str, line: int) -> RosterError:
    text = str(error)
    if "field larger" in text:
        return RosterError("value-too-long", file=file, line=line)
    if "unexpected end" in text:
        return RosterError("unclosed-quote", file=file, line=line)
    return RosterError("malformed-quote", file=file, line=line)
