"""``validate`` and ``convert``: the service's own rules on a file of this machine, without AWS."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from rosterbridge.cli.reports import ReportOption, print_report, write_errors, write_reports
from rosterbridge.cli.terminal import JsonOption, errors, print_json, refuse_usage
from rosterbridge.memory import suit_memory
from rosterbridge.roster import ConversionOptions, Report, convert, validate, validate_delta

REJECTED = 1

ZipArgument = Annotated[Path, typer.Argument(metavar="ZIP", exists=True, dir_okay=False, readable=True)]
OutArgument = Annotated[Path, typer.Argument(metavar="OUT.zip", dir_okay=False)]
OptionsOption = Annotated[
    Path | None,
    typer.Option("--options", metavar="FILE", exists=True, dir_okay=False, help="Options of a flow, as JSON."),
]
AsOfOption = Annotated[
    datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="The day to judge dates by; today by default.")
]
ErrorsOption = Annotated[
    Path | None, typer.Option("--errors", metavar="FILE.csv", help="The same as --report FILE.csv.")
]
ProvenanceOption = Annotated[
    Path | None,
    typer.Option(
        "--provenance",
        metavar="FILE.csv",
        dir_okay=False,
        help="Write from which source file and lines each row for Apple came; packed if it ends in .gz.",
    ),
]


def validate_command(
    source: ZipArgument,
    options: OptionsOption = None,
    as_of: AsOfOption = None,
    report: ReportOption = None,
    error_file: ErrorsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a ZIP by every rule and tell what would be sent; exit 1 if it would be rejected."""
    _carry_out(lambda: validate(source, _options(options), as_of=_day(as_of)), report, error_file, as_json=as_json)


def convert_command(
    source: ZipArgument,
    target: OutArgument,
    options: OptionsOption = None,
    as_of: AsOfOption = None,
    report: ReportOption = None,
    error_file: ErrorsOption = None,
    provenance: ProvenanceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a ZIP and write the one that Apple School Manager gets; exit 1, and no file, if it is rejected."""
    if not target.parent.is_dir():
        raise refuse_usage(f"there is no folder {target.parent}")
    if target.exists() and target.samefile(source):
        raise refuse_usage("the result would overwrite the upload: name another file")
    chosen, day = _options(options), _day(as_of)
    _carry_out(lambda: _converted(source, target, chosen, day, provenance), report, error_file, as_json=as_json)


def apply_delta_command(
    state: Annotated[Path, typer.Argument(metavar="STATE.zip", exists=True, dir_okay=False, readable=True)],
    delta: Annotated[Path, typer.Argument(metavar="DELTA.zip", exists=True, dir_okay=False, readable=True)],
    target: OutArgument,
    options: OptionsOption = None,
    as_of: AsOfOption = None,
    report: ReportOption = None,
    error_file: ErrorsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Apply a OneRoster delta to a full package and write the full one that comes of it; exit 1 if it is rejected."""
    if not target.parent.is_dir():
        raise refuse_usage(f"there is no folder {target.parent}")
    if target.exists() and (target.samefile(state) or target.samefile(delta)):
        raise refuse_usage("the result would overwrite what it is made from: name another file")
    chosen, day = _options(options), _day(as_of)
    _carry_out(lambda: _applied(state, delta, target, chosen, day), report, error_file, as_json=as_json)


def _applied(state: Path, delta: Path, target: Path, options: ConversionOptions, as_of: date) -> Report:
    """Merge beside the target and move the result there when it is accepted."""
    from rosterbridge.roster.delta import condense, is_delta

    if not is_delta(delta):
        raise refuse_usage(f"{delta.name} is no delta: its manifest.csv says so of no file")
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".rosterbridge-") as folder:
        base, made = Path(folder) / "base.zip", Path(folder) / "out.zip"
        report = validate(state, options, as_of=as_of)
        if report.accepted and report.format == "asm":
            raise refuse_usage(f"{state.name} is in Apple's own format, which knows no deltas")
        if report.accepted:
            condense(state, base)
            report = validate_delta(delta, base, made, options, as_of=as_of)
            if report.accepted:
                made.replace(target)
    return report


def _converted(source: Path, target: Path, options: ConversionOptions, as_of: date, provenance: Path | None) -> Report:
    """Convert beside the target and move it there when it is whole."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".rosterbridge-") as folder:
        made = Path(folder) / "out.zip"
        report = convert(source, made, options, as_of=as_of, provenance=provenance)
        if report.accepted:
            made.replace(target)
    return report


def _carry_out(
    work: Callable[[], Report], reports: list[Path] | None, error_file: Path | None, *, as_json: bool
) -> None:
    suit_memory()
    with errors.status("reading the roster ..."):
        found = work()
    write_reports(found, reports)
    if error_file:
        write_errors(found, error_file)
    if as_json:
        from rosterbridge.roster.documents import report_to_json

        print_json(report_to_json(found, indent=2))
    else:
        print_report(found)
    if not found.accepted:
        raise typer.Exit(REJECTED)


def _options(path: Path | None) -> ConversionOptions:
    if path is None:
        return ConversionOptions()
    from pydantic import ValidationError

    from rosterbridge.roster.documents import options_from_json

    try:
        return options_from_json(path.read_bytes())
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc'])) or 'file'}: {fault['msg']}" for fault in error.errors())
        raise refuse_usage(f"wrong options in {path.name}: {faults}") from None


def _day(as_of: datetime | None) -> date:
    return (as_of or datetime.now().astimezone()).date()
