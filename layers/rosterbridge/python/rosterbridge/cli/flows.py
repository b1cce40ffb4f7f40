"""``flows``: from an upload of the SIS to Apple School Manager."""

from __future__ import annotations

import json
from dataclasses import asdict
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from rosterbridge.cli.accounts import NetworksOption, new_account, print_account, print_new_account
from rosterbridge.cli.api_client import Json
from rosterbridge.cli.asm_accounts import new_asm_account, print_asm_account
from rosterbridge.cli.connecting import AcceptOption
from rosterbridge.cli.keys import PublicKeysOption
from rosterbridge.cli.output import moment, print_values
from rosterbridge.cli.signing_in import PasswordStdin
from rosterbridge.cli.terminal import console, refuse_usage, say
from rosterbridge.cli.verbs import Call, ProjectOption, YesOption, given_only, noun, read_json_file, verb

flows_app = noun()


class Template(StrEnum):
    """What a flow is made from."""

    ONEROSTER = "oneroster-csv"
    ASM = "asm-csv"


COLUMNS = {
    "flow": "id",
    "name": "name",
    "template": "template",
    "on": "enabled",
    "file account": "file_account_id",
    "ASM account": "asm_account_id",
}

FlowArgument = Annotated[str, typer.Argument(metavar="FLOW", help="The flow's id.")]
OptionsOption = Annotated[
    Path | None,
    typer.Option("--options", metavar="FILE", exists=True, dir_okay=False, help="Options of the flow, as JSON."),
]

TemplateOption = Annotated[Template, typer.Option("--template", help="What the SIS uploads.")]
OldAccountOption = Annotated[str | None, typer.Option("--account", metavar="ID", help="A file account to use.")]
NewAccountOption = Annotated[
    str | None, typer.Option("--new-account", metavar="USERNAME", help="Create a file account with this user name.")
]
OldAsmAccountOption = Annotated[str | None, typer.Option("--asm-account", metavar="ID", help="An ASM account to use.")]
AsmUsernameOption = Annotated[
    str | None, typer.Option("--asm-username", help="Connect Apple School Manager with the user name it shows.")
]
AsmNameOption = Annotated[str, typer.Option("--asm-name", help="What to call that connection.")]
AsmHostOption = Annotated[str | None, typer.Option("--asm-host", help="Apple's server, unless it has moved.")]
AsmPortOption = Annotated[int | None, typer.Option("--asm-port", min=1, max=65535, help="22 unless Apple says so.")]
AsmFolderOption = Annotated[str | None, typer.Option("--asm-folder", help="dropbox unless Apple says so.")]


@verb(flows_app, "list")
def list_flows(call: Call, project: ProjectOption = None) -> None:
    """List the organization's flows, or those of one project."""
    call.show_all(call.path("flows"), COLUMNS, none="no flow yet", project_id=project)


@verb(flows_app, "show")
def show_flow(call: Call, flow_id: FlowArgument) -> None:
    """Show a flow with the options that differ from their defaults."""
    call.show(call.api.get(call.path("flows", flow_id)).content, _print_flow)


@verb(flows_app, "templates")
def list_templates(call: Call) -> None:
    """List the templates with what each needs beforehand."""
    call.show(call.api.get("/v1/templates").content, _print_templates)


def _print_templates(page: Json) -> None:
    for template in page["items"]:
        say(f"{template['id']}  {template['name']}", "bold")
        say(template["description"])
        print_values({"files": template["files"]})
        for need in template["needs"]:
            say(f"  - {need}")
        console.print()


@verb(flows_app, "create")
def create_flow(
    call: Call,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it.")],
    template: TemplateOption,
    project: ProjectOption = None,
    account: OldAccountOption = None,
    username: NewAccountOption = None,
    public_keys: PublicKeysOption = None,
    networks: NetworksOption = None,
    asm_account: OldAsmAccountOption = None,
    asm_username: AsmUsernameOption = None,
    asm_name: AsmNameOption = "Apple School Manager",
    asm_host: AsmHostOption = None,
    asm_port: AsmPortOption = None,
    asm_folder: AsmFolderOption = None,
    password_stdin: PasswordStdin = False,
    accepted: AcceptOption = None,
    options: OptionsOption = None,
    off: Annotated[bool, typer.Option("--off", help="Do not switch it on yet.")] = False,
) -> None:
    """Create a flow, with its accounts if they are new: all of it or nothing, after the connection test."""
    if (account is None) == (username is None):
        raise refuse_usage("name one of --account and --new-account")
    if (asm_account is None) == (asm_username is None):
        raise refuse_usage("name one of --asm-account and --asm-username")
    if account and (public_keys or networks):
        raise refuse_usage("--public-key and --network are for a --new-account")
    request = {
        "project_id": call.project_id(project),
        "name": name,
        "template": template,
        "file_account": account or new_account(username or "", public_keys, networks),
        "options": read_json_file(options),
        "enabled": not off,
        "asm_account": asm_account
        or new_asm_account(
            call, asm_name, asm_username or "", asm_host, asm_port, asm_folder, accepted, from_stdin=password_stdin
        ),
    }
    call.show(call.api.create(call.path("flows"), request).content, partial(_print_created, is_new=account is None))


@verb(flows_app, "update")
def update_flow(
    call: Call,
    flow_id: FlowArgument,
    name: Annotated[str | None, typer.Option("--name", help="Another name.")] = None,
    enabled: Annotated[
        bool | None, typer.Option("--on/--off", help="Switched off, uploads are recorded but not sent.")
    ] = None,
    options: OptionsOption = None,
) -> None:
    """Rename a flow, switch it off and on, or replace its options."""
    changes = given_only(name=name, enabled=enabled, options=read_json_file(options))
    call.show(call.api.change(call.path("flows", flow_id), body=changes).content, _print_flow)


@verb(flows_app, "delete")
def delete_flow(call: Call, flow_id: FlowArgument, yes: YesOption = False) -> None:
    """Delete a flow; its accounts and its history stay."""
    call.confirm(f"Delete the flow {flow_id}?", yes=yes)
    call.api.change(call.path("flows", flow_id), "DELETE")
    call.show(None, lambda _: say(f"deleted {flow_id}"))


def _print_created(created: Json, *, is_new: bool) -> None:
    _print_flow(created["flow"])
    console.print()
    print_asm_account(created["asm_account"])
    console.print()
    say("What the SIS needs to upload:", "bold")
    (print_new_account if is_new else print_account)(created["file_account"])


def _print_flow(flow: Json) -> None:
    print_values(
        {
            "flow": flow["id"],
            "name": flow["name"],
            "project": flow["project_id"],
            "template": flow["template"],
            "file account": flow["file_account_id"],
            "ASM account": flow["asm_account_id"],
            "on": flow["enabled"],
            "created": moment(flow["created_at"]),
            **{f"  {name}": value for name, value in _unusual(flow["options"]).items()},
        }
    )


def _unusual(options: Json) -> Json:
    """Return the options that differ from their defaults."""
    from rosterbridge.roster.options import ConversionOptions

    usual = json.loads(json.dumps(asdict(ConversionOptions())))
    return {name: value for name, value in options.items() if value != usual.get(name)}
