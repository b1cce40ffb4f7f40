"""The command line: ``rosterbridge``. Exit 0 done, 1 the input was rejected, 2 wrong usage, 3 a service failed."""

from __future__ import annotations

import typer

from rosterbridge.cli import (
    accounts,
    asm_accounts,
    audit,
    check_apple,
    compare,
    flows,
    operations,
    organizations,
    projects,
    rosters,
    runs,
    signing_in,
    templates,
    users,
)

typer_app = typer.Typer(
    help="From a school's SIS to Apple School Manager.", no_args_is_help=True, pretty_exceptions_enable=False
)
typer_app.command("validate")(rosters.validate_command)
typer_app.command("convert")(rosters.convert_command)
typer_app.command("apply-delta")(rosters.apply_delta_command)
typer_app.command("compare")(compare.compare_command)
typer_app.command("templates")(templates.templates_command)
typer_app.command("check-apple")(check_apple.check_apple_command)
typer_app.command("sign-in")(signing_in.sign_in_command)
typer_app.command("sign-out")(signing_in.sign_out_command)
typer_app.add_typer(organizations.organizations_app, name="organizations", help="Districts and groups of schools.")
typer_app.add_typer(users.users_app, name="users", help="Who may sign in.")
typer_app.add_typer(projects.projects_app, name="projects", help="Groups of flows, and what they save.")
typer_app.add_typer(accounts.accounts_app, name="accounts", help="File accounts: with them your SIS uploads.")
typer_app.add_typer(asm_accounts.asm_accounts_app, name="asm-accounts", help="Connections to Apple School Manager.")
typer_app.add_typer(flows.flows_app, name="flows", help="From an upload to Apple School Manager.")
typer_app.add_typer(runs.runs_app, name="runs", help="The history: what happened to each upload.")
typer_app.add_typer(audit.audit_app, name="audit", help="Who did what.")
typer_app.add_typer(
    operations.operations_app, name="operations", help="Recover: for operators with rights in the AWS account."
)


def app() -> None:
    """Run the command line."""
    typer_app()
