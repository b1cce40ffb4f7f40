"""Delta packages: what has changed since a full set, and the full set that comes of both (``mapping.md`` rule 5).

A file is a delta where the manifest says so, or where each row has a status and a date of change; a file that the
manifest calls bulk replaces that of the full set. Only what can be told for sure is applied: what is unclear refuses
the package.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from rosterbridge.roster.archive import Archive
from rosterbridge.roster.condensed import (
    CHANGED,
    FullSet,
    Newest,
    clean_batches,
    columns_of,
    condense,
    emptied_where,
    is_gone,
    open_files,
    read_full_set,
    write_full_set,
)
from rosterbridge.roster.findings import LINE, Findings, RosterError
from rosterbridge.roster.formats import CLASSES, MANIFEST, ONEROSTER, ONEROSTER_REQUIRED, ROLES, USERS
from rosterbridge.roster.manifest import file_modes, read_properties
from rosterbridge.roster.oneroster import JUDGED_LATER, members_by_file
from rosterbridge.roster.reading import CsvFile
from rosterbridge.roster.recognition import recognise
from rosterbridge.roster.sheet import FATE, among

__all__ = ["DeltaCounts", "FileChanges", "apply_delta", "condense", "is_delta"]

ID = "sourcedId"
ACTIVE, DELETED = "active", "tobedeleted"
REFERRED = (USERS, CLASSES)  # an id of these stays when its row goes, so that enrolments of it are left out, not wrong


@dataclass
class FileChanges:
    """What a file of a package did, in rows; ``unknown`` were to be removed and are not there."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    unknown: int = 0
    replaced: bool = False

    def __str__(self) -> str:
        """Return it in words."""
        if self.replaced:
            return f"the whole file was replaced by {self.added:,} rows"
        counted = f"{self.added:,} added, {self.changed:,} changed, {self.removed:,} removed"
        return f"{counted}, {self.unknown:,} to be removed were not there" if self.unknown else counted


DeltaCounts = Mapping[str, FileChanges]


@dataclass(frozen=True)
class _Changes:
    """The rows of one file of a package: changes if ``is_delta``, else the whole file."""

    rows: pl.DataFrame
    is_delta: bool


def is_delta(package: Path) -> bool:
    """Tell whether a OneRoster package holds changes only; False for what cannot be read."""
    try:
        archive = Archive(package)
        if recognise(archive) == "asm":
            return False
        members = members_by_file(archive)
        modes = file_modes(archive, members)
        present = [name for name in ONEROSTER if name in members]
        if "delta" in (modes.get(name) for name in ONEROSTER):
            return True
        if members.keys() >= set(ONEROSTER_REQUIRED) or "bulk" in (modes.get(name) for name in present):
            return False
        files = open_files(archive, members, Findings())
        tables = [pl.concat(clean_batches(file, Findings())) for file in files.values()]
        return any(table.height for table in tables) and all(_is_dated(table) for table in tables)
    except (RosterError, OSError):
        return False


def apply_delta(base: Path, package: Path, target: Path, findings: Findings | None = None) -> DeltaCounts:
    """Write the full set that comes of the full set ``base`` and a delta package; applied twice it changes nothing.

    Rows keep their order, new ones follow in the package's. References are left to the conversion of the whole. What
    is odd about the package goes to ``findings``. Raises RosterError with file and line of the package.
    """
    findings = findings or Findings()
    archive = Archive(package)
    members = members_by_file(archive)
    files = open_files(archive, members, findings)
    full_set = read_full_set(base)
    modes = file_modes(archive, members)
    changes = {name: _read_changes(file, modes.get(name, ""), findings) for name, file in files.items()}
    _check_version(full_set, archive, members, files, changes)
    newest = _check_age(full_set, changes)
    counts = {name: FileChanges(replaced=not found.is_delta) for name, found in changes.items()}
    merged = {
        name: _merged(name, full_set, changes[name], counts[name]) if name in changes else full_set.frames(name)
        for name in ONEROSTER
        if name in full_set.files or (name in changes and (name != ROLES or full_set.version == "1.2"))
    }
    write_full_set(target, merged, full_set.version, newest)
    return counts


def _read_changes(file: CsvFile, mode: str, findings: Findings) -> _Changes:
    """Return a file's rows, checked: those that would be dropped of a full package refuse this one."""
    name, columns = file.fmt.name, file.fmt.columns
    rows = pl.concat(clean_batches(file, findings))
    _refuse(rows.filter(pl.col(FATE).is_not_null()), name, "more values than the header has columns")
    rows = rows.filter(~pl.all_horizontal(pl.col(column) == "" for column in columns))
    if mode == "bulk":
        return _Changes(rows, is_delta=False)
    if mode != "delta":
        why = "no status or no date of change, and manifest.csv calls the file neither bulk nor delta"
        _refuse(rows.filter(~_dated(rows)), name, why)
    for column in (ID, "status"):
        if column not in file.placed:
            raise RosterError("missing-column", file=name, line=1, column=column)
    status = pl.when(is_gone()).then(pl.lit(DELETED)).otherwise(pl.col("status").str.to_lowercase())
    rows = rows.with_columns(status.alias("status"))
    _refuse(rows.filter(pl.col("status") == ""), name, "no status")
    _refuse(rows.filter(~pl.col("status").is_in([ACTIVE, DELETED])), name, "a status that OneRoster does not know")
    _refuse(rows.filter(pl.col(ID) == ""), name, f"no {ID}")
    for column in columns:
        if column in file.fmt.needed and column not in JUDGED_LATER:
            _refuse(rows.filter((pl.col("status") == ACTIVE) & (pl.col(column) == "")), name, f"no {column}")
    return _Changes(_once_each(rows, file, findings), is_delta=True)


def _refuse(rows: pl.DataFrame, file: str, why: str) -> None:
    if rows.height:
        raise RosterError("delta-row-unclear", file=file, line=rows[LINE][0], why=why)


def _once_each(rows: pl.DataFrame, file: CsvFile, findings: Findings) -> pl.DataFrame:
    """Return the rows without copies; raises RosterError when an id stands in rows that differ (rule 21)."""
    columns = [column for column in file.fmt.columns if column != CHANGED]
    rows = rows.with_columns(emptied_where(pl.col("status") == DELETED, columns))
    single = rows.unique(columns, keep="first", maintain_order=True)
    if copies := rows.height - single.height:
        findings.add("duplicate-row", file=file.fmt.name, count=copies)
    different = single.filter(~pl.col(ID).is_first_distinct())
    if different.height:
        raise RosterError("duplicate-id", file=file.fmt.name, line=different[LINE][0], column=ID, value="…")
    return single


def _is_dated(rows: pl.DataFrame) -> bool:
    """Whether each row has a status and a date of change, as a delta has and a full package must not."""
    return bool(rows.select(_dated(rows).all()).item())


def _dated(rows: pl.DataFrame) -> pl.Expr:
    return (pl.col("status") != "") & (pl.col(CHANGED) != "") if CHANGED in rows.columns else pl.lit(value=False)


def _check_version(
    full_set: FullSet,
    archive: Archive,
    members: Mapping[str, str],
    files: Mapping[str, CsvFile],
    changes: Mapping[str, _Changes],
) -> None:
    """Refuse users and roles of another version; the other files are alike in both."""
    found = full_set.version
    if ROLES in changes and changes[ROLES].rows.height:
        found = "1.2"
    elif USERS in files:
        found = "1.1" if "role" in files[USERS].header.names else "1.2"
        if full_set.version == "1.2" and MANIFEST in members:  # then a column that 1.2 no longer has is no matter
            claimed = read_properties(archive, members[MANIFEST]).get("oneroster.version", "")
            found = "1.2" if claimed.startswith("1.2") else found
    if found != full_set.version:
        why = f"it is OneRoster {found}, and the full roster is {full_set.version}"
        raise RosterError("delta-base-differs", why=why)


def _check_age(full_set: FullSet, changes: Mapping[str, _Changes]) -> Newest:
    """Return the newest date of change of both; raises RosterError for a package older than the full set."""
    newest = Newest()
    for found in changes.values():
        if CHANGED in found.rows.columns:
            newest.see(found.rows[CHANGED])
    known = full_set.newest
    if newest.moment is None or known.moment is None:
        return newest if known.moment is None else known
    if newest.moment < known.moment:
        raise RosterError("delta-base-differs", why="its newest change is older than the newest one known")
    return newest


def _merged(name: str, full_set: FullSet, changes: _Changes, counts: FileChanges) -> Iterator[pl.DataFrame]:
    """Yield the rows of a file after its changes, and count these."""
    columns = columns_of(name, full_set.version)
    if not changes.is_delta:
        counts.added = changes.rows.height
        rows = changes.rows.select(columns)
        yield rows.with_columns(emptied_where(is_gone(), columns)) if name == USERS else rows
        return
    active = changes.rows.filter(pl.col("status") == ACTIVE).with_columns(status=pl.lit("")).select(columns)
    deleted = changes.rows.filter(pl.col("status") == DELETED).select(columns)
    kept = pl.concat([active, deleted]) if name in REFERRED else active
    ids, seen, live = among(changes.rows[ID]), pl.Series(ID, [], pl.String()), pl.Series(ID, [], pl.String())
    for frame in full_set.frames(name):
        touched = frame.filter(pl.col(ID).is_in(ids))
        found = touched[ID].unique(maintain_order=True)
        yield _changed(frame, found, kept, seen) if found.len() else frame
        seen = pl.concat([seen, found]).unique(maintain_order=True)
        live = pl.concat([live, touched.filter(~is_gone())[ID]])
    counts.changed, counts.removed = (int(rows[ID].is_in(among(live)).sum()) for rows in (active, deleted))
    counts.added, counts.unknown = active.height - counts.changed, deleted.height - counts.removed
    yield active.filter(~pl.col(ID).is_in(among(seen)))


def _changed(frame: pl.DataFrame, touched: pl.Series, kept: pl.DataFrame, seen: pl.Series) -> pl.DataFrame:
    """Return rows of the full set with each changed one in its place, once, and without those that are gone."""
    untouched = ~pl.col(ID).is_in(among(touched))
    stays = pl.col(ID).is_in(among(kept[ID])) & ~pl.col(ID).is_in(among(seen)) & pl.col(ID).is_first_distinct()
    rows = frame.filter(untouched | stays)
    found = rows.select(ID).join(kept.with_columns(is_new=True), on=ID, how="left", maintain_order="left")
    others = [column for column in frame.columns if column != ID]
    new = found["is_new"].is_not_null()
    return rows.with_columns(pl.when(new).then(found[column]).otherwise(column).alias(column) for column in others)
