"""``users``: who may sign in for an organization."""

from __future__ import annotations

from typing import Annotated

import typer

from rosterbridge.cli.api_client import Json
from rosterbridge.cli.output import moment, print_values
from rosterbridge.cli.terminal import say
from rosterbridge.cli.verbs import Call, YesOption, noun, verb

users_app = noun()

COLUMNS = {
    "user": "id",
    "e-mail": "email",
    "role": "role",
    "status": "status",
    "created": lambda user: moment(user["created_at"]),
}


@verb(users_app, "list")
def list_users(call: Call) -> None:
    """List the users of the organization."""
    call.show_all(call.path("users"), COLUMNS, none="no user yet")


@verb(users_app, "invite")
def invite_user(call: Call, email: Annotated[str, typer.Argument(metavar="EMAIL")]) -> None:
    """Invite an administrator, who gets an e-mail with a first password; operators only."""
    call.show(call.api.create(call.path("users"), {"email": email}).content, _print)


@verb(users_app, "remove")
def remove_user(
    call: Call, user_id: Annotated[str, typer.Argument(metavar="USER", help="The user's id.")], yes: YesOption = False
) -> None:
    """Remove a user, who is signed out everywhere, at the latest when their token ends; operators only."""
    call.confirm(f"Remove the user {user_id}?", yes=yes)
    call.api.delete(call.path("users", user_id))
    call.show(None, lambda _: say(f"removed {user_id}"))


def _print(user: Json) -> None:
    print_values({"user": user["id"], "e-mail": user["email"], "role": user["role"], "status": user["status"]})
