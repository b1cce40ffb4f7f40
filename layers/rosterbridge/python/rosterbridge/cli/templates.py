"""``templates``: files with headers only, as Apple School Manager offers them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rosterbridge.cli.terminal import refuse_usage, say
from rosterbridge.roster.templates import TemplateName, template_files

NameArgument = Annotated[TemplateName, typer.Argument(help="Apple's own format, or a version of OneRoster.")]
FolderOption = Annotated[
    Path | None, typer.Option("--folder", metavar="DIR", file_okay=False, help="Where to; ./templates/NAME by default.")
]
AllOption = Annotated[bool, typer.Option("--all", help="Every file of the version, not only what Apple asks for.")]


def templates_command(name: NameArgument = "asm", folder: FolderOption = None, every: AllOption = False) -> None:
    """Write a format's files with their headers only; files that are there already are never overwritten."""
    folder = folder or Path("templates") / name
    files = template_files(name, every=every)
    present = [file for file in files if (folder / file).exists()]
    if present:
        raise refuse_usage(f"{folder} holds {', '.join(present)} already: name another folder")
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in files.items():
        with (folder / file).open("x", encoding="utf-8", newline="") as target:
            target.write(text)
        say(str(folder / file))
