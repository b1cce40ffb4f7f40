"""Reads manifest.csv, which only hints: what the files hold decides (``mapping.md`` rule 2)."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Mapping

from rosterbridge.roster.archive import Archive
from rosterbridge.roster.findings import Findings, RosterError
from rosterbridge.roster.formats import MANIFEST, ONEROSTER

VERSION = "1.0"  # of the manifest itself


def read_manifest(archive: Archive, members: Mapping[str, str], findings: Findings) -> str | None:
    """Return the version that the manifest claims; raises RosterError for a delta (rule 5)."""
    if MANIFEST not in members:
        findings.add("no-manifest", file=MANIFEST)
        return None
    properties = _properties(archive, members[MANIFEST])
    modes = {file: properties.get(f"file.{file.removesuffix('.csv')}".casefold(), "").casefold() for file in ONEROSTER}
    for file, mode in modes.items():
        if mode == "delta":
            raise RosterError("delta-without-state", file=file)
    if properties.get("manifest.version", VERSION) != VERSION:
        findings.add("manifest-version", file=MANIFEST)
    for file, mode in modes.items():
        if (mode == "absent" and file in members) or (mode == "bulk" and file not in members):
            findings.add("manifest-differs", file=file, value=mode)
    return properties.get("oneroster.version")


def _properties(archive: Archive, member: str) -> dict[str, str]:
    """Return the manifest's names and values, however it is written: it only hints, so that it cannot be wrong."""
    start = next(archive.chunks(member), b"")
    utf_16 = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = start.decode("utf-16" if utf_16 else "utf-8-sig", "replace").replace("\0", "")
    rows = csv.reader(text.replace(";", ",").replace("\t", ",").splitlines())
    return {row[0].strip().casefold(): row[1].strip() for row in rows if len(row) > 1}
