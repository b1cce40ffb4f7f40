"""What an upload would change at Apple's side: the rows that Apple has, compared with those that it would get."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import IO, cast

import polars as pl
from isal import igzip

from rosterbridge.roster.archive import Archive
from rosterbridge.roster.asm import open_asm
from rosterbridge.roster.findings import Findings, RosterError
from rosterbridge.roster.formats import ASM
from rosterbridge.roster.reading import CsvFile
from rosterbridge.roster.recognition import recognise
from rosterbridge.roster.report_forms import FORMULA_STARTS

FILE, ID, DIGEST, CHANGE = "file", "id", "digest", "change"
ADDED, CHANGED, REMOVED = "added", "changed", "removed"
FILES, CHANGES = pl.Enum(list(ASM)), pl.Enum([ADDED, CHANGED, REMOVED])  # in the order in which changes are listed
DIGEST_BYTES = 8
PART_ROWS = 1_000_000
# Around a value and its column's name; no roster has a use for them
IS, END = "\x1e", "\x1f"


@dataclass(frozen=True)
class FileChanges:
    """How many rows of one of Apple's files there were and would be, and how many are added, removed, changed."""

    before: int
    after: int
    added: int
    removed: int
    changed: int


@dataclass(frozen=True)
class Changes:
    """What would change, by file in Apple's order; the ids are in ``rows`` (``file``, ``change``, ``id``), sorted."""

    files: Mapping[str, FileChanges]
    rows: pl.DataFrame

    @property
    def total(self) -> int:
        """How many rows would change in any way."""
        return self.rows.height

    def write_csv(self, path: Path) -> None:
        """Write one line for each row that would change, the same bytes for the same changes; packed if it is a .gz.

        An apostrophe stands before an id that a spreadsheet would take for a formula (OWASP ASVS 5.0 1.2.10).
        """
        is_formula = pl.any_horizontal(pl.col(ID).str.starts_with(start) for start in FORMULA_STARTS)
        harmless = pl.when(is_formula).then(pl.concat_str(pl.lit("'"), ID)).otherwise(ID)
        with path.open("wb") as file:
            if path.suffix != ".gz":
                self.rows.with_columns(harmless.alias(ID)).write_csv(file)
                return
            with igzip.IGzipFile("", "wb", 1, file, mtime=0) as packed:  # type: ignore[no-untyped-call]
                self.rows.with_columns(harmless.alias(ID)).write_csv(cast("IO[bytes]", packed))


@dataclass(frozen=True)
class Fingerprints:
    """Of each row that Apple gets its ``id`` and a ``digest`` of all of it, by file: no name, no address."""

    files: Mapping[str, pl.LazyFrame]

    def write(self, path: Path) -> None:
        """Write them as Parquet."""
        named = [rows.select(pl.lit(name).alias(FILE), ID, DIGEST) for name, rows in self.files.items()]
        pl.concat(named).sink_parquet(path, compression="zstd")

    @classmethod
    def read(cls, path: Path) -> Fingerprints:
        """Return what ``write`` has written; the rows stay in the file until they are needed."""
        rows = pl.scan_parquet(path)
        return cls({name: rows.filter(pl.col(FILE) == name).select(ID, DIGEST) for name in ASM})

    def heights(self) -> dict[str, int]:
        """Return how many rows there are of each file, in Apple's order."""
        return {name: int(rows.select(pl.len()).collect().item()) for name, rows in self.files.items()}


def fingerprints(asm_zip: Path) -> Fingerprints:
    """Return the fingerprints of a ZIP in Apple's format; raises RosterError, also for another format.

    The order of columns, and whether an empty column is there, make no difference. Rows with one id, which Apple
    refuses, count as one.
    """
    findings = Findings()
    archive = Archive(asm_zip)
    if recognise(archive) != "asm":
        raise RosterError("unknown-format")
    return Fingerprints({file.fmt.name: _of_file(file, findings).lazy() for file in open_asm(archive, findings)})


def _of_file(file: CsvFile, findings: Findings) -> pl.DataFrame:
    """Return ids and digests of a file, one row for each id."""
    key, columns = ASM[file.fmt.name].key, sorted(file.fmt.columns)
    rows = pl.concat(
        batch.select(pl.col(key).alias(ID)).with_columns(_digests(batch, columns)) for batch in file.frames(findings)
    )
    if rows[ID].hash().n_unique() == rows.height:  # quicker than comparing the texts, and equal texts have equal hashes
        return rows
    return rows.group_by(ID, maintain_order=True).agg(pl.col(DIGEST).sum())


def _digests(rows: pl.DataFrame, columns: list[str]) -> pl.Series:
    """Return a digest of the filled values of each row, under their columns' names.

    It stays the same with every release of every library, as polars' own does not.
    """
    filled = (
        pl.when(pl.col(name) != "").then(pl.concat_str(pl.lit(f"{name}{IS}"), name, pl.lit(END))) for name in columns
    )
    texts = rows.select(pl.concat_str(filled, ignore_nulls=True).cast(pl.Binary)).to_series().to_list()
    digests = [blake2b(text, digest_size=DIGEST_BYTES).digest() for text in texts]
    return pl.Series(DIGEST, digests, pl.Binary).bin.reinterpret(dtype=pl.UInt64, endianness="little")


def compare(before: Fingerprints, after: Fingerprints) -> Changes:
    """Return what changes from one to the other, by id."""
    files, rows = {}, []
    for name in ASM:
        old, new = before.files[name].collect(), after.files[name].collect()
        differing = pl.concat(_differing(*part) for part in _parts(old, new))
        ids = {change: differing.filter(pl.col(CHANGE) == change).sort(ID) for change in CHANGES.categories}
        counts = {change: some.height for change, some in ids.items()}
        files[name] = FileChanges(old.height, new.height, **counts)
        rows += [some.select(pl.lit(name, FILES).alias(FILE), CHANGE, ID) for some in ids.values()]
    return Changes(files, pl.concat(rows))


def _parts(old: pl.DataFrame, new: pl.DataFrame) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Yield the rows of both, a bounded number at a time, so that equal ids meet: a join takes many times its rows."""
    count = 1 + max(old.height, new.height) // PART_ROWS
    for number in range(count):
        here = pl.col(ID).hash() % count == number
        yield old.filter(here), new.filter(here)


def _differing(old: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """Return the ids that differ, each with how."""
    was, becomes = pl.col(DIGEST), pl.col(f"{DIGEST}_new")
    change = pl.when(was.is_null()).then(pl.lit(ADDED, CHANGES)).when(becomes.is_null()).then(pl.lit(REMOVED, CHANGES))
    both = old.lazy().join(new.lazy(), on=ID, how="full", coalesce=True, suffix="_new")
    differing = both.filter(was.ne_missing(becomes))
    return differing.select(change.otherwise(pl.lit(CHANGED, CHANGES)).alias(CHANGE), ID).collect()
