"""Each correction of the embedded Cognito: who may sign in, and what a token is worth."""

from __future__ import annotations

import base64
import json
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rosterbridge.cli.cognito import CognitoError, SignIn
from rosterbridge.cli.deployment import Pool as Place
from rosterbridge.cli.session import Tokens
from tests.support.authenticator import Person, code
from tests.support.emulator import Emulator
from tests.support.flows import unique

PASSWORD = "a long and good password"
NO_SESSION = "x" * 40
COMPOSITION = dict.fromkeys(("RequireUppercase", "RequireLowercase", "RequireNumbers", "RequireSymbols"), False)


@dataclass
class Pool:
    """A pool like the deployed one, with a client like that of the command line."""

    cognito: Any
    endpoint: str
    id: str
    client: str

    def user(self, *, temporary: bool = False) -> str:
        """Make a user with ``PASSWORD`` and return the address."""
        email = f"{unique('user')}@school.example"
        attributes = {"email": email, "email_verified": "true", "custom:organization_id": "org-1"}
        self.cognito.admin_create_user(
            UserPoolId=self.id,
            Username=email,
            MessageAction="SUPPRESS",
            UserAttributes=[{"Name": name, "Value": value} for name, value in attributes.items()],
        )
        self.cognito.admin_set_user_password(
            UserPoolId=self.id, Username=email, Password=PASSWORD, Permanent=not temporary
        )
        return email

    def sign_in(self, email: str, person: Person | None = None, *, second_factor: bool = False) -> Tokens:
        place = Place("eu-west-1", self.id, self.client, self.endpoint)
        return SignIn(place, email, person or Person(PASSWORD)).sign_in(second_factor=second_factor)

    def access_token(self, email: str) -> str:
        """Return what the user itself is changed with."""
        refresh = self.sign_in(email).refresh_token
        answer = self.cognito.get_tokens_from_refresh_token(ClientId=self.client, RefreshToken=refresh)
        token: str = answer["AuthenticationResult"]["AccessToken"]
        return token

    def respond(self, challenge: str, email: str, **responses: str) -> Any:
        """Answer a challenge that nobody has posed."""
        return self.cognito.respond_to_auth_challenge(
            ClientId=self.client,
            ChallengeName=challenge,
            Session=NO_SESSION,
            ChallengeResponses={"USERNAME": email, **responses},
        )


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    running = Emulator(tmp_path_factory.mktemp("emulator"))
    yield running
    running.processes.stop()


def make_pool(emulator: Emulator, second_factor: str) -> Pool:
    organization = {"Name": "organization_id", "AttributeDataType": "String", "Mutable": True}
    made = emulator.template(
        {
            "Pool": {
                "Type": "AWS::Cognito::UserPool",
                "Properties": {
                    "UsernameAttributes": ["email"],
                    "UsernameConfiguration": {"CaseSensitive": False},
                    "AdminCreateUserConfig": {"AllowAdminCreateUserOnly": True},
                    "Policies": {"PasswordPolicy": {"MinimumLength": 14, **COMPOSITION}},
                    "Schema": [organization, {"Name": "birth_id", "AttributeDataType": "String", "Mutable": False}],
                    "MfaConfiguration": second_factor,
                    "EnabledMfas": ["SOFTWARE_TOKEN_MFA"],
                },
            },
            "Client": {
                "Type": "AWS::Cognito::UserPoolClient",
                "Properties": {
                    "UserPoolId": {"Ref": "Pool"},
                    "ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
                    "WriteAttributes": ["email"],
                    "PreventUserExistenceErrors": "ENABLED",
                },
            },
        }
    )
    return Pool(emulator.aws.client("cognito-idp"), emulator.aws.endpoint, made["Pool"], made["Client"])


@pytest.fixture(scope="module")
def pool(emulator: Emulator) -> Pool:
    return make_pool(emulator, "OPTIONAL")


@pytest.fixture(scope="module")
def strict(emulator: Emulator) -> Pool:
    """A pool in which everybody needs a second factor."""
    return make_pool(emulator, "ON")


def refused(call: Callable[[], object]) -> str:
    """Return by which code of Cognito's the call is refused."""
    with pytest.raises(ClientError) as error:
        call()
    return str(error.value.response["Error"]["Code"])


def forged(token: str, **claims: Any) -> str:
    """Return the token with other claims and its old signature."""
    header, payload, signature = token.split(".")
    content = {**json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))), **claims}
    return ".".join((header, base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("="), signature))


def unsigned(token: str) -> str:
    """Return the token under the algorithm that signs nothing."""
    header = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    return f"{header}.{token.split('.')[1]}."


def test_the_right_password_signs_in_and_the_wrong_one_does_not(pool: Pool) -> None:
    email = pool.user()

    assert pool.sign_in(email).claims["custom:organization_id"] == "org-1"
    with pytest.raises(CognitoError, match="Incorrect username or password"):
        pool.sign_in(email, Person("another long password"))


def test_who_is_not_there_is_refused_as_with_a_wrong_password(pool: Pool) -> None:
    with pytest.raises(CognitoError, match="Incorrect username or password"):
        pool.sign_in("nobody@school.example")


def test_the_address_may_be_written_in_any_case(pool: Pool) -> None:
    email = pool.user()

    assert pool.sign_in(email.upper()).claims["email"] == email
    answer = refused(lambda: pool.cognito.admin_create_user(UserPoolId=pool.id, Username=email.upper()))
    assert answer == "UsernameExistsException"


def test_a_client_that_wants_a_proof_takes_no_password_in_the_clear(pool: Pool) -> None:
    given = {"USERNAME": pool.user(), "PASSWORD": PASSWORD}

    answer = refused(
        lambda: pool.cognito.initiate_auth(ClientId=pool.client, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=given)
    )

    assert answer == "InvalidParameterException"


def test_a_temporary_password_leads_to_a_new_one_that_the_policy_takes(pool: Pool) -> None:
    email = pool.user(temporary=True)

    with pytest.raises(CognitoError, match="InvalidPasswordException"):
        pool.sign_in(email, Person(PASSWORD, chosen="too short"))
    pool.sign_in(email, person := Person(PASSWORD))

    assert person.asked == ["new password"]
    assert pool.sign_in(email, Person(person.chosen)).claims["email"] == email


@pytest.mark.parametrize(
    ("challenge", "responses"),
    [
        ("NEW_PASSWORD_REQUIRED", {"NEW_PASSWORD": "chosen by a stranger"}),
        ("SOFTWARE_TOKEN_MFA", {"SOFTWARE_TOKEN_MFA_CODE": "000000"}),
        ("MFA_SETUP", {}),
    ],
)
@pytest.mark.parametrize("which", ["pool", "strict"])
def test_a_made_up_session_opens_nothing(
    request: pytest.FixtureRequest, which: str, challenge: str, responses: dict[str, str]
) -> None:
    pool: Pool = request.getfixturevalue(which)
    email = pool.user(temporary=True)

    assert refused(lambda: pool.respond(challenge, email, **responses)) == "NotAuthorizedException"
    with pytest.raises(CognitoError, match="Incorrect username or password"):
        pool.sign_in(email, Person("chosen by a stranger"))


def test_a_right_code_without_the_password_opens_nothing(pool: Pool) -> None:
    email = pool.user()
    pool.sign_in(email, person := Person(PASSWORD), second_factor=True)

    answer = refused(lambda: pool.respond("SOFTWARE_TOKEN_MFA", email, SOFTWARE_TOKEN_MFA_CODE=code(person.secret, 1)))

    assert answer == "NotAuthorizedException"


def test_a_second_factor_is_asked_for_once_it_is_set_up_and_a_wrong_code_is_refused(pool: Pool) -> None:
    email = pool.user()
    pool.sign_in(email, person := Person(PASSWORD), second_factor=True)
    assert person.asked == ["enrol", "code"]

    pool.sign_in(email, person)

    assert person.asked == ["enrol", "code", "code"]
    with pytest.raises(CognitoError, match="CodeMismatchException"):
        pool.sign_in(email, Person(PASSWORD, guess="000000"))


def test_a_code_counts_once(pool: Pool) -> None:
    email = pool.user()
    pool.sign_in(email, person := Person(PASSWORD), second_factor=True)

    with pytest.raises(CognitoError, match="ExpiredCodeException"):
        pool.sign_in(email, Person(PASSWORD, guess=person.given))


def test_where_everybody_needs_a_second_factor_the_first_sign_in_sets_it_up(strict: Pool) -> None:
    email = strict.user(temporary=True)

    strict.sign_in(email, person := Person(PASSWORD))
    assert person.asked == ["new password", "enrol", "code"]
    strict.sign_in(email, person)

    assert person.asked == ["new password", "enrol", "code", "code"]


def test_a_second_factor_is_not_preferred_before_it_is_set_up(pool: Pool) -> None:
    token = pool.access_token(pool.user())
    wanted = {"Enabled": True, "PreferredMfa": True}

    answer = refused(lambda: pool.cognito.set_user_mfa_preference(AccessToken=token, SoftwareTokenMfaSettings=wanted))

    assert answer == "InvalidParameterException"


@pytest.mark.parametrize(
    "forge",
    [unsigned, lambda token: forged(token, username="another"), lambda token: forged(token, exp=time.time() + 1e6)],
    ids=["unsigned", "another user", "longer"],
)
def test_a_forged_token_is_worth_nothing(pool: Pool, forge: Callable[[str], str]) -> None:
    email = pool.user()
    access, refresh = pool.access_token(email), pool.sign_in(email).refresh_token

    assert refused(lambda: pool.cognito.get_user(AccessToken=forge(access))) == "NotAuthorizedException"
    answer = refused(
        lambda: pool.cognito.get_tokens_from_refresh_token(ClientId=pool.client, RefreshToken=forge(refresh))
    )
    assert answer == "NotAuthorizedException"


def test_a_revoked_session_is_over(pool: Pool) -> None:
    refresh = pool.sign_in(pool.user()).refresh_token
    renew = pool.cognito.get_tokens_from_refresh_token
    access = renew(ClientId=pool.client, RefreshToken=refresh)["AuthenticationResult"]["AccessToken"]

    pool.cognito.revoke_token(ClientId=pool.client, Token=refresh)

    assert refused(lambda: renew(ClientId=pool.client, RefreshToken=refresh)) == "NotAuthorizedException"
    assert refused(lambda: pool.cognito.get_user(AccessToken=access)) == "NotAuthorizedException"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("custom:organization_id", "NotAuthorizedException"),
        ("custom:birth_id", "InvalidParameterException"),
        ("custom:unheard_of", "InvalidParameterException"),
    ],
)
def test_nobody_changes_what_their_client_must_not_write(pool: Pool, name: str, code: str) -> None:
    email = pool.user()
    token, attributes = pool.access_token(email), [{"Name": name, "Value": "org-2"}]

    answer = refused(lambda: pool.cognito.update_user_attributes(AccessToken=token, UserAttributes=attributes))

    assert answer == code
    assert pool.sign_in(email).claims["custom:organization_id"] == "org-1"


def test_an_operator_may_move_a_user_to_another_organization(pool: Pool) -> None:
    email = pool.user()

    pool.cognito.admin_update_user_attributes(
        UserPoolId=pool.id, Username=email, UserAttributes=[{"Name": "custom:organization_id", "Value": "org-2"}]
    )

    assert pool.sign_in(email).claims["custom:organization_id"] == "org-2"


def test_no_invitation_leaves_the_machine_whatever_mail_server_it_knows(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mail_server:
        mail_server.settimeout(2)
        emulator = Emulator(tmp_path, SMTP_HOST=f"127.0.0.1:{mail_server.getsockname()[1]}")
        try:
            pool = make_pool(emulator, "OPTIONAL")
            pool.cognito.admin_create_user(
                UserPoolId=pool.id,
                Username="new@school.example",
                UserAttributes=[{"Name": "email", "Value": "new@school.example"}],
                DesiredDeliveryMediums=["EMAIL"],
            )
            with pytest.raises(TimeoutError):
                mail_server.accept()
        finally:
            emulator.processes.stop()


def test_nobody_signs_up(pool: Pool) -> None:
    answer = refused(
        lambda: pool.cognito.sign_up(ClientId=pool.client, Username="new@school.example", Password=PASSWORD)
    )

    assert answer == "NotAuthorizedException"
