"""The command line: ``rosterbridge``. Exit 0 done, 1 the input was rejected, 2 wrong usage, 3 a service failed."""

from __future__ import annotations

import os
import sys

import typer

from rosterbridge.cli import rosters, runs, templates
from rosterbridge.cli.terminal import fail
from rosterbridge.errors import RosterbridgeError

SERVICE_FAILED = 3

typer_app = typer.Typer(
    help="From a school's SIS to Apple School Manager.", no_args_is_help=True, pretty_exceptions_enable=False
)
typer_app.command("validate")(rosters.validate_command)
typer_app.command("convert")(rosters.convert_command)
typer_app.command("templates")(templates.templates_command)
typer_app.add_typer(runs.runs_app, name="runs", help="The history: what happened to each upload.")


def app() -> None:
    """Run the command line, and answer what a service refused with one line and exit code 3."""
    try:
        typer_app()
    except RosterbridgeError as error:
        local = error.code == "aws-unreachable" and "AWS_ENDPOINT_URL" in os.environ
        fail(f"{error}; is `make run` still up?" if local else str(error))
        sys.exit(SERVICE_FAILED)
