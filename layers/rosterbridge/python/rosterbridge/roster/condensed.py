"""A flow's full set: a OneRoster package with nothing but what a conversion reads, to which deltas are applied.

Converted, it gives byte for byte what the package gives from which it was made, whatever the options. It holds no
telephone number and no password, and of users that are no longer active only the ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from rosterbridge.roster.archive import Archive
from rosterbridge.roster.cleaning import clean_columns
from rosterbridge.roster.findings import Findings
from rosterbridge.roster.formats import MANIFEST, ONEROSTER, ROLES, USERS
from rosterbridge.roster.manifest import VERSION, read_properties
from rosterbridge.roster.oneroster import members_by_file
from rosterbridge.roster.reading import CsvFile, open_csv
from rosterbridge.roster.sheet import FATE
from rosterbridge.roster.writing import write_asm_zip

CHANGED = "dateLastModified"
NEWEST_CHANGE = "source.newestChange"  # of the manifest: the newest date of change that was met so far
GONE = ("tobedeleted", "inactive")


class Newest:
    """The newest of the dates of change that it has seen; None while none could be read."""

    def __init__(self, first: str = "") -> None:
        self.moment = _moment(first)

    def see(self, texts: pl.Series) -> None:
        """Look at some dates, in text."""
        moments = [moment for text in texts.unique().to_list() if (moment := _moment(text))]
        self.moment = max((moment for moment in (self.moment, *moments) if moment), default=None)


@dataclass(frozen=True)
class FullSet:
    """A condensed package, ready to be read."""

    files: Mapping[str, CsvFile]
    version: str
    newest: Newest

    def frames(self, name: str) -> Iterator[pl.DataFrame]:
        """Yield the rows of a file, in order; nothing of one that is not there."""
        columns = columns_of(name, self.version)
        yield pl.DataFrame(schema=dict.fromkeys(columns, pl.String()))
        if name in self.files:
            yield from (batch.select(columns) for batch in self.files[name].frames(Findings()))


def condense(source: Path, target: Path) -> None:
    """Write what a conversion reads of an accepted full package to ``target``; raises RosterError if unreadable."""
    archive = Archive(source)
    members = members_by_file(archive)
    files = open_files(archive, members, Findings())
    version = "1.2" if ROLES in files and _has_rows(files[ROLES]) else "1.1"
    newest = Newest(_properties(archive, members).get(NEWEST_CHANGE.casefold(), ""))
    frames = {
        name: _condensed(name, file, version, newest)
        for name, file in files.items()
        if name != ROLES or version == "1.2"
    }
    write_full_set(target, frames, version, newest)


def read_full_set(path: Path) -> FullSet:
    """Open a condensed package; raises RosterError."""
    archive = Archive(path)
    members = members_by_file(archive)
    properties = _properties(archive, members)
    return FullSet(
        open_files(archive, members, Findings()),
        properties.get("oneroster.version", ""),
        Newest(properties.get(NEWEST_CHANGE.casefold(), "")),
    )


def write_full_set(target: Path, files: Mapping[str, Iterable[pl.DataFrame]], version: str, newest: Newest) -> None:
    """Write a condensed package: the same rows give the same bytes."""
    write_asm_zip({**files, MANIFEST: _manifest(files, version, newest)}, target)


def columns_of(name: str, version: str) -> tuple[str, ...]:
    """Return the columns that a file has: in 1.2 users have none for a role, so that nobody falls back on it."""
    return ONEROSTER[name].columns_without(("role",) if name == USERS and version == "1.2" else ())


def open_files(archive: Archive, members: Mapping[str, str], findings: Findings) -> dict[str, CsvFile]:
    """Return the files that are not empty, their columns found, that of changes too; raises RosterError."""
    files: dict[str, CsvFile] = {}
    for name in ONEROSTER:
        file = open_csv(archive, members[name], ONEROSTER[name]) if name in members else None
        if file is not None and CHANGED.casefold() in file.header.names:
            dated = replace(ONEROSTER[name], columns=(*ONEROSTER[name].columns, CHANGED))
            file = open_csv(archive, members[name], dated)
        if file is not None:
            file.place_columns(findings)
            files[name] = file
    return files


def clean_batches(file: CsvFile, findings: Findings) -> Iterator[pl.DataFrame]:
    """Yield the rows of a file, clean as rule 19 wants it, which no option changes; raises RosterError."""
    for batch in file.batches(findings):
        changed = clean_columns(batch, file.fmt.columns)
        yield batch.rows.with_columns(series for series, _ in changed.values())


def _condensed(name: str, file: CsvFile, version: str, newest: Newest) -> Iterator[pl.DataFrame]:
    columns = columns_of(name, version)
    for batch in clean_batches(file, Findings()):
        if CHANGED in batch.columns:
            newest.see(batch[CHANGED])
        rows = batch.filter(pl.col(FATE).is_null())  # what has more values than columns is never sent
        if name == USERS:
            rows = rows.with_columns(emptied_where(is_gone(), columns))
        yield rows.select(columns)


def is_gone() -> pl.Expr:
    """Whether a row's status says that it is no longer there (rule 4)."""
    return pl.col("status").str.to_lowercase().is_in(GONE)


def emptied_where(condition: pl.Expr, columns: Iterable[str]) -> list[pl.Expr]:
    """Return the columns, but the id and the status, emptied where the condition holds."""
    others = [column for column in columns if column not in {"sourcedId", "status"}]
    return [pl.when(condition).then(pl.lit("")).otherwise(column).alias(column) for column in others]


def _properties(archive: Archive, members: Mapping[str, str]) -> dict[str, str]:
    return read_properties(archive, members[MANIFEST]) if MANIFEST in members else {}


def _has_rows(file: CsvFile) -> bool:
    return any(batch.height for batch in file.frames(Findings()))


def _manifest(files: Mapping[str, object], version: str, newest: Newest) -> Iterator[pl.DataFrame]:
    """Yield the manifest: asked for last, when the newest change is known."""
    values = {"manifest.version": VERSION, "oneroster.version": version}
    values |= {f"file.{name.removesuffix('.csv')}": "bulk" if name in files else "absent" for name in ONEROSTER}
    if newest.moment:
        values[NEWEST_CHANGE] = newest.moment.isoformat()
    yield pl.DataFrame({"propertyName": list(values), "value": list(values.values())})


def _moment(text: str) -> datetime | None:
    """Return a date with its time of day; None for a day alone, which is neither before nor after a time of it."""
    if len(text) <= len("2026-10-01"):
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
