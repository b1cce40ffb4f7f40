"""From an uploaded ZIP to a report, and to the ZIP that Apple gets."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

from rosterbridge.roster.archive import Archive
from rosterbridge.roster.asm import check_asm
from rosterbridge.roster.codes import levels
from rosterbridge.roster.conversion import convert_roster
from rosterbridge.roster.findings import Findings, RosterError
from rosterbridge.roster.formats import STAFF, STUDENTS, USERS
from rosterbridge.roster.oneroster import read_oneroster
from rosterbridge.roster.options import ConversionOptions
from rosterbridge.roster.recognition import recognise
from rosterbridge.roster.report import FileCounts, Format, Report, counted
from rosterbridge.roster.writing import write_asm_zip


def process(source: Path, target: Path | None, options: ConversionOptions, as_of: date) -> Report:
    """Check ``source`` by every rule; when it is accepted and there is a ``target``, write what Apple gets to it."""
    findings = Findings(levels(options.profile, options.severities))
    fmt: Format = "unknown"
    try:
        with Archive(source) as archive:
            fmt = recognise(archive)
            if fmt == "asm":
                return _process_asm(archive, source, target, findings)
            return _process_oneroster(archive, target, options, as_of, findings)
    except RosterError as error:
        findings.add_error(error)
        return _report(fmt, findings)


def _process_asm(archive: Archive, source: Path, target: Path | None, findings: Findings) -> Report:
    frames = check_asm(archive, findings)
    if target and findings.rejected_by is None:
        shutil.copyfile(source, target)
    counts = {name: FileCounts(read=frame.height, sent=frame.height) for name, frame in frames.items()}
    return _report("asm", findings, counts, {name: frame.height for name, frame in frames.items()}, unchanged=True)


def _process_oneroster(
    archive: Archive, target: Path | None, options: ConversionOptions, as_of: date, findings: Findings
) -> Report:
    roster = read_oneroster(archive, options, as_of, findings)
    if findings.rejected_by:
        return _report(roster.format, findings)
    tables = convert_roster(roster, options, findings)
    counts = {sheet.file: sheet.counts() for sheet in roster.sheets}
    heights = {name: table.height for name, table in tables.items()}
    _judge_whole(counts, heights, options, findings)
    if target and findings.rejected_by is None:
        write_asm_zip({name: table.slices() for name, table in tables.items()}, target)
    return _report(roster.format, findings, counts, heights)


def _judge_whole(
    counts: dict[str, FileCounts], heights: dict[str, int], options: ConversionOptions, findings: Findings
) -> None:
    """Judge what only the whole upload shows (``mapping.md``, Severity)."""
    for file, rows in counts.items():
        if rows.dropped and not options.repairs_oneroster:
            findings.add("rows-dropped", file=file, dropped=f"{rows.dropped:,}")
        elif rows.dropped > options.max_dropped * rows.read:
            findings.add(
                "too-many-dropped",
                file=file,
                dropped=f"{rows.dropped:,}",
                read=f"{rows.read:,}",
                limit=f"{options.max_dropped:.0%}",
            )
    if not heights[STUDENTS]:
        findings.add("no-students", file=USERS)
    if not heights[STAFF]:
        findings.add("no-staff", file=USERS)


def _report(
    fmt: Format,
    findings: Findings,
    counts: dict[str, FileCounts] | None = None,
    heights: dict[str, int] | None = None,
    *,
    unchanged: bool = False,
) -> Report:
    accepted = findings.rejected_by is None
    sent = heights or {} if accepted else {}
    return Report(
        accepted=accepted,
        rejected_by=findings.rejected_by,
        format=fmt,
        summary=_accepted(sent, findings) if accepted else f"Rejected: {findings.reason}",
        entries=tuple(findings.entries),
        totals=findings.totals,
        counts=counts or {},
        sent=sent,
        unchanged=unchanged and accepted,
    )


def _accepted(sent: dict[str, int], findings: Findings) -> str:
    dropped = sum(total.count for total in findings.totals if total.severity == "error")
    return f"Accepted: {counted(sent)}." + (
        f" {dropped:,} wrong rows are left behind; see the report." if dropped else ""
    )
