"""``accounts``: the file accounts, with which a school's SIS uploads over SFTP."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from rosterbridge.cli.api_client import Json
from rosterbridge.cli.keys import PublicKeysOption, read_keys
from rosterbridge.cli.output import moment, print_secret, print_values, shown
from rosterbridge.cli.terminal import add_row, console, refuse_usage, say, table
from rosterbridge.cli.verbs import Call, YesOption, given_only, noun, verb

accounts_app = noun()


class Authentication(StrEnum):
    """How a file account signs in."""

    PASSWORD = "password"  # noqa: S105 the name of a way to sign in
    PUBLIC_KEY = "public_key"


COLUMNS = {
    "file account": "id",
    "user name": "username",
    "signs in by": "authentication",
    "on": "enabled",
    "flows": lambda account: str(len(account["flow_ids"])),
    "last login": lambda account: moment(account["last_login_at"]),
    "last upload": lambda account: moment(account["last_upload_at"]),
}

AccountArgument = Annotated[str, typer.Argument(metavar="ACCOUNT", help="The file account's id.")]
NetworksOption = Annotated[
    list[str] | None,
    typer.Option(
        "--network", metavar="CIDR", help="Let it sign in from this network only, 192.0.2.0/24; may be given again."
    ),
]


@verb(accounts_app, "list")
def list_accounts(call: Call) -> None:
    """List the organization's file accounts."""
    call.show_all(call.path("file-accounts"), COLUMNS, none="no file account yet")


@verb(accounts_app, "show")
def show_account(call: Call, account_id: AccountArgument) -> None:
    """Show a file account with all that an SFTP client must be told but the secret."""
    call.show(call.api.get(call.path("file-accounts", account_id)).content, print_account)


@verb(accounts_app, "create")
def create_account(
    call: Call,
    username: Annotated[str, typer.Argument(metavar="USERNAME", help="What the SIS signs in as.")],
    public_keys: PublicKeysOption = None,
    networks: NetworksOption = None,
) -> None:
    """Create a file account; without a public key it gets a password, which is shown this once."""
    new = new_account(username, public_keys, networks)
    call.show(call.api.create(call.path("file-accounts"), new).content, print_new_account)


def new_account(username: str, public_keys: list[Path] | None, networks: list[str] | None) -> Json:
    """Return the request for a file account."""
    keys = read_keys(public_keys)
    return {
        "username": username,
        "authentication": Authentication.PUBLIC_KEY if keys else Authentication.PASSWORD,
        "public_keys": keys,
        "networks": networks or [],
    }


@verb(accounts_app, "update")
def update_account(
    call: Call,
    account_id: AccountArgument,
    networks: NetworksOption = None,
    any_network: Annotated[bool, typer.Option("--any-network", help="Let it sign in from everywhere.")] = False,
    enabled: Annotated[bool | None, typer.Option("--on/--off", help="Let it sign in, or not.")] = None,
    authentication: Annotated[
        Authentication | None,
        typer.Option("--authentication", help="Switched to password, it gets one, which is shown this once."),
    ] = None,
) -> None:
    """Change where a file account may sign in from and how, or switch it off and on."""
    if networks and any_network:
        raise refuse_usage("name networks, or --any-network")
    wanted = [] if any_network else networks
    changes = given_only(networks=wanted, enabled=enabled, authentication=authentication)
    call.show(call.api.change(call.path("file-accounts", account_id), body=changes).content, print_account)


@verb(accounts_app, "password")
def regenerate_password(call: Call, account_id: AccountArgument, yes: YesOption = False) -> None:
    """Give a file account a new password, which is shown this once; the old one stops working at once."""
    call.confirm("The old password stops working at once. Go on?", yes=yes)
    call.show(call.api.change(call.path("file-accounts", account_id), "POST", below="/password").content, print_account)


@verb(accounts_app, "add-key")
def add_key(
    call: Call,
    account_id: AccountArgument,
    path: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="Its public key.")],
    label: Annotated[str | None, typer.Option("--label", help="What to call it; the file's name by default.")] = None,
    expires: Annotated[
        datetime | None, typer.Option("--expires", formats=["%Y-%m-%d"], help="The day from which it is refused.")
    ] = None,
) -> None:
    """Add a public key to a file account."""
    key, *more = read_keys([path])
    if more:
        raise refuse_usage(f"{path.name} holds several keys: add them one by one")
    if label is not None:
        key["label"] = label
    if expires:
        key["expires_at"] = expires.astimezone().isoformat()
    thing = call.path("file-accounts", account_id)
    call.show(call.api.change(thing, "POST", key, below="/keys").content, print_account)


@verb(accounts_app, "remove-key")
def remove_key(
    call: Call, account_id: AccountArgument, key_id: Annotated[str, typer.Argument(metavar="KEY", help="The key's id.")]
) -> None:
    """Remove a public key from a file account."""
    below = call.below("keys", key_id)
    thing = call.path("file-accounts", account_id)
    call.show(call.api.change(thing, "DELETE", below=below).content, print_account)


@verb(accounts_app, "delete")
def delete_account(call: Call, account_id: AccountArgument, yes: YesOption = False) -> None:
    """Delete a file account that no flow uses; its home folder goes some days later."""
    call.confirm(f"Delete the file account {account_id}?", yes=yes)
    call.api.change(call.path("file-accounts", account_id), "DELETE")
    call.show(None, lambda _: say(f"deleted {account_id}"))


def print_new_account(account: Json) -> None:
    """Print a file account just created; the answer with its password may have been lost on the way."""
    print_account(account)
    if account["authentication"] == Authentication.PASSWORD and not account.get("password"):
        say(f"Its password was lost on the way: rosterbridge accounts password {account['id']}", "yellow")


def print_account(account: Json) -> None:
    """Print a file account, and a password that is shown this once."""
    print_values(
        {
            "file account": account["id"],
            "host": account["host"],
            "port": account["port"],
            "host keys": account["host_key_fingerprints"],
            "user name": account["username"],
            "signs in by": account["authentication"],
            "password set": moment(account["password_set_at"]),
            "networks": account["networks"] or "any",
            "on": account["enabled"],
            "flows": account["flow_ids"],
            "last login": moment(account["last_login_at"]),
            "last upload": moment(account["last_upload_at"]),
        }
    )
    print_secret("password", account.get("password"))
    if account["public_keys"]:
        console.print()
        keys = table("key", "label", "fingerprint", "added", "expires")
        for key in account["public_keys"]:
            times = moment(key["added_at"]), moment(key["expires_at"])
            add_row(keys, key["id"], shown(key["label"]), key["fingerprint"], *times)
        console.print(keys)
