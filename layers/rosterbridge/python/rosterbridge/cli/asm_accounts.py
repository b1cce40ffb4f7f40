"""``asm-accounts``: the connections to Apple School Manager."""

from __future__ import annotations

from typing import Annotated

import typer

from rosterbridge.cli.api_client import Json
from rosterbridge.cli.connecting import (
    AcceptOption,
    FolderOption,
    HostOption,
    PortOption,
    accept_key,
    asm_password,
    connect,
    exit_code,
    print_probe,
)
from rosterbridge.cli.keys import fingerprint
from rosterbridge.cli.output import moment, print_values
from rosterbridge.cli.signing_in import PasswordStdin
from rosterbridge.cli.terminal import refuse_usage, say
from rosterbridge.cli.verbs import Call, YesOption, given_only, noun, verb

asm_accounts_app = noun()

COLUMNS = {
    "ASM account": "id",
    "name": "name",
    "host": "host",
    "port": "port",
    "user name": "username",
    "folder": "folder",
    "flows": lambda account: str(len(account["flow_ids"])),
}

AccountArgument = Annotated[str, typer.Argument(metavar="ACCOUNT", help="The ASM account's id.")]


@verb(asm_accounts_app, "list")
def list_asm_accounts(call: Call) -> None:
    """List the organization's ASM accounts."""
    call.show_all(call.path("asm-accounts"), COLUMNS, none="no ASM account yet")


@verb(asm_accounts_app, "show")
def show_asm_account(call: Call, account_id: AccountArgument) -> None:
    """Show an ASM account without its password."""
    call.show(call.api.get(call.path("asm-accounts", account_id)).content, print_asm_account)


@verb(asm_accounts_app, "create")
def create_asm_account(
    call: Call,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it.")],
    username: Annotated[str, typer.Option("--username", help="As Apple School Manager shows it.")],
    password_stdin: PasswordStdin = False,
    host: HostOption = None,
    port: PortOption = None,
    folder: FolderOption = None,
    accepted: AcceptOption = None,
) -> None:
    """Connect Apple School Manager: the connection is tested, and its host key shown, before anything is kept."""
    new = new_asm_account(call, name, username, host, port, folder, accepted, from_stdin=password_stdin)
    call.show(call.api.create(call.path("asm-accounts"), new).content, print_asm_account)


def new_asm_account(
    call: Call,
    name: str,
    username: str,
    host: str | None,
    port: int | None,
    folder: str | None,
    accepted: list[str] | None,
    *,
    from_stdin: bool,
) -> Json:
    """Return the request for an ASM account whose connection has been tested just now."""
    password = asm_password(from_stdin=from_stdin)
    connection = given_only(host=host, port=port, username=username, password=password, folder=folder)
    return {"name": name, **connect(call, connection, accepted)}


@verb(asm_accounts_app, "update")
def update_asm_account(
    call: Call,
    account_id: AccountArgument,
    name: Annotated[str | None, typer.Option("--name", help="Another name.")] = None,
    username: Annotated[str | None, typer.Option("--username", help="As Apple School Manager shows it.")] = None,
    new_password: Annotated[bool, typer.Option("--password", help="Ask for another password.")] = False,
    password_stdin: PasswordStdin = False,
    host: HostOption = None,
    port: PortOption = None,
    folder: FolderOption = None,
    new_host_key: Annotated[
        bool, typer.Option("--host-key", help="Accept also the host key that the server shows now.")
    ] = False,
    accepted: AcceptOption = None,
    refused: Annotated[
        list[str] | None,
        typer.Option("--refuse-host-key", metavar="SHA256:…", help="Accept this host key no longer."),
    ] = None,
) -> None:
    """Change an ASM account; with another host or port the connection is tested first and the password asked."""
    thing = call.path("asm-accounts", account_id)
    read = call.api.get(thing)
    known = read.content
    moved = host is not None or port is not None
    secret = asm_password(from_stdin=password_stdin) if new_password or password_stdin or moved else None
    changes: Json = {"name": name, "host": host, "port": port, "username": username, "folder": folder}
    changes["password"] = secret
    if moved:
        names = ("host", "port", "username", "folder")
        connection = {field: known[field] if changes[field] is None else changes[field] for field in names}
        changes["host_keys"] = connect(call, {**connection, "password": secret}, accepted)["host_keys"]
    elif new_host_key or accepted or refused:
        changes["host_keys"] = _host_keys(call, known, accepted, refused, ask=new_host_key or bool(accepted))
    call.show(call.api.change(thing, body=given_only(**changes), etag=read.etag).content, print_asm_account)


def _host_keys(
    call: Call, known: Json, accepted: list[str] | None, refused: list[str] | None, *, ask: bool
) -> list[str]:
    """Return the host keys that are accepted from now on, among them, if ``ask``, the one that is shown now."""
    unknown = set(refused or ()) - {fingerprint(key) for key in known["host_keys"]}
    if unknown:
        raise refuse_usage(f"not an accepted host key: {', '.join(sorted(unknown))}")
    keys: list[str] = [key for key in known["host_keys"] if fingerprint(key) not in (refused or ())]
    if ask:
        shown = call.api.post(call.path("asm-accounts", known["id"]) + "/test").content
        if shown["host_key"] is None:
            print_probe(shown)
            raise typer.Exit(exit_code(shown))
        if shown["host_key"] not in keys:
            accept_key(shown, accepted)
            keys.append(shown["host_key"])
    if not keys:
        raise refuse_usage("an ASM account needs at least one accepted host key")
    return keys


@verb(asm_accounts_app, "test")
def test_asm_account(call: Call, account_id: AccountArgument) -> None:
    """Connect with what is stored, and tell how far it came; exit 1 if something must be corrected."""
    probe = call.api.post(call.path("asm-accounts", account_id) + "/test").content
    call.show(probe, print_probe)
    if code := exit_code(probe):
        raise typer.Exit(code)


@verb(asm_accounts_app, "delete")
def delete_asm_account(call: Call, account_id: AccountArgument, yes: YesOption = False) -> None:
    """Delete an ASM account that no flow uses."""
    call.confirm(f"Delete the ASM account {account_id}?", yes=yes)
    call.api.change(call.path("asm-accounts", account_id), "DELETE")
    call.show(None, lambda _: say(f"deleted {account_id}"))


def print_asm_account(account: Json) -> None:
    """Print an ASM account, its host keys as fingerprints."""
    print_values(
        {
            "ASM account": account["id"],
            "name": account["name"],
            "host": account["host"],
            "port": account["port"],
            "user name": account["username"],
            "folder": account["folder"],
            "host keys": [fingerprint(key) for key in account["host_keys"]],
            "flows": account["flow_ids"],
            "created": moment(account["created_at"]),
        }
    )
