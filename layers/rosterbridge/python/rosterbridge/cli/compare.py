"""``compare``: what an upload would change at Apple's side, from two files of this machine."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rosterbridge.cli.output import REJECTED
from rosterbridge.cli.terminal import JsonOption, add_row, console, errors, fail, print_json, say, table
from rosterbridge.memory import suit_memory
from rosterbridge.roster.report_forms import one_line

if TYPE_CHECKING:
    from rosterbridge.roster.comparison import Changes, Fingerprints

COUNTS = ("before", "after", "added", "removed", "changed")
NOTHING = "Nothing would change."


def _checked(path: Path | None) -> Path | None:
    """Refuse, before any work is done, a file that could not be written or whose form is unknown."""
    if path is None:
        return None
    if not path.name.lower().endswith((".csv", ".csv.gz")):
        message = f"{path.name}: the list's name ends in .csv or .csv.gz"
        raise typer.BadParameter(message)
    if not path.parent.is_dir():
        message = f"there is no folder {path.parent}"
        raise typer.BadParameter(message)
    return path


OldArgument = Annotated[Path, typer.Argument(metavar="OLD.zip", exists=True, dir_okay=False, readable=True)]
NewArgument = Annotated[Path, typer.Argument(metavar="NEW.zip", exists=True, dir_okay=False, readable=True)]
ChangesOption = Annotated[
    Path | None,
    typer.Option(
        "--changes",
        metavar="FILE.csv",
        dir_okay=False,
        callback=_checked,
        help="Write file, change and id of each row that would change; packed if it ends in .gz.",
    ),
]


def compare_command(
    old: OldArgument, new: NewArgument, changed: ChangesOption = None, as_json: JsonOption = False
) -> None:
    """Tell what would change at Apple if NEW.zip were sent after OLD.zip; both are in Apple's format."""
    suit_memory()
    with errors.status("comparing the rosters ..."):
        from rosterbridge.roster.comparison import compare

        changes = compare(_fingerprints(old), _fingerprints(new))
        if changed:
            changes.write_csv(changed)
    if as_json:
        print_json(json.dumps({"files": {name: asdict(file) for name, file in changes.files.items()}}, indent=2))
    else:
        _print(changes)


def _fingerprints(path: Path) -> Fingerprints:
    from rosterbridge.roster.archive import Archive
    from rosterbridge.roster.comparison import fingerprints
    from rosterbridge.roster.findings import Findings, RosterError
    from rosterbridge.roster.recognition import recognise

    try:
        if recognise(Archive(path)) == "asm":
            return fingerprints(path)
        why = "it is in OneRoster format: write Apple's with rosterbridge convert, and compare that"
    except RosterError as error:
        found = Findings()
        found.add_error(error)
        why = found.reason
    fail(one_line(f"{path.name}: {why}"))
    raise typer.Exit(REJECTED)


def _print(changes: Changes) -> None:
    """Print a line a file, and what it means in Apple's terms."""
    from rosterbridge.flows.guarding import consequences

    counts = table("file", *COUNTS, numbers=COUNTS)
    for name, file in changes.files.items():
        add_row(counts, name, *(f"{getattr(file, what):,}" for what in COUNTS))
    console.print(counts)
    if told := NOTHING if not changes.total else consequences(changes):
        say(told)
