"""Users of the local stack: invited as by the API, with a password that is good from the start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.clients import Aws, environment
from rosterbridge.adapters.cognito import CognitoUsers
from rosterbridge.errors import ConflictError
from rosterbridge.flows.models import Role
from rosterbridge.flows.passwords import generate_password

DOMAIN = "rosterbridge.example"


def provide_users(
    aws: Aws, outputs: Mapping[str, str], organization_id: str, kept: Mapping[str, Any]
) -> dict[str, dict[str, str]]:
    """Return user name and password of an operator and of the organization's administrator, by role.

    ``kept`` is what the last start returned; a password that is lost gives way to a new one.
    """
    organizations = {Role.ADMINISTRATOR: organization_id, Role.OPERATOR: None}
    return {
        role.value: _provide(aws, outputs, f"{role.value}@{DOMAIN}", owner, kept.get(role.value))
        for role, owner in organizations.items()
    }


def _provide(
    aws: Aws,
    outputs: Mapping[str, str],
    username: str,
    organization_id: str | None,
    kept: dict[str, str] | None,
) -> dict[str, str]:
    if not invite(aws, outputs, username, organization_id) and kept:
        return kept
    return {"username": username, "password": give_password(aws, outputs, username)}


def invite(aws: Aws, outputs: Mapping[str, str], username: str, organization_id: str | None) -> bool:
    """Invite a user by e-mail address, an operator if of no organization, and say whether the user is new."""
    with environment(aws.endpoint, aws.region, aws.ca):
        users = CognitoUsers(outputs["UserPoolId"], outputs["AccountTable"])
    try:
        users.admit(users.create(username, organization_id))
    except ConflictError:
        return False
    return True


def give_password(aws: Aws, outputs: Mapping[str, str], username: str) -> str:
    """Give a user a new password, which need not be changed at the first sign-in, and return it."""
    password = generate_password()
    aws.client("cognito-idp").admin_set_user_password(
        UserPoolId=outputs["UserPoolId"], Username=username, Password=password, Permanent=True
    )
    return password
