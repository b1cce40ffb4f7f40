"""May this SFTP client come in, and where is its home? Transfer Family asks before every session."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field

from rosterbridge.errors import RosterbridgeError
from rosterbridge.flows.models import FileAccount, PublicKey
from rosterbridge.flows.ports import AccountStore
from rosterbridge.flows.sign_in_scores import (
    ACCOUNT_BANNED,
    ADDRESS_BANNED,
    SignInScores,
    client_of,
    source_address,
)

HOME_PREFIX = "home"
MAX_POLICY_CHARACTERS = 2048  # Transfer Family's limit of a session policy


class SignInRequest(BaseModel):
    """Transfer Family's request to a custom identity provider; no password means sign-in by key."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    username: str
    password: str = Field(default="", repr=False)
    protocol: str
    server_id: str = Field(alias="serverId")
    source_ip: str = Field(alias="sourceIp")


class HomeSettings(BaseModel):
    """Where homes lie, and the role that Transfer Family takes on for every account."""

    role_arn: str
    bucket: str
    key_arn: str


class PasswordHasher(Protocol):
    """Compares a password with its hash, in the same time whether they match or not."""

    def matches(self, password: str, password_hash: str | None) -> bool:
        """Return whether they match; without a hash, do the same work and return False."""


def sign_in(
    request: SignInRequest,
    accounts: AccountStore,
    hasher: PasswordHasher,
    scores: SignInScores,
    home: HomeSettings,
    refused: Callable[[str], None],
    now: Callable[[], datetime],
) -> dict[str, Any]:
    """Return Transfer Family's answer for an accepted client, or ``{}``, which refuses it.

    Every refusal looks alike to the client; ``refused`` is told the reason as a code. An accepted client is noted at
    the account; by key, Transfer Family asks before it compares and tells nothing afterwards, so the question counts.
    """
    at = now()
    by_key = not request.password
    client = client_of(request.source_ip, request.username, at, by_key=by_key)
    standing = scores.look(client)
    if scores.refuse_banned_address(client, standing):  # without any work, which tells nothing of any account
        refused(ADDRESS_BANNED)
        return {}
    account = accounts.file_account_by_username(request.username)
    # The work of a comparison is done for every password, so that time does not tell which names exist.
    matches = by_key or hasher.matches(request.password, account.password_hash if account else None)
    keys = usable(account.public_keys, at) if account else ()
    reason = _refusal(request, account, keys if by_key else None, matches=matches)
    if reason is None and scores.is_banned_account(client, standing):
        reason = ACCOUNT_BANNED
    if reason or account is None:
        scores.count(client, standing, unknown_user=account is None)
        refused(reason or "unknown-user")
        return {}
    scores.know(client, standing)
    with suppress(RosterbridgeError):  # nobody is kept out because a time could not be noted
        accounts.note_login(account, at)
    answer = _grant(account, home)
    return {**answer, "PublicKeys": [key.text for key in keys]} if by_key else answer


def usable(keys: Iterable[PublicKey], now: datetime) -> tuple[PublicKey, ...]:
    """Return the keys that have not expired."""
    return tuple(key for key in keys if key.expires_at is None or key.expires_at > now)


def _refusal(
    request: SignInRequest, account: FileAccount | None, keys: Sequence[PublicKey] | None, *, matches: bool
) -> str | None:
    """Return why the client is refused; without ``keys`` it comes with a password."""
    if request.protocol != "SFTP":
        return "protocol-not-offered"
    if account is None:
        return "unknown-user"
    if (keys is not None) != (account.authentication == "public_key"):
        return "wrong-authentication"
    if keys is not None and not keys:
        return "no-usable-key"
    if not matches:
        return "wrong-password"
    if not account.enabled:
        return "account-switched-off"
    if not _comes_from_allowed_network(request.source_ip, account):
        return "network-not-allowed"
    return None


def _comes_from_allowed_network(source_ip: str, account: FileAccount) -> bool:
    if not account.networks:
        return True
    address = source_address(source_ip)
    return address is not None and any(address in network for network in account.networks)


def home_prefix(file_account_id: str) -> str:
    """Return the key prefix of an account's home folder, without a slash at its end."""
    return f"{HOME_PREFIX}/{file_account_id}"


def _grant(account: FileAccount, home: HomeSettings) -> dict[str, Any]:
    prefix = home_prefix(account.id)
    return {
        "Role": home.role_arn,
        "Policy": session_policy(prefix, home),
        "HomeDirectoryType": "LOGICAL",
        # a JSON text, not a list; and the target must not end with a slash
        "HomeDirectoryDetails": json.dumps([{"Entry": "/", "Target": f"/{home.bucket}/{prefix}"}]),
    }


def session_policy(prefix: str, home: HomeSettings) -> str:
    """Return the policy that confines a session to ``prefix``; at most 2,048 characters."""
    statements = [
        {
            "Effect": "Allow",
            "Action": "s3:ListBucket",
            "Resource": f"arn:aws:s3:::{home.bucket}",
            "Condition": {"StringLike": {"s3:prefix": [prefix, f"{prefix}/*"]}},
        },
        {
            "Effect": "Allow",
            "Action": ["s3:PutObject", "s3:GetObject", "s3:DeleteObject"],
            "Resource": f"arn:aws:s3:::{home.bucket}/{prefix}/*",
        },
        {"Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": home.key_arn},
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))
    if len(policy) > MAX_POLICY_CHARACTERS:
        message = f"session policy of {len(policy)} characters"
        raise ValueError(message)
    return policy
