"""Cognito sign-in step by step: MiniStack 1.5.33 proves the password (SRP), then trusts whoever answers what follows.

Stock, a challenge's ``Session`` is a random string that nobody keeps: NEW_PASSWORD_REQUIRED sets any user's password,
MFA_SETUP and SOFTWARE_TOKEN_MFA give tokens without a password, and a pool with MFA "ON" never asks for MFA_SETUP.
Here each challenge belongs to one user, client and step, and a TOTP code counts once.
"""

from __future__ import annotations

import base64
import json
import secrets
import time
from typing import Any

from ministack.services import cognito

from local.emulator.cognito_answers import Answer, refused, succeeded

OWN_CHALLENGES = ("NEW_PASSWORD_REQUIRED", "SOFTWARE_TOKEN_MFA", "MFA_SETUP")
TOTP = "SOFTWARE_TOKEN_MFA"
NO_SESSION = "Invalid session for the user."


def apply() -> None:
    """Put every correction of this module in place; call before the server starts."""
    cognito._password_auth_result = _after_the_password
    cognito._respond_to_auth_challenge = _checked(cognito._respond_to_auth_challenge)
    cognito._admin_respond_to_auth_challenge = _checked(cognito._admin_respond_to_auth_challenge)
    _enrol_in_sessions()
    _refuse_preferences_without_enrolment()


# -- What follows a password -------------------------------------------------------------------------------------------


def _after_the_password(  # the signature is MiniStack's
    pool: dict[str, Any],
    pid: str,
    cid: str,
    user: dict[str, Any],
    _username: str,
    client_metadata: Any = None,
    data: Any = None,
) -> Answer:
    challenge = _new_password_required(pid, cid, user) or _second_factor(pool, pid, cid, user)
    cognito._record_auth_event(
        pool, user, data or {}, "SignIn", "InProgress" if challenge else "Pass", (("Password", "Success"),),
        (challenge or {}).get("Session"),
    )  # fmt: skip
    return cognito.json_response(challenge or _tokens(pid, cid, user, client_metadata))


def _tokens(pid: str, cid: str, user: dict[str, Any], client_metadata: Any, **changes: Any) -> dict[str, Any]:
    return {
        "AuthenticationResult": cognito._build_auth_result(pid, cid, user, client_metadata=client_metadata, **changes)
    }


def _challenge(name: str, pid: str, cid: str, user: dict[str, Any], **parameters: str) -> dict[str, Any]:
    token, session = cognito._create_challenge_session(pid, cid, user["Username"])
    session["challenge"] = name
    parameters["USER_ID_FOR_SRP"] = user["Username"]
    return {"ChallengeName": name, "Session": token, "ChallengeParameters": parameters}


def _new_password_required(pid: str, cid: str, user: dict[str, Any]) -> dict[str, Any] | None:
    if user.get("UserStatus") != "FORCE_CHANGE_PASSWORD":
        return None
    attributes = json.dumps(cognito._attr_list_to_dict(user.get("Attributes", [])))
    return _challenge("NEW_PASSWORD_REQUIRED", pid, cid, user, requiredAttributes="[]", userAttributes=attributes)


def _second_factor(pool: dict[str, Any], pid: str, cid: str, user: dict[str, Any]) -> dict[str, Any] | None:
    required = pool.get("MfaConfiguration") == "ON"
    if _must_give_a_code(pool, user):
        return _challenge(TOTP, pid, cid, user, FRIENDLY_DEVICE_NAME="TOTP device")
    if required:
        return _challenge("MFA_SETUP", pid, cid, user, MFAS_CAN_SETUP=json.dumps([TOTP]))
    return None


def _must_give_a_code(pool: dict[str, Any], user: dict[str, Any]) -> bool:
    configuration = pool.get("MfaConfiguration", "OFF")
    chosen = configuration == "ON" or (configuration == "OPTIONAL" and TOTP in user.get("_mfa_enabled", []))
    return bool(chosen and user.get("_totp_secret"))


# -- The answers -------------------------------------------------------------------------------------------------------


def _checked(stock: Any) -> Any:
    """Return MiniStack's handler of answers behind a check of the challenge's session."""

    def respond(data: dict[str, Any]) -> Answer:
        name, token = data.get("ChallengeName"), data.get("Session") or ""
        session = cognito._get_challenge_session(token)[0]
        if name not in OWN_CHALLENGES:
            return refused(NO_SESSION) if session is not None and "challenge" in session else stock(data)
        if session is None or session.get("challenge") != name or session["client_id"] != data.get("ClientId"):
            return refused(NO_SESSION)
        pool = cognito._user_pools.get(session["pool_id"])
        user = ((pool or {}).get("_users") or {}).get(session["username"])
        responses = data.get("ChallengeResponses") or {}
        if user is None or cognito._resolve_user(pool, responses.get("USERNAME"))[0] is not user:
            return refused(NO_SESSION)
        if not user.get("Enabled", True):
            return refused("User is disabled.")
        answer = {"NEW_PASSWORD_REQUIRED": _new_password, TOTP: _code, "MFA_SETUP": _set_up}[name]
        result: Answer = answer(pool, session, user, data, stock)
        if succeeded(result):
            cognito._challenge_sessions.pop(token, None)  # a session can only be used once
        return result

    return respond


def _new_password(
    pool: dict[str, Any], session: dict[str, Any], user: dict[str, Any], data: dict[str, Any], _stock: Any
) -> Answer:
    password = data["ChallengeResponses"].get("NEW_PASSWORD") or ""
    error = cognito._validate_password(pool, password)
    if error:
        return error
    user.update(_password=password, UserStatus="CONFIRMED", UserLastModifiedDate=cognito._now_epoch())
    cognito._record_auth_event(pool, user, data, "PasswordChange", "Pass")
    pid, cid = session["pool_id"], session["client_id"]
    source = "TokenGeneration_NewPasswordChallenge"
    challenge = _second_factor(pool, pid, cid, user)
    return cognito.json_response(
        challenge or _tokens(pid, cid, user, data.get("ClientMetadata", {}), trigger_source=source)
    )


def _code(
    _pool: dict[str, Any], _session: dict[str, Any], user: dict[str, Any], data: dict[str, Any], stock: Any
) -> Answer:
    return _used(user, data["ChallengeResponses"].get("SOFTWARE_TOKEN_MFA_CODE", "")) or stock(data)


def _used(user: dict[str, Any], code: str) -> Answer | None:
    """Count a right code; return the refusal of one that was counted before."""
    step = _step(user["_totp_secret"], code)
    if step is None:
        return None  # MiniStack says that it is wrong
    if step <= user.get("_totp_step", -1):
        return refused("Your software token has already been used once.", "ExpiredCodeException")
    user["_totp_step"] = step
    return None


def _step(secret: str, code: str) -> int | None:
    if not isinstance(code, str) or not code.isascii():
        return None
    now = int(time.time() // 30)
    matching = (
        now + offset for offset in (-1, 0, 1) if secrets.compare_digest(cognito._totp_code(secret, offset), code)
    )
    return next(matching, None)


def _set_up(
    _pool: dict[str, Any], session: dict[str, Any], _user: dict[str, Any], data: dict[str, Any], stock: Any
) -> Answer:
    if not session.get("totp_verified"):
        return refused("User has not verified software token MFA", "InvalidParameterException")
    return stock(data)


# -- TOTP enrolment ----------------------------------------------------------------------------------------------------


def _enrol_in_sessions() -> None:
    stock_associate, stock_verify = cognito._associate_software_token, cognito._verify_software_token

    def associate(data: dict[str, Any]) -> Answer:
        token = data.get("Session")
        if not token or data.get("AccessToken"):
            user, pool = cognito._user_pool_for_access_token(data.get("AccessToken"))
            if user is None:
                return refused("Invalid Access Token")
            return _without_software_tokens(pool) or _sessionless(stock_associate(data))
        session = _setup_session(token)
        if session is None:
            return refused(NO_SESSION)
        session["totp_secret"] = base64.b32encode(secrets.token_bytes(20)).decode()
        return cognito.json_response({"SecretCode": session["totp_secret"], "Session": _renewed(token)})

    def verify(data: dict[str, Any]) -> Answer:
        token = data.get("Session")
        if data.get("AccessToken") or not token:
            user, _pool = cognito._user_pool_for_access_token(data.get("AccessToken"))
            answer = stock_verify({**data, "Session": None})
            if succeeded(answer) and user is not None:
                _used(user, data.get("UserCode", ""))
            return answer
        session = _setup_session(token)
        if session is None:
            return refused(NO_SESSION)
        if not session.get("totp_secret") or not cognito._totp_matches(
            session["totp_secret"], data.get("UserCode", "")
        ):
            return refused("Code mismatch", "EnableSoftwareTokenMFAException")
        user = cognito._user_pools[session["pool_id"]]["_users"][session["username"]]
        user.update(_totp_secret=session["totp_secret"], _mfa_enabled=[TOTP], _preferred_mfa=TOTP)
        _used(user, data["UserCode"])
        session["totp_verified"] = True
        return cognito.json_response({"Status": "SUCCESS", "Session": _renewed(token)})

    cognito._associate_software_token, cognito._verify_software_token = associate, verify


def _without_software_tokens(pool: dict[str, Any]) -> Answer | None:
    if (pool.get("SoftwareTokenMfaConfiguration") or {}).get("Enabled"):
        return None
    return refused("Software Token MFA has not been enabled by the userPool.", "SoftwareTokenMFANotFoundException")


def _sessionless(answer: Answer) -> Answer:
    """Drop the session that MiniStack adds, and keeps, beside an access token."""
    status, headers, body = answer
    content = json.loads(body)
    cognito._totp_session_secrets.pop(content.pop("Session", ""), None)
    return status, headers, json.dumps(content).encode()


def _setup_session(token: str) -> dict[str, Any] | None:
    session = cognito._get_challenge_session(token)[0]
    known = session is not None and session.get("challenge") == "MFA_SETUP"
    return session if known and session["username"] in cognito._user_pools[session["pool_id"]]["_users"] else None


def _renewed(token: str) -> str:
    renewed = base64.b64encode(secrets.token_bytes(32)).decode()
    cognito._challenge_sessions[renewed] = cognito._challenge_sessions.pop(token)
    return renewed


def _refuse_preferences_without_enrolment() -> None:
    stock_own, stock_admin = cognito._set_user_mfa_preference, cognito._admin_set_user_mfa_preference

    def refusal(data: dict[str, Any], user: dict[str, Any] | None) -> Answer | None:
        wanted = (data.get("SoftwareTokenMfaSettings") or {}).get("Enabled")
        if user is None or not wanted or user.get("_totp_secret"):
            return None
        return refused("User has not verified software token mfa", "InvalidParameterException")

    def own(data: dict[str, Any]) -> Answer:
        return refusal(data, cognito._user_for_access_token(data.get("AccessToken"))) or stock_own(data)

    def admin(data: dict[str, Any]) -> Answer:
        pool = cognito._user_pools.get(data.get("UserPoolId"))
        user = cognito._resolve_user(pool, data.get("Username"))[0] if pool else None
        return refusal(data, user) or stock_admin(data)

    cognito._set_user_mfa_preference, cognito._admin_set_user_mfa_preference = own, admin
