"""What every command prints with: tables for people, JSON for programs, and one line for what went wrong."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

PIPE_WIDTH = 1000  # a program that reads the output wants a row a line

console = Console(width=None if sys.stdout.isatty() else PIPE_WIDTH)
errors = Console(stderr=True)

WRONG_USAGE = 2

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]


def fail(message: str) -> None:
    """Print one line to standard error."""
    errors.print(message, style="red", markup=False, highlight=False, soft_wrap=True)


def refuse_usage(message: str) -> typer.Exit:
    """Print what is wrong with the call, and return the exit that says so."""
    fail(message)
    return typer.Exit(WRONG_USAGE)


def say(text: str, style: str | None = None) -> None:
    """Print a line as it is, however long, so that it can be copied whole."""
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def print_json(text: str) -> None:
    """Print JSON exactly as it is, without wrapping or colour."""
    typer.echo(text)


def table(*columns: str, numbers: tuple[str, ...] = ()) -> Table:
    """Return an empty table; columns of ``numbers`` stand to the right."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    return made


def add_row(made: Table, *cells: Any) -> None:
    """Add a row of plain texts; nothing in them is taken for markup."""
    from rich.text import Text

    made.add_row(*(Text("" if cell is None else str(cell)) for cell in cells))
