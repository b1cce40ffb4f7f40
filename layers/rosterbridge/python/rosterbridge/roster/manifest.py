"""Reads manifest.csv, which only hints: what the files hold decides (``mapping.md`` rule 2)."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rosterbridge.roster.archive import Archive
from rosterbridge.roster.findings import LINE, Findings, RosterError
from rosterbridge.roster.formats import MANIFEST, ONEROSTER, FileFormat
from rosterbridge.roster.reading import read_table

if TYPE_CHECKING:
    from rosterbridge.roster.schemas import Schema

VERSION = "1.0"  # of the manifest itself
MAX_BYTES = 2**20  # a manifest has two dozen lines


def read_manifest(archive: Archive, members: Mapping[str, str], findings: Findings) -> str | None:
    """Return the version that the manifest claims; raises RosterError for a delta (rule 5)."""
    if MANIFEST not in members:
        findings.add("no-manifest", file=MANIFEST)
        return None
    properties = read_properties(archive, members[MANIFEST])
    modes = _modes(properties, members)
    for file in ONEROSTER:
        if modes[file] == "delta":
            raise RosterError("delta-without-state", file=file)
    if properties.get("manifest.version", VERSION) != VERSION:
        findings.add("manifest-version", file=MANIFEST)
    for file in members:
        if modes[file] == "absent":
            findings.add("manifest-differs", file=file, value="absent")
    for file in ONEROSTER:
        if modes[file] == "bulk" and file not in members:
            findings.add("manifest-differs", file=file, value="bulk")
    return properties.get("oneroster.version")


def file_modes(archive: Archive, members: Mapping[str, str]) -> dict[str, str]:
    """Return what the manifest says of each file, in lower case: absent, bulk, delta, or nothing."""
    return _modes(read_properties(archive, members[MANIFEST]) if MANIFEST in members else {}, members)


def _modes(properties: Mapping[str, str], members: Mapping[str, str]) -> dict[str, str]:
    return {
        file: properties.get(f"file.{file.removesuffix('.csv')}".casefold(), "").casefold()
        for file in (*ONEROSTER, *(member for member in members if member not in ONEROSTER))
    }


def read_properties(archive: Archive, member: str) -> dict[str, str]:
    """Return the manifest's names and values, however it is written: it only hints, so that it cannot be wrong."""
    start = archive.beginning(member, MAX_BYTES)
    utf_16 = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = start.decode("utf-16" if utf_16 else "utf-8-sig", "replace").replace("\0", "")
    rows = csv.reader(text.replace(";", ",").replace("\t", ",").splitlines())
    return {row[0].strip().casefold(): row[1].strip() for row in rows if len(row) > 1}


def check_manifest(archive: Archive, members: Mapping[str, str], schema: Schema, findings: Findings) -> dict[str, str]:
    """Judge every property by the standard; returns the mode of each file. Raises RosterError if it cannot be read."""
    fmt = FileFormat(MANIFEST, ("propertyName", "value"), frozenset({"propertyName", "value"}))
    rows = read_table(archive, members[MANIFEST], fmt, findings)
    known = {known.name: known for known in schema.manifest}
    values: dict[str, str] = {}
    for name, value, line in () if rows is None else rows.select(*fmt.columns, LINE).iter_rows():
        words = known[name].words if name in known else ()
        why = "unknown" if name not in known else "there more than once" if name in values else ""
        if not why and words and value not in words:
            why = f"none of {', '.join(words)}"
        if why:
            findings.add("manifest-property", file=MANIFEST, line=line, value=name[:80], why=why)
        values.setdefault(name, value)
    for item in schema.manifest:
        if item.required and item.name not in values:
            findings.add("manifest-property", file=MANIFEST, value=item.name, why="missing")
    modes = {item.file: values.get(item.name, "") for item in schema.manifest if item.file}
    for file, mode in modes.items():
        if (mode == "absent") if file in members else (mode in {"bulk", "delta"}):
            findings.add("manifest-differs", file=file, value=mode)
    return modes
