"""Users in Amazon Cognito, and in the table of accounts who belongs to which organization."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from rosterbridge.adapters.clients import client, error_code, translated
from rosterbridge.adapters.dynamodb_items import from_item, is_identity, timestamp, to_item
from rosterbridge.errors import ConflictError, InvalidRequestError, NotFoundError
from rosterbridge.flows.models import Role
from rosterbridge.flows.ports import User

ORGANIZATION = "custom:organization_id"
OPERATORS = "operators"


@dataclass(frozen=True)
class IdentityProvider:
    """A district's own provider at the pool; ``email_claim`` is what it calls a user's e-mail address."""

    name: str
    email_claim: str


class CognitoUsers:
    """Users of a pool in which people sign in with their e-mail address, each in the group of their role.

    Cognito finds nobody by an attribute of ours, so ``table`` keeps who belongs to an organization; who they are, only
    Cognito knows. Who signs in at the ``provider`` is the user whom an operator invited by the same address.
    """

    def __init__(self, pool_id: str, table: str, provider: IdentityProvider | None = None) -> None:
        self._pool_id = pool_id
        self._table = table
        self._provider = provider
        self._cognito = client("cognito-idp")
        self._dynamodb = client("dynamodb")

    def create(self, email: str, organization_id: str | None) -> User:
        """Create a user, who gets a temporary password by e-mail and may do nothing yet.

        Of no organization it is an operator. One who was never admitted is returned again. Raises ConflictError
        ``user-known``.
        """
        return self._create(email.lower(), organization_id) or self._unfinished(email.lower(), organization_id)

    def admit(self, user: User) -> None:
        """Give a user the rights of the role in the organization; may be repeated. The membership is written last."""
        if self._provider:
            self._link(user, self._provider)
        with _translated():
            self._cognito.admin_add_user_to_group(UserPoolId=self._pool_id, Username=user.id, GroupName=user.role.value)
        member = {**_key(user), "user_id": user.id, "created_at": timestamp(user.created_at)}
        with translated("dynamodb"):
            self._dynamodb.put_item(TableName=self._table, Item=to_item(member))

    def find(self, user_id: str, organization_id: str | None) -> User | None:
        """Return a user of the organization, admitted or not."""
        user = self._get(user_id)
        return user if user is not None and user.organization_id == organization_id else None

    def users(self, organization_id: str | None) -> Sequence[User]:
        """Return the users of an organization, in the order of their creation; of none: the operators."""
        if organization_id is not None and not is_identity(organization_id):
            return []
        found = (self._get(identity) for identity in self._members(organization_id))
        # whoever asks for one organization is never shown a user whom Cognito knows under another
        users = [user for user in found if user is not None and user.organization_id == organization_id]
        return sorted(users, key=lambda user: (user.created_at, user.id))

    def remove(self, user_id: str) -> None:
        """Delete a user, who is signed out everywhere; raises NotFoundError ``user-missing``.

        Tokens that were given out before are good until they expire.
        """
        user = self._get(user_id)
        if user is None:
            raise NotFoundError("user-missing")
        with _translated():
            self._cognito.admin_user_global_sign_out(UserPoolId=self._pool_id, Username=user.id)
            self._cognito.admin_delete_user(UserPoolId=self._pool_id, Username=user.id)
        with translated("dynamodb"):
            self._dynamodb.delete_item(TableName=self._table, Key=to_item(_key(user)))

    def _create(self, email: str, organization_id: str | None) -> User | None:
        """Return the new user, or None when the address is known; raises InvalidRequestError ``email-invalid``."""
        attributes = {"email": email, "email_verified": "true"}
        if organization_id is not None:
            attributes[ORGANIZATION] = organization_id
        with translated("cognito-idp"):
            try:
                answer = self._cognito.admin_create_user(
                    UserPoolId=self._pool_id,
                    Username=email,
                    UserAttributes=[{"Name": name, "Value": value} for name, value in attributes.items()],
                    DesiredDeliveryMediums=["EMAIL"],
                )
            except ClientError as error:
                if error_code(error) == "UsernameExistsException":
                    return None
                if error_code(error) == "InvalidParameterException":  # only the address is anybody's own
                    raise InvalidRequestError("email-invalid", field="email") from None
                raise
        return _user(answer["User"], answer["User"]["Attributes"])

    def _unfinished(self, email: str, organization_id: str | None) -> User:
        """Return the user whose invitation to the same organization broke off; raises ConflictError."""
        user = self._get(email, by_email=True)
        if user is None or user.organization_id != organization_id or self._is_member(user):
            raise ConflictError("user-known")
        return user

    def _link(self, user: User, provider: IdentityProvider) -> None:
        """Let the user sign in at their district's provider too; a link that is there already stays."""
        source = {
            "ProviderName": provider.name,
            "ProviderAttributeName": provider.email_claim,
            "ProviderAttributeValue": user.email,
        }
        destination = {"ProviderName": "Cognito", "ProviderAttributeValue": user.id}
        with translated("cognito-idp"):
            try:
                self._cognito.admin_link_provider_for_user(
                    UserPoolId=self._pool_id, DestinationUser=destination, SourceUser=source
                )
            except ClientError as error:
                if "already linked" not in error.response.get("Error", {}).get("Message", ""):
                    raise

    def _get(self, identity: str, *, by_email: bool = False) -> User | None:
        if not by_email and not is_identity(identity):
            return None
        try:
            with _translated():
                answer = self._cognito.admin_get_user(UserPoolId=self._pool_id, Username=identity)
        except NotFoundError:
            return None
        return _user(answer, answer["UserAttributes"])

    def _is_member(self, user: User) -> bool:
        with translated("dynamodb"):
            answer = self._dynamodb.get_item(TableName=self._table, Key=to_item(_key(user)), ConsistentRead=True)
        return "Item" in answer

    def _members(self, organization_id: str | None) -> list[str]:
        condition = "pk = :pk AND begins_with(sk, :user)"
        with translated("dynamodb"):
            pages = self._dynamodb.get_paginator("query").paginate(
                TableName=self._table,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=to_item({":pk": _partition(organization_id), ":user": "user#"}),
                ConsistentRead=True,
            )
            return [from_item(item)["user_id"] for page in pages for item in page["Items"]]


def _partition(organization_id: str | None) -> str:
    return OPERATORS if organization_id is None else f"organization#{organization_id}"


def _key(user: User) -> dict[str, str]:
    return {"pk": _partition(user.organization_id), "sk": f"user#{user.id}"}


def _user(answer: Mapping[str, Any], listed: Sequence[Mapping[str, str]]) -> User:
    """Return a user of Cognito's; one without an organization is an operator."""
    attributes = {attribute["Name"]: attribute.get("Value", "") for attribute in listed}
    organization_id = attributes.get(ORGANIZATION) or None
    return User(
        id=attributes["sub"],
        email=attributes.get("email", ""),
        role=Role.ADMINISTRATOR if organization_id else Role.OPERATOR,
        organization_id=organization_id,
        status=answer["UserStatus"],
        created_at=answer["UserCreateDate"],
    )


@contextmanager
def _translated() -> Iterator[None]:
    with translated("cognito-idp"):
        try:
            yield
        except ClientError as error:
            if error_code(error) == "UserNotFoundException":
                raise NotFoundError("user-missing") from None
            raise
