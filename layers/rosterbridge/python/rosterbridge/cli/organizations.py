"""``organizations``: each sees its own, operators all of them."""

from __future__ import annotations

from typing import Annotated

import typer

from rosterbridge.cli.api_client import Json
from rosterbridge.cli.output import moment, print_values
from rosterbridge.cli.terminal import refuse_usage
from rosterbridge.cli.verbs import Call, noun, verb

organizations_app = noun()

ORGANIZATIONS = "/v1/organizations"
COLUMNS = {"organization": "id", "name": "name", "created": lambda thing: moment(thing["created_at"])}

NameArgument = Annotated[str, typer.Argument(metavar="NAME")]
AddressArguments = Annotated[list[str] | None, typer.Argument(metavar="[ADDRESS]...", help="Up to 10 addresses.")]
NobodyOption = Annotated[bool, typer.Option("--nobody", help="Tell nobody any more.")]


@verb(organizations_app, "list")
def list_organizations(call: Call) -> None:
    """List the organizations that you may see."""
    call.show_all(ORGANIZATIONS, COLUMNS, none="no organization yet")


@verb(organizations_app, "show")
def show_organization(call: Call) -> None:
    """Show your organization, or the one of --organization."""
    call.show(call.api.get(call.path()).content, _print)


@verb(organizations_app, "create")
def create_organization(call: Call, name: NameArgument) -> None:
    """Create an organization; operators only."""
    call.show(call.api.create(ORGANIZATIONS, {"name": name}).content, _print)


@verb(organizations_app, "rename")
def rename_organization(call: Call, name: NameArgument) -> None:
    """Give your organization, or the one of --organization, another name."""
    call.show(call.api.change(call.path(), body={"name": name}).content, _print)


@verb(organizations_app, "notify")
def notify_organization(call: Call, addresses: AddressArguments = None, *, nobody: NobodyOption = False) -> None:
    """Choose the e-mail addresses that hear of uploads that failed, were rejected or held, or never came."""
    if nobody == bool(addresses):
        raise refuse_usage("name the addresses, or --nobody")
    call.show(call.api.change(call.path(), body={"notify": addresses or []}).content, _print)


def _print(organization: Json) -> None:
    print_values(
        {
            "organization": organization["id"],
            "name": organization["name"],
            "notify": ", ".join(organization["notify"]) or "nobody",
            "created": moment(organization["created_at"]),
        }
    )
