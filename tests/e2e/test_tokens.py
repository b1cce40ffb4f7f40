"""Whoever has no token of the service's own users, or one that is over, gets nothing of the API."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from rosterbridge.cli import cognito
from rosterbridge.cli.cognito import CognitoError
from tests.support import isolation
from tests.support.administration import Administration
from tests.support.api import belongings
from tests.support.isolation import Operation
from tests.support.stack import StackUnderTest
from tests.support.tokens import FOREIGN_KEY, Tokens

OPEN = "get_sign_in"
OPERATIONS = [found for found in isolation.operations(isolation.described()) if found.name != OPEN]
REFUSED: dict[str, Callable[[Tokens], str | None]] = {
    "none": lambda _: None,
    "no JWT": lambda _: "a-token",
    "unsigned": Tokens.unsigned,
    "without its signature": Tokens.without_its_signature,
    "signed by a stranger": lambda tokens: tokens.signed(key=FOREIGN_KEY),
    "signed by the public key": Tokens.signed_by_the_public_key,
    "with an altered claim": Tokens.with_an_altered_claim,
    "expired": lambda tokens: tokens.signed(exp=int(time.time()) - 1),
    "without an end": lambda tokens: tokens.signed(exp=None),
    "not valid yet": lambda tokens: tokens.signed(nbf=int(time.time()) + 600),
    "of another client": Tokens.of_another_client,
    "for another audience": lambda tokens: tokens.signed(aud="another-service"),
    "of another issuer": lambda tokens: tokens.signed(iss=tokens.claims["iss"] + "x"),
    "an access token": Tokens.access,
    "a refresh token": Tokens.refresh,
}


@pytest.fixture(scope="module")
def organization_id(administration: Administration) -> str:
    found: str = administration.operator().made("/v1/organizations", {"name": "Springfield"})["id"]
    return found


@pytest.fixture(scope="module")
def tokens(stack: StackUnderTest, administration: Administration, organization_id: str) -> Tokens:
    return Tokens(stack, administration, administration.user(organization_id=organization_id))


@pytest.mark.parametrize("kind", REFUSED)
def test_a_wrong_token_is_refused_and_told_nothing(
    administration: Administration, organization_id: str, tokens: Tokens, kind: str
) -> None:
    sender = administration.with_token(REFUSED[kind](tokens))

    for path in ("/v1/me", f"/v1/organizations/{organization_id}"):
        answer = sender.get(path)
        assert answer.status == 401, answer
        assert organization_id not in answer.text
        assert "Springfield" not in answer.text
    assert sender.post(f"/v1/organizations/{organization_id}/projects", {"name": "Mine"}).status == 401
    assert administration.with_token(tokens.good).read(f"/v1/organizations/{organization_id}/projects")["items"] == []


def test_the_same_token_is_taken_when_nothing_is_wrong_with_it(
    administration: Administration, organization_id: str, tokens: Tokens
) -> None:
    """Without this, each of the tokens above could be refused for the way in which it is made."""
    for token in (tokens.good, tokens.signed(), tokens.signed(exp=int(time.time()) + 60)):
        me = administration.with_token(token).read("/v1/me")
        assert me == {"user_id": tokens.user.id, "role": "administrator", "organization_id": organization_id}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_no_operation_answers_without_a_token(administration: Administration, operation: Operation) -> None:
    case = operation.case("nobody", belongings("north"))

    answer = administration.with_token(None)(case.method, case.target, case.body)

    assert (answer.status, answer.json) == (401, {"message": "Unauthorized"})


def test_where_to_sign_in_is_told_to_everybody(administration: Administration) -> None:
    told = administration.with_token(None).read("/v1/sign-in")

    pool = administration.pool
    assert told == {"region": pool.region, "user_pool_id": pool.user_pool_id, "client_id": pool.client_id}


def test_a_user_without_a_role_may_do_nothing(
    administration: Administration, organization_id: str, tokens: Tokens
) -> None:
    for claims in ({"cognito:groups": None}, {"cognito:groups": ["other"]}, {"custom:organization_id": None}):
        answer = administration.with_token(tokens.signed(**claims)).get(f"/v1/organizations/{organization_id}")
        assert (answer.status, answer.code) == (403, "no-role")


def test_an_administrator_creates_no_organization(administration: Administration, tokens: Tokens) -> None:
    answer = administration.with_token(tokens.good).post("/v1/organizations", {"name": "Another"})

    assert (answer.status, answer.code) == (403, "operators-only")


def test_nobody_chooses_their_organization(administration: Administration, tokens: Tokens) -> None:
    other = {"Name": "custom:organization_id", "Value": "org-of-somebody-else"}

    with pytest.raises(CognitoError):
        cognito.call(administration.pool, "UpdateUserAttributes", AccessToken=tokens.access(), UserAttributes=[other])


def test_who_is_removed_gets_no_new_token(administration: Administration, organization_id: str) -> None:
    user = administration.user(organization_id=organization_id)
    session = administration.sign_in(user)
    assert cognito.refresh(administration.pool, session).id_token
    operator = administration.client(administration.user())

    assert operator.delete(f"/v1/organizations/{organization_id}/users/{user.id}").status == 204

    with pytest.raises(CognitoError):
        cognito.refresh(administration.pool, session)
    with pytest.raises(CognitoError):
        administration.sign_in(user)


def test_who_signs_out_gets_no_new_token(administration: Administration, organization_id: str) -> None:
    session = administration.sign_in(administration.user(organization_id=organization_id))

    cognito.revoke(administration.pool, session)

    with pytest.raises(CognitoError):
        cognito.refresh(administration.pool, session)
