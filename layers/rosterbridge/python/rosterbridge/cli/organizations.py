"""``organizations``: each sees its own, operators all of them."""

from __future__ import annotations

from typing import Annotated

import typer

from rosterbridge.cli import erasing
from rosterbridge.cli.api_client import Json
from rosterbridge.cli.output import moment, print_values
from rosterbridge.cli.terminal import refuse_usage
from rosterbridge.cli.verbs import Call, noun, verb

organizations_app = noun()

ORGANIZATIONS = "/v1/organizations"
COLUMNS = {"organization": "id", "name": "name", "created": lambda thing: moment(thing["created_at"])}

NameArgument = Annotated[str, typer.Argument(metavar="NAME")]
AddressArguments = Annotated[list[str] | None, typer.Argument(metavar="[ADDRESS]...", help="Up to 10 addresses.")]
IdArgument = Annotated[str, typer.Argument(metavar="ORGANIZATION", help="The organization's id.")]
NamedOption = Annotated[
    str | None, typer.Option("--yes", metavar="NAME", help="The organization's name: do not ask whether it is meant.")
]
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


@verb(organizations_app, "erase")
def erase_organization(call: Call, organization_id: IdArgument, yes: NamedOption = None) -> None:
    """Erase an organization with all that it has, for good, and print what was erased; operators only."""
    erasure = erasing.known(call, organization_id)
    if erasure is None or erasure["ended_at"] is None:
        erasing.begin(call, organization_id, yes)
        erasure = erasing.follow(call, organization_id)
    call.show(erasure, erasing.print_certificate)


@verb(organizations_app, "erasures")
def list_erasures(call: Call) -> None:
    """List which organizations were erased, or are being erased; operators only."""
    call.show_all(erasing.ERASURES, erasing.COLUMNS, none="no organization was erased")


def _print(organization: Json) -> None:
    print_values(
        {
            "organization": organization["id"],
            "name": organization["name"],
            "notify": ", ".join(organization["notify"]) or "nobody",
            "erasing since": moment(organization["erasing_since"]),
            "created": moment(organization["created_at"]),
        }
    )
