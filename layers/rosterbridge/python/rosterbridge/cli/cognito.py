"""Signing in at a Cognito user pool: the password by SRP, a first new password, and the second factor."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from rosterbridge.cli.deployment import Pool
from rosterbridge.cli.http import http_client, send
from rosterbridge.cli.session import Tokens
from rosterbridge.errors import PermanentError, RosterbridgeError, TransientError

TRIES = 3  # for a code or a new password, before the sign-in starts again
TRANSIENT = frozenset({"TooManyRequestsException", "InternalErrorException", "LimitExceededException"})
WRONG_CODE = frozenset({"CodeMismatchException", "EnableSoftwareTokenMFAException", "ExpiredCodeException"})
REFUSED = {
    "NotAuthorizedException": "the user name or the password is wrong, or the sign-in took too long",
    "UserNotFoundException": "the user name or the password is wrong",
    "PasswordResetRequiredException": "the password must be reset: ask your operator",
    "InvalidPasswordException": "the new password is too weak",
    "CodeMismatchException": "the code is wrong",
    "EnableSoftwareTokenMFAException": "the code is wrong",
    "ExpiredCodeException": "this code has been used or is over: wait for the next one",
}


class CognitoError(PermanentError):
    """Cognito refused; ``code`` is its own name for it."""


class Questions(Protocol):
    """What the user is asked while they sign in."""

    def password(self) -> str:
        """Return the password."""

    def new_password(self, complaint: str) -> str:
        """Return a password of the user's own choice; ``complaint`` says what was wrong with the one before."""

    def code(self, complaint: str) -> str:
        """Return the code that the authenticator app shows now."""

    def show_secret(self, secret: str, uri: str) -> None:
        """Show what the user must enter or scan into their authenticator app."""


@dataclass
class SignIn:
    """One user's sign-in at a pool."""

    pool: Pool
    username: str
    ask: Questions

    def __post_init__(self) -> None:
        self._user = self.username
        self._steps: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "NEW_PASSWORD_REQUIRED": self._choose_password,
            "SOFTWARE_TOKEN_MFA": self._give_code,
            "SELECT_MFA_TYPE": lambda answer: self._respond(answer, ANSWER="SOFTWARE_TOKEN_MFA"),
            "MFA_SETUP": self._set_up_code,
        }

    def sign_in(self, *, second_factor: bool = False) -> Tokens:
        """Sign in, and set up a second factor then if that is wanted and the pool has not asked for it already.

        Raises CognitoError when the user, the password or the code is refused, TransientError when Cognito is away.
        """
        answer = self._prove_password(self.ask.password())
        asked = set()
        while step := answer.get("ChallengeName"):
            if step not in self._steps:
                raise CognitoError(step, "the command line does not know this step of the sign-in")
            asked.add(step)
            answer = self._steps[step](answer)
        result = answer["AuthenticationResult"]
        if second_factor and not asked & {"MFA_SETUP", "SOFTWARE_TOKEN_MFA"}:
            self._add_second_factor(result["AccessToken"])
        return Tokens(result["IdToken"], result["RefreshToken"])

    def _prove_password(self, password: str) -> dict[str, Any]:
        """Prove by SRP that the password is known, which itself never leaves this machine."""
        from pycognito.aws_srp import AWSSRP  # type: ignore[import-untyped]

        srp = AWSSRP(self.username, password, self.pool.user_pool_id, self.pool.client_id, client=self)
        parameters = srp.get_auth_params()
        challenge = self._call("InitiateAuth", AuthFlow="USER_SRP_AUTH", AuthParameters=parameters)
        with warnings.catch_warnings():  # it asks for the time in a way that Python 3.12 deplores
            warnings.simplefilter("ignore", DeprecationWarning)
            proof = srp.process_challenge(challenge["ChallengeParameters"], parameters)
        # the pool's own name of the user: an e-mail address is but an alias
        self._user = challenge["ChallengeParameters"].get("USERNAME", self.username)
        return self._call("RespondToAuthChallenge", ChallengeName="PASSWORD_VERIFIER", ChallengeResponses=proof)

    def _choose_password(self, answer: dict[str, Any]) -> dict[str, Any]:
        return self._until_accepted(
            {"InvalidPasswordException"},
            self.ask.new_password,
            lambda password: self._respond(answer, NEW_PASSWORD=password),
        )

    def _give_code(self, answer: dict[str, Any]) -> dict[str, Any]:
        return self._until_accepted(
            WRONG_CODE, self.ask.code, lambda code: self._respond(answer, SOFTWARE_TOKEN_MFA_CODE=code)
        )

    def _set_up_code(self, answer: dict[str, Any]) -> dict[str, Any]:
        verified = self._verify_code(Session=answer["Session"])
        return self._respond({**answer, **verified})

    def _add_second_factor(self, access_token: str) -> None:
        self._verify_code(AccessToken=access_token)
        chosen = {"Enabled": True, "PreferredMfa": True}
        self._call("SetUserMFAPreference", AccessToken=access_token, SoftwareTokenMfaSettings=chosen)

    def _verify_code(self, **who: str) -> dict[str, Any]:
        """Make a secret, show it, and have a code of it accepted; return what the sign-in goes on with."""
        made = self._call("AssociateSoftwareToken", **who)
        who = {**who, **{name: made[name] for name in ("Session",) if made.get(name)}}
        account = quote(f"Rosterbridge:{self.username}")
        wanted = urlencode({"secret": made["SecretCode"], "issuer": "Rosterbridge"})
        self.ask.show_secret(made["SecretCode"], f"otpauth://totp/{account}?{wanted}")
        verified = self._until_accepted(
            WRONG_CODE, self.ask.code, lambda code: self._call("VerifySoftwareToken", UserCode=code, **who)
        )
        return {name: verified[name] for name in ("Session",) if verified.get(name)}

    def _until_accepted(
        self, again: set[str] | frozenset[str], question: Callable[[str], str], step: Callable[[str], dict[str, Any]]
    ) -> dict[str, Any]:
        complaint = ""
        for _ in range(TRIES - 1):
            try:
                return step(question(complaint))
            except CognitoError as error:
                if error.code not in again:
                    raise
                complaint = error.detail
        return step(question(complaint))

    def _respond(self, answer: dict[str, Any], **responses: str) -> dict[str, Any]:
        return self._call(
            "RespondToAuthChallenge",
            ChallengeName=answer["ChallengeName"],
            Session=answer["Session"],
            ChallengeResponses={"USERNAME": self._user, **responses},
        )

    def _call(self, operation: str, **body: Any) -> dict[str, Any]:
        own = {"InitiateAuth", "RespondToAuthChallenge"}
        return call(self.pool, operation, **({"ClientId": self.pool.client_id} if operation in own else {}), **body)


def refresh(pool: Pool, tokens: Tokens) -> Tokens:
    """Return new tokens; raises CognitoError when the session is over, TransientError when Cognito is away."""
    answer = call(pool, "GetTokensFromRefreshToken", ClientId=pool.client_id, RefreshToken=tokens.refresh_token)
    result = answer["AuthenticationResult"]
    # a pool that does not rotate its refresh tokens gives no new one
    return Tokens(result["IdToken"], result.get("RefreshToken") or tokens.refresh_token)


def revoke(pool: Pool, tokens: Tokens) -> None:
    """End the session at Cognito, so that its refresh token is worth nothing any more."""
    call(pool, "RevokeToken", ClientId=pool.client_id, Token=tokens.refresh_token)


def call(pool: Pool, operation: str, **body: Any) -> dict[str, Any]:
    """Call one of Cognito's operations that need no credentials of AWS."""
    headers = {
        "X-Amz-Target": f"AWSCognitoIdentityProviderService.{operation}",
        "Content-Type": "application/x-amz-json-1.1",
    }
    with http_client(pool.url, headers) as client:
        answer = send(client, "POST", "/", json=body)
    content = _object(answer)
    if answer.is_success:
        return content
    code = str(content.get("__type") or "").rpartition("#")[2] or f"status-{answer.status_code}"
    raise _refusal(code, answer.status_code, str(content.get("message") or content.get("Message") or ""))


def _refusal(code: str, status: int, said: str) -> RosterbridgeError:
    if code in TRANSIENT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return TransientError(code, "Cognito does not answer now: try again later")
    # of these two Cognito itself says why, in words that hold neither a name nor a password
    why = said if code in {"InvalidPasswordException", "NotAuthorizedException"} else ""
    return CognitoError(code, why or REFUSED.get(code, "Cognito refused the sign-in"))


def _object(answer: Any) -> dict[str, Any]:
    try:
        content = answer.json()
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
