from __future__ import annotations

from typing import Any

import pytest

from rosterbridge.errors import ConflictError, ForbiddenError, InvalidRequestError, NotFoundError, TransientError
from rosterbridge.flows.access import Caller
from rosterbridge.flows.changes import Changes
from rosterbridge.flows.models import Role
from rosterbridge.flows.ports import Request, User
from rosterbridge.flows.users import Users
from tests.support import flows
from tests.support.fakes import Calls, Failing
from tests.support.use_cases import KEEP, OTHER, UseCases, request

OPERATOR = flows.operator()
EMAIL = "administrator@example.org"


def test_an_operator_invites_an_administrator_of_the_organization() -> None:
    service = UseCases()

    user = service.users.invite(OPERATOR, flows.ORGANIZATION, EMAIL)

    assert (user.email, user.role, user.organization_id) == (EMAIL, Role.ADMINISTRATOR, flows.ORGANIZATION)
    assert service.users.list(flows.caller(), flows.ORGANIZATION) == [user]
    assert service.users.list(OPERATOR, OTHER) == []
    assert service.told == [("invite", "user", ())]
    assert service.last.target_id == user.id
    assert EMAIL not in service.last.model_dump_json()


def invite(service: UseCases, **changes: Any) -> User:
    return service.users.invite(OPERATOR, flows.ORGANIZATION, EMAIL, **changes)


def with_crashes(service: UseCases, calls: Calls) -> Users:
    changes = Changes(Failing(service.accounts, calls, only=("repeated", "commit")), service.changes.now, KEEP)
    return Users(changes, service.audit, Failing(service.directory, calls))


def test_nobody_is_admitted_of_whose_invitation_the_trail_does_not_tell() -> None:
    service, calls = UseCases(), Calls(None, TransientError("away"))

    with_crashes(service, calls).invite(OPERATOR, flows.ORGANIZATION, EMAIL, request())

    assert calls.names == ["repeated", "create", "commit", "admit"]


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("key", [request(), None])
def test_an_invitation_that_broke_off_at_any_point_is_completed_by_its_repeat(
    number: int, after: bool, key: Request | None
) -> None:
    service = UseCases()
    crash = Calls(number if key else max(0, number - 1), TransientError("away"), after=after)
    with pytest.raises(TransientError):
        with_crashes(service, crash).invite(OPERATOR, flows.ORGANIZATION, EMAIL, key)
    for user in service.users.list(OPERATOR, flows.ORGANIZATION):
        assert [entry.target_id for entry in service.audit.entries] == [user.id]

    if key or service.directory.waiting or not service.directory.known:
        user = invite(service, request=key)
        assert service.users.list(OPERATOR, flows.ORGANIZATION) == [user]
        assert {entry.target_id for entry in service.audit.entries} == {user.id}
    else:  # it was completed, only its answer was lost
        with pytest.raises(ConflictError, match="user-known"):
            invite(service)


def test_a_repeated_invitation_with_the_same_key_answers_the_user_of_the_first() -> None:
    service = UseCases()

    first = invite(service, request=request())

    assert invite(service, request=request()) == first
    assert service.told == [("invite", "user", ())]
    with pytest.raises(ConflictError, match="idempotency-key-reused"):
        invite(service, request=request(fingerprint="content-2"))
    with pytest.raises(ConflictError, match="user-known"):
        invite(service, request=request(key="key-2"))


def test_a_repeated_invitation_of_a_user_who_was_removed_since_says_so() -> None:
    service = UseCases()
    service.users.remove(OPERATOR, flows.ORGANIZATION, invite(service, request=request()).id)

    with pytest.raises(NotFoundError, match="user-missing"):
        invite(service, request=request())
    assert service.directory.known == {}


@pytest.mark.parametrize(
    "email",
    [
        "",
        "administrator",
        "@example.org",
        "a@b",
        "a@b@c.org",
        "a b@c.org",
        "a@b..org",
        "a\n@b.org",
        "a" * 250 + "@b.org",
    ],
)
def test_what_is_no_address_is_refused_and_not_repeated(email: str) -> None:
    service = UseCases()

    with pytest.raises(InvalidRequestError) as refused:
        service.users.invite(OPERATOR, flows.ORGANIZATION, email)

    assert (refused.value.code, refused.value.field) == ("email-invalid", "email")
    assert str(refused.value) == "email-invalid"
    assert service.directory.known == {}


def test_a_known_address_is_refused() -> None:
    service = UseCases()
    service.users.invite(OPERATOR, OTHER, EMAIL)

    with pytest.raises(ConflictError, match="user-known"):
        service.users.invite(OPERATOR, flows.ORGANIZATION, EMAIL)
    assert len(service.told) == 1


def test_an_operator_removes_a_user() -> None:
    service = UseCases()
    user = service.users.invite(OPERATOR, flows.ORGANIZATION, EMAIL)

    service.users.remove(OPERATOR, flows.ORGANIZATION, user.id)

    assert service.directory.known == {}
    assert service.told[-1] == ("remove", "user", ())
    assert service.last.target_id == user.id


def test_nobody_removes_themselves() -> None:
    with pytest.raises(ConflictError, match="own-user"):
        UseCases().users.remove(OPERATOR, flows.ORGANIZATION, OPERATOR.user_id)


def test_a_user_of_another_organization_is_not_there() -> None:
    service = UseCases()
    user = service.users.invite(OPERATOR, OTHER, EMAIL)

    for identity in (user.id, "unknown"):
        with pytest.raises(NotFoundError, match="user-missing"):
            service.users.remove(OPERATOR, flows.ORGANIZATION, identity)
    assert user.id in service.directory.known


def test_administrators_neither_invite_nor_remove() -> None:
    service = UseCases()
    user = service.users.invite(OPERATOR, flows.ORGANIZATION, EMAIL)

    with pytest.raises(ForbiddenError, match="operators-only"):
        service.users.invite(flows.caller(), flows.ORGANIZATION, "other@example.org")
    with pytest.raises(ForbiddenError, match="operators-only"):
        service.users.remove(flows.caller(), flows.ORGANIZATION, user.id)
    assert list(service.directory.known) == [user.id]


@pytest.mark.parametrize(("caller", "organization_id"), [(flows.caller(), OTHER), (OPERATOR, "district-3")])
def test_users_of_an_organization_that_is_not_there_are_not_either(caller: Caller, organization_id: str) -> None:
    users = UseCases().users

    for call in (
        lambda: users.list(caller, organization_id),
        lambda: users.invite(caller, organization_id, EMAIL),
        lambda: users.remove(caller, organization_id, "user-2"),
    ):
        with pytest.raises(NotFoundError, match="organization-missing"):
            call()
