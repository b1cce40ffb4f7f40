"""A Cognito user pool over HTTP: SRP proved for real, challenges in their order, tokens that it remembers."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
from pycognito.aws_srp import G_HEX, N_HEX, calculate_u, compute_hkdf, hex_hash, hex_to_long, long_to_hex, pad_hex

POOL_ID, CLIENT_ID, REGION = "eu-west-1_Pool", "client-1", "eu-west-1"
COGNITO = f"https://cognito-idp.{REGION}.amazonaws.com"
CODE = "123456"
N, G = hex_to_long(N_HEX), hex_to_long(G_HEX)
K = hex_to_long(hex_hash(f"00{N_HEX}0{G_HEX}"))


class Refused(Exception):  # noqa: N818 Cognito's own errors have all kinds of names
    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(code)
        self.code, self.message = code, message


@dataclass
class PoolUser:
    """A user; ``claims`` go into the ID token."""

    email: str
    password: str
    claims: Mapping[str, Any]
    must_change: bool = False
    must_enrol: bool = False
    secret: str | None = None
    sub: str = field(default_factory=lambda: str(uuid4()))


@dataclass
class FakePool:
    """The pool; ``calls`` are the operations that were asked of it, ``lifetime`` is that of the next ID tokens."""

    users: dict[str, PoolUser] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    lifetime: float = 3600
    away: bool = False

    def __post_init__(self) -> None:
        self._sessions: dict[str, tuple[PoolUser, dict[str, Any]]] = {}
        self._tokens: dict[str, tuple[PoolUser, float]] = {}
        self._refresh: dict[str, PoolUser] = {}

    def add(self, email: str, password: str, claims: Mapping[str, Any], **more: Any) -> PoolUser:
        self.users[email] = PoolUser(email, password, claims, **more)
        return self.users[email]

    def claims_of(self, token: str) -> Mapping[str, Any] | None:
        """Return an ID token's claims, as the API's authorizer sees them; None for one that is not valid."""
        user, ends = self._tokens.get(token, (None, 0.0))
        return {"token_use": "id", "sub": user.sub, **user.claims} if user and ends > time.time() else None

    def tokens_of(self, email: str) -> tuple[str, str]:
        """Return the ID token and the refresh token of a user who has signed in just now."""
        result = self._signed_in(self.users[email])["AuthenticationResult"]
        return result["IdToken"], result["RefreshToken"]

    def end_sessions(self) -> None:
        """Sign everybody out."""
        self._refresh.clear()
        self._tokens.clear()

    def answer(self, request: httpx.Request) -> httpx.Response:
        operation = request.headers["X-Amz-Target"].rpartition(".")[2]
        self.calls.append(operation)
        if self.away:
            return httpx.Response(503)
        try:
            return httpx.Response(200, json=getattr(self, f"_{operation}")(json.loads(request.content)))
        except Refused as refused:
            return httpx.Response(400, json={"__type": refused.code, "message": refused.message})

    def _InitiateAuth(self, body: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        assert body["AuthFlow"] == "USER_SRP_AUTH"
        assert body["ClientId"] == CLIENT_ID
        user = self.users.get(body["AuthParameters"]["USERNAME"])
        if user is None:
            raise Refused("NotAuthorizedException", "Incorrect username or password.")
        salt, small_b = secrets.token_hex(16), secrets.randbelow(N)
        inner = hashlib.sha256(f"{POOL_ID.split('_')[1]}{user.sub}:{user.password}".encode()).hexdigest()
        verifier = pow(G, hex_to_long(hex_hash(pad_hex(salt) + inner)), N)
        big_a, big_b = hex_to_long(body["AuthParameters"]["SRP_A"]), (K * verifier + pow(G, small_b, N)) % N
        u = calculate_u(big_a, big_b)
        shared = pow(big_a * pow(verifier, u, N), small_b, N)
        key = compute_hkdf(bytearray.fromhex(pad_hex(shared)), bytearray.fromhex(pad_hex(long_to_hex(u))))
        block = base64.b64encode(secrets.token_bytes(32)).decode()
        self._sessions[block] = (user, {"key": key})
        given = {"SALT": salt, "SRP_B": long_to_hex(big_b), "SECRET_BLOCK": block, "USER_ID_FOR_SRP": user.sub}
        return {"ChallengeName": "PASSWORD_VERIFIER", "ChallengeParameters": {**given, "USERNAME": user.sub}}

    def _RespondToAuthChallenge(self, body: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        given = body["ChallengeResponses"]
        if body["ChallengeName"] == "PASSWORD_VERIFIER":
            return self._after_password(given)
        user, state = self._sessions.get(body["Session"], (None, {}))
        if user is None or given["USERNAME"] != user.sub:
            raise Refused("NotAuthorizedException", "Invalid session for the user.")
        if body["ChallengeName"] == "NEW_PASSWORD_REQUIRED":
            if len(given["NEW_PASSWORD"]) < 14:
                raise Refused("InvalidPasswordException", "Password not long enough")
            user.password, user.must_change = given["NEW_PASSWORD"], False
        elif body["ChallengeName"] == "SOFTWARE_TOKEN_MFA":
            if given["SOFTWARE_TOKEN_MFA_CODE"] != CODE:
                raise Refused("CodeMismatchException", "Invalid code received for user")
            return self._signed_in(user)
        elif not state.get("enrolled"):
            raise Refused("NotAuthorizedException", "Not enrolled.")
        return self._next(user, enrolled=bool(state.get("enrolled")))

    def _after_password(self, given: dict[str, str]) -> dict[str, Any]:
        user, state = self._sessions.pop(given["PASSWORD_CLAIM_SECRET_BLOCK"])
        said = f"{POOL_ID.split('_')[1]}{user.sub}".encode()
        said += base64.b64decode(given["PASSWORD_CLAIM_SECRET_BLOCK"]) + given["TIMESTAMP"].encode()
        proof = base64.b64encode(hmac.new(state["key"], said, hashlib.sha256).digest()).decode()
        if not hmac.compare_digest(proof, given["PASSWORD_CLAIM_SIGNATURE"]):
            raise Refused("NotAuthorizedException", "Incorrect username or password.")
        return self._next(user)

    def _next(self, user: PoolUser, *, enrolled: bool = False) -> dict[str, Any]:
        if user.must_change:
            return self._challenge("NEW_PASSWORD_REQUIRED", user)
        if user.must_enrol and not user.secret:
            return self._challenge("MFA_SETUP", user)
        if user.secret and not enrolled:
            return self._challenge("SOFTWARE_TOKEN_MFA", user)
        return self._signed_in(user)

    def _challenge(self, name: str, user: PoolUser, **state: Any) -> dict[str, Any]:
        session = secrets.token_hex(16)
        self._sessions[session] = (user, state)
        return {"ChallengeName": name, "Session": session, "ChallengeParameters": {"USER_ID_FOR_SRP": user.sub}}

    def _signed_in(self, user: PoolUser) -> dict[str, Any]:
        refresh = secrets.token_hex(32)
        self._refresh[refresh] = user
        return {"AuthenticationResult": {**self._token(user), "RefreshToken": refresh}}

    def _token(self, user: PoolUser) -> dict[str, str]:
        ends = time.time() + self.lifetime
        payload = base64.urlsafe_b64encode(json.dumps({"exp": ends, "jti": str(uuid4())}).encode()).decode().rstrip("=")
        self._tokens[f"e30.{payload}.id"] = (user, ends)
        return {"IdToken": f"e30.{payload}.id", "AccessToken": f"access-{user.email}"}

    def _user_of(self, body: dict[str, Any]) -> PoolUser:
        if "AccessToken" in body:
            return self.users[body["AccessToken"].removeprefix("access-")]
        return self._sessions[body["Session"]][0]

    def _AssociateSoftwareToken(self, body: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        user = self._user_of(body)
        user.secret = None
        found = {"SecretCode": "JBSWY3DPEHPK3PXP"}
        return {**found, "Session": self._challenge("", user)["Session"]} if "Session" in body else found

    def _VerifySoftwareToken(self, body: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        user = self._user_of(body)
        if body["UserCode"] != CODE:
            raise Refused("EnableSoftwareTokenMFAException", "Code mismatch")
        if "Session" not in body:
            return {"Status": "SUCCESS"}
        user.secret = "JBSWY3DPEHPK3PXP"
        return {"Status": "SUCCESS", "Session": self._challenge("", user, enrolled=True)["Session"]}

    def _SetUserMFAPreference(self, body: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        assert body["SoftwareTokenMfaSettings"]["Enabled"]
        self._user_of(body).secret = "JBSWY3DPEHPK3PXP"
        return {}

    def _GetTokensFromRefreshToken(self, body: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        if body["RefreshToken"] not in self._refresh:
            raise Refused("NotAuthorizedException", "Invalid Refresh Token")
        return {"AuthenticationResult": self._token(self._refresh[body["RefreshToken"]])}

    def _RevokeToken(self, body: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        self._refresh.pop(body["Token"], None)
        return {}
