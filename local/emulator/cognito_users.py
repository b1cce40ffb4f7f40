"""Cognito's tokens and users, where MiniStack 1.5.33 is more lenient than AWS, and where it refuses what AWS takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ministack.services import cognito

from local.emulator.cognito_answers import Answer, refused

Handler = Callable[[dict[str, Any]], Answer]


def apply() -> None:
    """Put every correction of this module in place; call before the server starts."""
    _check_tokens_and_flows()
    _check_refresh_tokens()
    _ignore_case_in_usernames()
    _check_attributes()
    _generate_passwords_by_policy()
    _refuse_sign_up()


def _check_tokens_and_flows() -> None:
    """Check what MiniStack checks under AUTH=true only, which would turn IAM on everywhere.

    That is an access token's signature, end and revocation, and whether the client allows the flow.
    """

    def run(handler: Handler, action: str, data: dict[str, Any]) -> Answer:
        if action in cognito._UNSIGNED_IDP_ACTIONS:
            cognito._pin_unsigned_idp_scope(data)
        refusal: Answer | None = cognito._auth_flow_error(action, data) or cognito._access_token_error(data)
        return refusal or handler(data)

    cognito._run_idp_handler = run


def _check_refresh_tokens() -> None:
    """Check signature, end and revocation: MiniStack believes what a refresh token says."""
    stock = cognito._refresh_auth_user

    def user_of(pool: Any, pid: str, cid: str, token: str) -> tuple[Any, Any]:
        claims = cognito._token_claims(token or "")
        if claims and not cognito._signature_valid(token):
            return None, refused("Invalid Refresh Token")
        if claims and time.time() >= claims.get("exp", 0):
            return None, refused("Refresh Token has expired")
        if claims.get("origin_jti") in cognito._revoked_tokens:
            return None, refused("Refresh Token has been revoked")
        found: tuple[Any, Any] = stock(pool, pid, cid, token)
        return found

    cognito._refresh_auth_user = user_of


def _ignore_case_in_usernames() -> None:
    """Find a user by the address in any case where the pool says so: MiniStack makes a second user of it."""
    stock = cognito._resolve_user

    def resolve(pool: dict[str, Any], username: Any) -> tuple[Any, Any]:
        sensitive = str((pool.get("UsernameConfiguration") or {}).get("CaseSensitive", True)).lower() != "false"
        known = None if sensitive or not isinstance(username, str) else _as_stored(pool, username)
        found: tuple[Any, Any] = stock(pool, known or username)
        return found

    cognito._resolve_user = resolve


def _as_stored(pool: dict[str, Any], username: str) -> str | None:
    aliases = pool.get("UsernameAttributes") or ()
    for user in pool["_users"].values():
        attributes = cognito._attr_list_to_dict(user.get("Attributes", []))
        for name in (user["Username"], *(attributes.get(alias) for alias in aliases)):
            if name is not None and name.casefold() == username.casefold():
                return str(name)
    return None


def _check_attributes() -> None:
    """Refuse undeclared attributes, changes of immutable ones, and those that the user's client must not write."""

    def checked(stock: Handler, *, changes: bool) -> Handler:
        return lambda data: _attribute_refusal(data, changes=changes) or stock(data)

    cognito._admin_create_user = checked(cognito._admin_create_user, changes=False)
    cognito._admin_update_user_attributes = checked(cognito._admin_update_user_attributes, changes=True)
    cognito._update_user_attributes = checked(cognito._update_user_attributes, changes=True)


def _attribute_refusal(data: dict[str, Any], *, changes: bool) -> Answer | None:
    token = data.get("AccessToken")
    pool = cognito._user_pool_for_access_token(token)[1] if token else cognito._user_pools.get(data.get("UserPoolId"))
    if pool is None:
        return None  # MiniStack says so
    schema = {entry["Name"]: entry for entry in cognito._ensure_schema_attributes(pool)["SchemaAttributes"]}
    client = pool["_clients"].get(cognito._token_claims(token).get("client_id")) if token else None
    writable = (client or {}).get("WriteAttributes")
    for name in (attribute["Name"] for attribute in data.get("UserAttributes") or ()):
        if name not in schema:
            message = f"Attributes did not conform to the schema: Type for attribute {{{name}}} could not be determined"
            return refused(message, "InvalidParameterException")
        if changes and not schema[name].get("Mutable", True):
            return refused(f"user.{name}: Attribute cannot be updated.", "InvalidParameterException")
        if writable and name not in writable:
            return refused("A client attempted to write unauthorized attribute")
    return None


def _generate_passwords_by_policy() -> None:
    """Make temporary passwords as long as the pool wants: MiniStack refuses its own of 12 characters."""
    stock, generate = cognito._admin_create_user, cognito._generate_temp_password

    def create(data: dict[str, Any]) -> Answer:
        pool = cognito._user_pools.get(data.get("UserPoolId"))
        if pool is not None and not data.get("TemporaryPassword"):
            length = int((pool["Policies"].get("PasswordPolicy") or {}).get("MinimumLength", 8))
            password = generate()
            while len(password) < length:
                password += generate()
            data = {**data, "TemporaryPassword": password}
        answer: Answer = stock(data)
        return answer

    cognito._admin_create_user = create


def _refuse_sign_up() -> None:
    """Let nobody make a user of themselves where only administrators may: MiniStack lets everybody."""
    stock = cognito._sign_up

    def sign_up(data: dict[str, Any]) -> Answer:
        pool = cognito._pool_for_client(data.get("ClientId"))[0]
        only = ((pool or {}).get("AdminCreateUserConfig") or {}).get("AllowAdminCreateUserOnly", False)
        if str(only).lower() == "true":
            return refused("SignUp is not permitted for this user pool")
        answer: Answer = stock(data)
        return answer

    cognito._sign_up = sign_up
