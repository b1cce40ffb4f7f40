from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import boto3
import pytest
from botocore.stub import ANY, Stubber

from rosterbridge.adapters import cognito
from rosterbridge.adapters.cognito import CognitoUsers, IdentityProvider
from rosterbridge.errors import InvalidRequestError, PermanentError
from rosterbridge.flows.ports import User

POOL, TABLE, OWNER = "eu-west-1_abcdefghi", "Accounts", "org-1"
ATTRIBUTES = [
    {"Name": "sub", "Value": "user-1"},
    {"Name": "email", "Value": "ada@district.example"},
    {"Name": "custom:organization_id", "Value": OWNER},
]
CREATED = {
    "User": {
        "Username": "user-1",
        "Attributes": ATTRIBUTES,
        "UserCreateDate": datetime(2026, 9, 1, tzinfo=UTC),
        "UserStatus": "FORCE_CHANGE_PASSWORD",
    }
}
LINK = {
    "UserPoolId": POOL,
    "DestinationUser": {"ProviderName": "Cognito", "ProviderAttributeValue": "user-1"},
    "SourceUser": {
        "ProviderName": "District",
        "ProviderAttributeName": "email",
        "ProviderAttributeValue": "ada@district.example",
    },
}


@pytest.fixture
def users(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """Cognito alone, with no answer yet."""
    client = boto3.Session("id", "secret", region_name="eu-west-1").client("cognito-idp")
    monkeypatch.setattr(cognito, "client", lambda _service: client)
    with Stubber(client) as stubber:
        yield stubber


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """Cognito's answers in their order, the parameters checked by botocore; DynamoDB takes one membership."""
    session = boto3.Session("id", "secret", region_name="eu-west-1")
    clients = {name: session.client(name) for name in ("cognito-idp", "dynamodb")}
    monkeypatch.setattr(cognito, "client", clients.__getitem__)
    with Stubber(clients["cognito-idp"]) as users, Stubber(clients["dynamodb"]) as table:
        users.add_response("admin_create_user", CREATED, None)
        table.add_response("put_item", {}, {"TableName": TABLE, "Item": ANY})
        yield users


PROVIDER = IdentityProvider("District", "email")


def invited(email: str, provider: IdentityProvider | None = None) -> User:
    users = CognitoUsers(POOL, TABLE, provider)
    user = users.create(email, OWNER)
    users.admit(user)
    return user


def group(users: Stubber) -> None:
    users.add_response(
        "admin_add_user_to_group", {}, {"UserPoolId": POOL, "Username": "user-1", "GroupName": "administrator"}
    )


def test_who_is_invited_may_sign_in_at_the_districts_own_provider(aws: Stubber) -> None:
    aws.add_response("admin_link_provider_for_user", {}, LINK)
    group(aws)

    user = invited("Ada@district.example", PROVIDER)

    assert (user.id, user.organization_id) == ("user-1", OWNER)
    aws.assert_no_pending_responses()


def test_a_repeated_invitation_finds_the_link_that_is_there(aws: Stubber) -> None:
    aws.add_client_error(
        "admin_link_provider_for_user", "InvalidParameterException", "SourceUser is already linked to DestinationUser"
    )
    group(aws)

    invited("ada@district.example", PROVIDER)

    aws.assert_no_pending_responses()


def test_without_a_link_nobody_becomes_a_member(aws: Stubber) -> None:
    aws.add_client_error("admin_link_provider_for_user", "ResourceNotFoundException", "no such provider")

    with pytest.raises(PermanentError, match="AdminLinkProviderForUser ResourceNotFoundException"):
        invited("ada@district.example", PROVIDER)


def test_without_a_provider_nothing_is_linked(aws: Stubber) -> None:
    group(aws)

    invited("ada@district.example")

    aws.assert_no_pending_responses()


def test_an_address_that_cognito_does_not_take_is_the_senders_to_correct(users: Stubber) -> None:
    users.add_client_error("admin_create_user", "InvalidParameterException", "planted@district.example is no address")

    with pytest.raises(InvalidRequestError, match=r"^email-invalid$") as refused:
        invited("planted@district.example")

    assert refused.value.field == "email"
