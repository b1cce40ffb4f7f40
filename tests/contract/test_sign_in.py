"""The deployed user pool: how its users sign in, and who they then are to the API."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import httpx
import pytest

from local.stack import Account
from local.users import give_password, invite, provide_users
from rosterbridge.cli.cognito import CognitoError, SignIn
from rosterbridge.cli.deployment import Pool
from rosterbridge.cli.session import Tokens
from rosterbridge.flows.models import Role
from tests.support.authenticator import Person
from tests.support.flows import unique
from tests.support.stack import StackUnderTest


@dataclass
class Door:
    """The deployment as its users see it."""

    stack: StackUnderTest

    @cached_property
    def pool(self) -> Pool:
        api = self.stack.local.api
        return Pool(api["region"], api["user_pool_id"], api["client_id"], api["cognito_endpoint"])

    def user(self, role: Role = Role.ADMINISTRATOR) -> tuple[str, str]:
        """Return address and password of a new user."""
        email, local = f"{unique('user')}@school.example", self.stack.local
        organization_id = local.organization_id if role is Role.ADMINISTRATOR else None
        assert invite(local.aws, local.outputs, email, organization_id)
        return email, give_password(local.aws, local.outputs, email)

    def me(self, user: tuple[str, str]) -> dict[str, Any]:
        """Return what the API knows of a user who signs in."""
        return self.told(SignIn(self.pool, user[0], Person(user[1])).sign_in())

    def told(self, tokens: Tokens) -> dict[str, Any]:
        """Return what the API knows of the owner of a token."""
        headers = {"Authorization": f"Bearer {tokens.id_token}"}
        url = f"{self.stack.local.api['url']}/v1/me"
        answer = httpx.get(url, headers=headers, trust_env=False, timeout=30)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture(scope="module")
def door(stack: StackUnderTest) -> Door:
    return Door(stack)


def test_an_invited_user_chooses_a_password_and_is_in_the_organization(door: Door) -> None:
    email, local = f"{unique('user')}@school.example", door.stack.local
    invite(local.aws, local.outputs, email, local.organization_id)
    local.aws.client("cognito-idp").admin_set_user_password(
        UserPoolId=door.pool.user_pool_id, Username=email, Password="the temporary one", Permanent=False
    )
    person = Person("the temporary one")

    tokens = SignIn(door.pool, email, person).sign_in()

    assert person.asked == ["new password"]
    me = door.told(tokens)
    assert (me["role"], me["organization_id"]) == ("administrator", local.organization_id)


def test_a_password_of_thirteen_characters_is_refused(door: Door) -> None:
    email, _ = door.user()
    door.stack.client("cognito-idp").admin_set_user_password(
        UserPoolId=door.pool.user_pool_id, Username=email, Password="the temporary one", Permanent=False
    )

    with pytest.raises(CognitoError, match="InvalidPasswordException"):
        SignIn(door.pool, email, Person("the temporary one", chosen="x" * 13)).sign_in()


def test_an_operator_belongs_to_no_organization(door: Door) -> None:
    me = door.me(door.user(Role.OPERATOR))

    assert (me["role"], me["organization_id"]) == ("operator", None)


def test_a_wrong_password_is_refused(door: Door) -> None:
    email, _ = door.user()

    with pytest.raises(CognitoError, match="Incorrect username or password"):
        SignIn(door.pool, email, Person("not the password at all")).sign_in()


def test_a_second_factor_may_be_set_up_and_is_asked_for_from_then_on(door: Door) -> None:
    email, password = door.user()
    person = Person(password)
    SignIn(door.pool, email, person).sign_in(second_factor=True)

    tokens = SignIn(door.pool, email, person).sign_in()

    assert person.asked == ["enrol", "code", "code"]
    assert door.told(tokens)["role"] == "administrator"


class TestTheUsersOfMakeRun:
    def test_they_stay_from_start_to_start(self, door: Door) -> None:
        local = door.stack.local
        first = provide_users(local.aws, local.outputs, local.organization_id, {})

        assert provide_users(local.aws, local.outputs, local.organization_id, first) == first

    def test_a_lost_password_gives_way_to_a_new_one(self, door: Door) -> None:
        local = door.stack.local
        first = provide_users(local.aws, local.outputs, local.organization_id, {})

        again = provide_users(local.aws, local.outputs, local.organization_id, {})

        for role, organization_id in (("administrator", local.organization_id), ("operator", None)):
            assert again[role]["username"] == first[role]["username"]
            me = door.me((again[role]["username"], again[role]["password"]))
            assert (me["role"], me["organization_id"]) == (role, organization_id)

    def test_the_command_line_finds_them_in_a_file_of_the_owner_alone(self, door: Door) -> None:
        account = Account(door.stack.local)
        path = door.stack.local.state / "stack.json"
        kept = json.loads(path.read_text())

        assert path.stat().st_mode & 0o777 == 0o600
        assert {role: kept[role] for role in ("administrator", "operator")} == account.users
        assert kept["api"] == door.stack.local.api
