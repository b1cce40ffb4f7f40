"""The directory of users: the fake does what Cognito does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.clients import environment
from rosterbridge.adapters.cognito import CognitoUsers
from rosterbridge.errors import ConflictError, NotFoundError, PermanentError
from rosterbridge.flows.models import Role
from rosterbridge.flows.ports import User, UserDirectory
from tests.support.fakes import FakeUserDirectory
from tests.support.flows import unique
from tests.support.stack import StackUnderTest


class Pool:
    """A user pool in which people sign in with their e-mail address, as the deployed one."""

    def __init__(self, stack: StackUnderTest) -> None:
        self._stack = stack
        self.client: Any = stack.client("cognito-idp")
        made = self.client.create_user_pool(
            PoolName=unique("pool"),
            UsernameAttributes=["email"],
            Schema=[{"Name": "organization_id", "AttributeDataType": "String", "Mutable": False}],
        )
        self.id = made["UserPool"]["Id"]
        for role in Role:
            self.client.create_group(UserPoolId=self.id, GroupName=role.value)

    def users(self, table: str | None = None) -> CognitoUsers:
        with environment(self._stack.endpoint, self._stack.region):
            return CognitoUsers(self.id, table or self._stack.outputs["AccountTable"])

    def groups(self, user_id: str) -> list[str]:
        found = self.client.admin_list_groups_for_user(UserPoolId=self.id, Username=user_id)["Groups"]
        return [group["GroupName"] for group in found]


@pytest.fixture
def pool(stack: StackUnderTest) -> Pool:
    return Pool(stack)


@pytest.fixture(params=["fake", "cognito"])
def users(request: pytest.FixtureRequest) -> UserDirectory:
    if request.param == "fake":
        return FakeUserDirectory()
    pool: Pool = request.getfixturevalue("pool")
    return pool.users()


@pytest.fixture
def owner() -> str:
    """An organization of the test's own."""
    return unique("org")


def email() -> str:
    return f"{unique('user')}@school.example"


def invited(users: UserDirectory, address: str, organization_id: str | None) -> User:
    user = users.create(address, organization_id)
    users.admit(user)
    return user


def test_an_invited_user_belongs_to_the_organization_and_has_to_set_a_password(
    users: UserDirectory, owner: str
) -> None:
    address = email()

    user = invited(users, address, owner)

    assert (user.email, user.role, user.organization_id) == (address, Role.ADMINISTRATOR, owner)
    assert user.status == "FORCE_CHANGE_PASSWORD"
    assert abs(user.created_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert list(users.users(owner)) == [user]


def test_nobody_of_another_organization_is_shown_nor_are_operators(users: UserDirectory, owner: str) -> None:
    other = unique("org")
    ours, theirs = (invited(users, email(), name) for name in (owner, other))
    operator = invited(users, email(), None)

    assert list(users.users(owner)) == [ours]
    assert list(users.users(other)) == [theirs]
    assert operator in users.users(None)
    assert (operator.role, operator.organization_id) == (Role.OPERATOR, None)
    assert ours not in users.users(None)


@pytest.mark.parametrize("text", ["", "#", "x" * 3000])
def test_what_is_no_organization_has_no_users(users: UserDirectory, text: str) -> None:
    assert list(users.users(text)) == []


def test_nobody_is_invited_twice_whatever_the_case_of_the_address(users: UserDirectory, owner: str) -> None:
    address = email()
    user = invited(users, address, owner)

    for again in (address, address.upper()):
        for organization_id in (owner, unique("org"), None):
            with pytest.raises(ConflictError, match=r"^user-known$"):
                users.create(again, organization_id)

    assert list(users.users(owner)) == [user]


def test_a_removed_user_is_gone_and_may_be_invited_again_elsewhere(users: UserDirectory, owner: str) -> None:
    address, other = email(), unique("org")
    removed, kept = invited(users, address, owner), invited(users, email(), owner)

    users.remove(removed.id)

    assert list(users.users(owner)) == [kept]
    again = invited(users, address, other)
    assert again.id != removed.id
    assert list(users.users(other)) == [again]


def test_who_is_not_there_cannot_be_removed(users: UserDirectory, owner: str) -> None:
    user = invited(users, email(), owner)
    users.remove(user.id)

    for unknown in (user.id, "unknown", "", user.email):
        with pytest.raises(NotFoundError, match=r"^user-missing$"):
            users.remove(unknown)


def test_who_is_not_admitted_yet_is_found_and_created_again_but_not_listed(users: UserDirectory, owner: str) -> None:
    address = email()

    user = users.create(address, owner)

    assert list(users.users(owner)) == []
    assert users.find(user.id, owner) == user
    assert users.create(address.upper(), owner) == user
    for _ in range(2):
        users.admit(user)
    assert list(users.users(owner)) == [user]
    assert users.find(user.id, owner) == user


def test_a_user_of_another_organization_is_not_found(users: UserDirectory, owner: str) -> None:
    user, operator = invited(users, email(), owner), invited(users, email(), None)

    for identity, organization_id in (
        (user.id, unique("org")),
        (user.id, None),
        (operator.id, owner),
        (user.email, owner),
        ("unknown", owner),
    ):
        assert users.find(identity, organization_id) is None
    assert users.find(operator.id, None) == operator


@pytest.mark.parametrize("role", Role)
def test_a_user_is_in_the_group_of_the_role(pool: Pool, owner: str, role: Role) -> None:
    user = invited(pool.users(), email(), owner if role is Role.ADMINISTRATOR else None)

    assert pool.groups(user.id) == [role.value]


def test_an_invitation_that_broke_off_is_completed_by_its_repeat_alone(pool: Pool, owner: str) -> None:
    address, users = email(), pool.users()
    with pytest.raises(PermanentError) as broken:
        invited(pool.users("no-such-table"), address, owner)
    assert address not in str(broken.value)
    assert list(users.users(owner)) == []

    with pytest.raises(ConflictError, match=r"^user-known$"):
        invited(users, address, unique("org"))
    with pytest.raises(ConflictError, match=r"^user-known$"):
        invited(users, address, None)
    user = invited(users, address, owner)

    assert list(users.users(owner)) == [user]
    assert pool.groups(user.id) == ["administrator"]
    with pytest.raises(ConflictError, match=r"^user-known$"):
        invited(users, address, owner)


def test_a_user_whom_somebody_deleted_in_cognito_is_no_longer_listed(pool: Pool, owner: str) -> None:
    users = pool.users()
    user = invited(users, email(), owner)

    pool.client.admin_delete_user(UserPoolId=pool.id, Username=user.id)

    assert list(users.users(owner)) == []


def test_a_pool_that_is_not_there_says_what_was_refused_and_no_address(pool: Pool, owner: str) -> None:
    pool.client.delete_user_pool(UserPoolId=pool.id)

    with pytest.raises(PermanentError) as refused:
        invited(pool.users(), "planted@school.example", owner)

    assert str(refused.value) == "aws-refused: cognito-idp AdminCreateUser ResourceNotFoundException"
