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


GuardOption = Annotated[
    Path | None,
    typer.Option("--guard", metavar="FILE", exists=True, dir_okay=False, help="All rules of the guard, as JSON."),
]
RemovedOption = Annotated[
    float | None, typer.Option("--max-removed", min=0, max=100, help="Hold when more percent of a file would go.")
]
ChangedOption = Annotated[
    float | None, typer.Option("--max-changed", min=0, max=100, help="Hold when more percent of a file would change.")
]
LeastOption = Annotated[
    int | None, typer.Option("--least-rows", min=1, help="The percentages count for files of so many rows.")
]
AdditionsOption = Annotated[
    list[str] | None,
    typer.Option("--additions-only", metavar="FIRST..LAST", help="Days on which nothing may go; '' for none."),
]
BlackoutOption = Annotated[
    list[str] | None,
    typer.Option("--blackout", metavar="FIRST..LAST", help="Days on which nothing is sent; '' for none."),
]
ZoneOption = Annotated[
    str | None, typer.Option("--time-zone", metavar="ZONE", help="Of days and times: Europe/Berlin.")
]
ExpectedOption = Annotated[
    str | None, typer.Option("--expected-by", metavar="HH:MM", help="Miss an upload by then; '' for never.")
]


@verb(flows_app, "guard")
def update_guard(
    call: Call,
    flow_id: FlowArgument,
    guard: GuardOption = None,
    removed: RemovedOption = None,
    changed: ChangedOption = None,
    least: LeastOption = None,
    additions_only: AdditionsOption = None,
    blackouts: BlackoutOption = None,
) -> None:
    """Show or change what an upload may change at Apple's side before somebody has to approve it."""
    path = call.path("flows", flow_id)
    rules = read_json_file(guard) or call.api.get(path).content["guard"]
    given = {
        "removed_share": None if removed is None else removed / 100,
        "changed_share": None if changed is None else changed / 100,
        "least_rows": least,
        "additions_only": _windows(additions_only),
        "blackouts": _windows(blackouts),
    }
    given = {name: value for name, value in given.items() if value is not None}
    if guard or given:
        rules = call.api.change(path, body={"guard": {**rules, **given}}).content["guard"]
    call.show(rules, _print_guard)


def _windows(texts: list[str] | None) -> list[Json] | None:
    """Return the windows that texts such as ``2026-07-01..2026-08-31`` name; a day alone is one of them."""
    if texts is None:
        return None
    spans = (text.partition("..") for text in texts if text)
    return [{"first": first, "last": last or first} for first, _, last in spans]


def _print_guard(rules: Json) -> None:
    spans = {
        name: [f"{one['first']}..{one['last']}" for one in rules[name]] for name in ("additions_only", "blackouts")
    }
    print_values(
        {
            "removed": f"held above {rules['removed_share']:.0%} of a file",
            "changed": f"held above {rules['changed_share']:.0%} of a file",
            "files": f"from {rules['least_rows']:,} rows on",
            "additions only": spans["additions_only"],
            "blackouts": spans["blackouts"],
        }
    )


@verb(flows_app, "update")
def update_flow(
    call: Call,
    flow_id: FlowArgument,
    name: Annotated[str | None, typer.Option("--name", help="Another name.")] = None,
    enabled: Annotated[
        bool | None, typer.Option("--on/--off", help="Switched off, uploads are recorded but not sent.")
    ] = None,
    options: OptionsOption = None,
    time_zone: ZoneOption = None,
    expected_by: ExpectedOption = None,
) -> None:
    """Rename a flow, switch it off and on, replace its options, or say when an upload is missed."""
    changes = given_only(
        name=name,
        enabled=enabled,
        options=read_json_file(options),
        time_zone=time_zone,
        expected_by=expected_by,
    )
    call.show(call.api.change(call.path("flows", flow_id), body=changes).content, _print_flow)


@verb(flows_app, "dry-run")
def dry_run(
    call: Call,
    flow_id: FlowArgument,
    path: Annotated[Path, typer.Argument(metavar="ZIP", exists=True, dir_okay=False, help="What would be uploaded.")],
) -> None:
    """See what a file would do, without anything being sent; exit 1 if it would be held or rejected, 3 if it fails."""
    from rosterbridge.cli.dry_runs import try_out

    if code := try_out(call, flow_id, path):
        raise typer.Exit(code)


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
            "time zone": flow["time_zone"],
            "expected by": flow["expected_by"],
            "created": moment(flow["created_at"]),
            **{f"  {name}": value for name, value in _unusual(flow["options"]).items()},
        }
    )


def _unusual(options: Json) -> Json:
    """Return the options that differ from their defaults."""
    from rosterbridge.roster.options import ConversionOptions

    usual = json.loads(json.dumps(asdict(ConversionOptions())))
    return {name: value for name, value in options.items() if value != usual.get(name)}
