"""From an uploaded ZIP to a report, and to the ZIP that Apple gets."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import polars as pl

from rosterbridge.roster.archive import Archive
from rosterbridge.roster.asm import check_asm, columns_of, is_refused, note_deviations, read_asm
from rosterbridge.roster.codes import Level, levels, looks_closer
from rosterbridge.roster.conversion import convert_roster
from rosterbridge.roster.findings import LINE, Findings, RosterError
from rosterbridge.roster.formats import ASM, CLASSES, ENROLLMENTS, ROSTERS, STAFF, STUDENTS, USERS
from rosterbridge.roster.oneroster import read_oneroster
from rosterbridge.roster.options import ConversionOptions
from rosterbridge.roster.recognition import judge_others, recognise
from rosterbridge.roster.repair import mend
from rosterbridge.roster.report import FileCounts, Format, Report, counted
from rosterbridge.roster.tables import AsmTable
from rosterbridge.roster.writing import write_asm_zip

UNKNOWN = ("unknown-school", "unknown-class", "unknown-user")  # references to nothing


@dataclass(frozen=True)
class Outputs:
    """Where to write what Apple gets, and where each row of it came from; None for neither."""

    target: Path | None = None
    provenance: Path | None = None

    def write(self, tables: dict[str, AsmTable], *, unchanged: Path | None = None) -> None:
        """Write both; a ZIP that goes on ``unchanged`` is copied byte for byte."""
        if self.target and unchanged:
            shutil.copyfile(unchanged, self.target)
        elif self.target:
            plain = {name for name, table in tables.items() if table.is_plain}
            write_asm_zip({name: table.slices() for name, table in tables.items()}, self.target, plain)
        if self.provenance:
            from rosterbridge.roster.provenance import write_provenance  # only now: most conversions need not wait

            write_provenance(tables, self.provenance)


def process(
    source: Path, outputs: Outputs, options: ConversionOptions, as_of: date, *, is_condensed: bool = False
) -> Report:
    """Check ``source`` by every rule; when it is accepted, write the ``outputs``.

    A condensed full set is not held to the standard's letter: what came into it was.
    """
    found_as = levels(options.profile, options.severities)
    findings = Findings(_full_set_levels(found_as) if is_condensed else found_as)
    fmt: Format = "unknown"
    skipped: tuple[str, ...] = ()
    try:
        archive = Archive(source)
        fmt = recognise(archive)
        skipped = judge_others(archive, fmt, findings, opened=looks_closer(findings.levels))
        if fmt == "asm":
            report = _process_asm(archive, source, outputs, options, findings)
        else:
            if not is_condensed and (refused_as := _judge_closely(archive, options, findings)):
                return replace(_report(refused_as, findings), skipped=skipped)
            report = _process_oneroster(archive, outputs, options, as_of, findings)
    except RosterError as error:
        findings.add_error(error)
        report = _report(fmt, findings)
    return replace(report, skipped=skipped)


def process_delta(package: Path, base: Path, target: Path, options: ConversionOptions, as_of: date) -> Report:
    """Check a delta package, and what comes of it and the full set ``base``, which goes to ``target``."""
    from rosterbridge.roster.delta import apply_delta  # only now: few uploads are deltas

    findings = Findings(levels(options.profile, options.severities))
    fmt: Format = "unknown"
    skipped: tuple[str, ...] = ()
    try:
        archive = Archive(package)
        fmt = recognise(archive)
        skipped = judge_others(archive, fmt, findings, opened=looks_closer(findings.levels))
        if refused_as := _judge_closely(archive, options, findings):
            return replace(_report(refused_as, findings), skipped=skipped)
        for file, changes in apply_delta(base, package, target, findings).items():
            findings.add("delta-applied", file=file, why=changes)
        findings.levels = _full_set_levels(findings.levels)
        report = _process_oneroster(Archive(target), Outputs(), options, as_of, findings)
    except RosterError as error:
        findings.add_error(error)
        report = _report(fmt, findings)
    return replace(report, skipped=skipped)


def _full_set_levels(levels: Mapping[str, Level]) -> Mapping[str, Level]:
    """Return the levels for a full set: it has a status where somebody has gone, and strict.py does not look at it."""
    references = UNKNOWN if levels["unresolved-reference"] == "upload" else ()
    return {**levels, "status-in-bulk": "ignore", **dict.fromkeys(references, "upload")}


def _process_asm(
    archive: Archive, source: Path, outputs: Outputs, options: ConversionOptions, findings: Findings
) -> Report:
    read = read_asm(archive, findings)
    repairs = options.asm_repairs if options.repairs_asm else ()
    sent = mend(read, repairs, findings) if repairs and is_refused(read, findings.levels) else read
    check_asm(sent, findings)
    note_deviations(sent, findings)
    heights = {name: frame.height for name, frame in sent.items()}
    counts = {name: _counts_after_repair(read[name].height, height) for name, height in heights.items()}
    _limit_dropped(counts, options, findings)
    unchanged = sent is read
    if findings.rejected_by is None:
        tables = {
            name: AsmTable(frame, _as_they_are(columns_of(ASM[name], frame)), {name: LINE})
            for name, frame in sent.items()
        }
        outputs.write(tables, unchanged=source if unchanged else None)
    return _report("asm", findings, counts, heights, unchanged=unchanged)


def _as_they_are(columns: Iterable[str]) -> dict[str, pl.Expr]:
    return {column: pl.col(column) for column in columns}


def _counts_after_repair(read: int, sent: int) -> FileCounts:
    dropped = read - sent
    return FileCounts(read, sent, dropped=dropped, reasons={"roster-dropped": dropped} if dropped else {})


def _judge_closely(archive: Archive, options: ConversionOptions, findings: Findings) -> Format | None:
    """Hold a package to the standard's letter if the flow wants that; returns its format when that rejects it."""
    if not looks_closer(findings.levels):
        return None
    from rosterbridge.roster.strict import judge_strictly  # only now: a lenient conversion need not wait for it

    return judge_strictly(archive, options.profile, findings)


def _process_oneroster(
    archive: Archive, outputs: Outputs, options: ConversionOptions, as_of: date, findings: Findings
) -> Report:
    roster = read_oneroster(archive, options, as_of, findings)
    if findings.rejected_by:
        return _report(roster.format, findings)
    tables = convert_roster(roster, options, findings, is_traced=outputs.provenance is not None)
    counts = {sheet.file: sheet.counts() for sheet in roster.sheets}
    heights = {name: table.height for name, table in tables.items()}
    _judge_whole(counts, heights, options, findings)
    if findings.rejected_by is None:
        outputs.write(tables)
    return _report(roster.format, findings, counts, heights)


def _judge_whole(
    counts: dict[str, FileCounts], heights: dict[str, int], options: ConversionOptions, findings: Findings
) -> None:
    """Judge what only the whole upload shows (``mapping.md``, Severity)."""
    if options.repairs_oneroster:
        _limit_dropped(counts, options, findings)
    for file, rows in counts.items():
        if rows.dropped and not options.repairs_oneroster:
            findings.add("rows-dropped", file=file, dropped=f"{rows.dropped:,}")
    if not heights[STUDENTS]:
        findings.add("no-students", file=USERS)
    if not heights[STAFF]:
        findings.add("no-staff", file=USERS)
    if not heights[ROSTERS]:
        findings.add("no-rosters", file=ENROLLMENTS)


def _limit_dropped(counts: dict[str, FileCounts], options: ConversionOptions, findings: Findings) -> None:
    for file, rows in counts.items():
        if rows.dropped > options.max_dropped * rows.read:
            findings.add(
                "too-many-dropped",
                file=file,
                dropped=f"{rows.dropped:,}",
                read=f"{rows.read:,}",
                limit=f"{options.max_dropped:.0%}",
            )


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
    wrong = sum(total.count for total in findings.totals if total.severity == "error")
    emptied, dropped = findings.count("instructor-emptied", CLASSES), findings.count("roster-dropped", ROSTERS)
    notes = [
        *([f"{wrong:,} wrong rows are left behind"] if wrong else []),
        *([f"{emptied:,} unknown instructors were emptied"] if emptied else []),
        *([f"{dropped:,} rosters were dropped"] if dropped else []),
    ]
    return f"Accepted: {counted(sent)}." + (f" {', '.join(notes)}; see the report." if notes else "")
