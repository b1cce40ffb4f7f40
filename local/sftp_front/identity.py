"""Who may sign in: the deployed identity provider is asked as Transfer Family asks it, and its answer obeyed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import asyncssh
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel, ConfigDict, Field, Json

from local.sftp_front.home import Home, Mapping
from local.sftp_front.policy import SessionPolicy

# what Transfer Family takes as a user name; it refuses ``root`` by itself
USERNAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{2,99}")

IdentityProvider = Callable[[dict[str, str]], Any]


class RefusedError(Exception):
    """The sign-in is refused; the code is for the log, the client learns nothing of it."""


class FrontError(RuntimeError):
    """The front cannot start; the message is for its operator."""


@dataclass(frozen=True)
class TransferServer:
    """The deployed Transfer Family server, as far as it changes what the front does."""

    id: str
    function: str = ""
    ignores_set_stat: bool = True
    authentication: str = "PUBLIC_KEY_OR_PASSWORD"


@dataclass(frozen=True)
class Grant:
    """An accepted sign-in: its home, what it may do there by which role, and with which keys it may prove itself.

    ``s3`` is a client with the session's own credentials, where it has some.
    """

    home: Home
    policy: SessionPolicy | None
    public_keys: tuple[asyncssh.SSHKey, ...] = field(default=(), repr=False)
    role: str = ""
    policy_text: str | None = None
    s3: Any = field(default=None, repr=False)


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    role: str = Field(alias="Role", pattern=r"\S")
    home_type: Literal["LOGICAL"] = Field(alias="HomeDirectoryType")
    # Transfer Family takes a JSON text here, not a list
    home_details: Json[list[Mapping]] = Field(alias="HomeDirectoryDetails", min_length=1)
    policy: str | None = Field(default=None, alias="Policy")
    public_keys: list[str] = Field(default_factory=list, alias="PublicKeys")


def find_server(transfer: Any) -> TransferServer:
    """Return the server that asks a function about its clients; raises FrontError."""
    for listed in transfer.list_servers()["Servers"]:
        server = transfer.describe_server(ServerId=listed["ServerId"])["Server"]
        details = server.get("IdentityProviderDetails", {})
        if server.get("IdentityProviderType") == "AWS_LAMBDA" and details.get("Function"):
            authentication = details.get("SftpAuthenticationMethods", "PUBLIC_KEY_OR_PASSWORD")
            if authentication == "PUBLIC_KEY_AND_PASSWORD":
                message = "the local SFTP front cannot ask for a key and a password together"
                raise FrontError(message)
            set_stat = server.get("ProtocolDetails", {}).get("SetStatOption", "DEFAULT")
            return TransferServer(server["ServerId"], details["Function"], set_stat == "ENABLE_NO_OP", authentication)
    message = "no Transfer Family server with a function as its identity provider is deployed"
    raise FrontError(message)


def ask_function(client: Any, function: str) -> IdentityProvider:
    """Return an identity provider that invokes a deployed function; it raises RefusedError when that fails."""

    def ask(request: dict[str, str]) -> Any:
        try:
            response = client.invoke(FunctionName=function, Payload=json.dumps(request).encode())
            payload = response["Payload"].read()
            if response.get("FunctionError"):
                raise RefusedError("identity-provider-failed")
            return json.loads(payload)
        except (BotoCoreError, ClientError) as error:
            raise RefusedError("identity-provider-unreachable") from error
        except ValueError:
            raise RefusedError("answer-malformed") from None

    return ask


def sign_in(
    provider: IdentityProvider, server: TransferServer, *, username: str, password: str | None, source_ip: str
) -> Grant:
    """Ask the provider about one client, without a password for sign-in by key; raises RefusedError."""
    if not USERNAME.fullmatch(username) or username == "root":
        raise RefusedError("user-name-not-possible")
    if password == "":  # the provider would take it for a sign-in by key
        raise RefusedError("password-empty")
    request = {"username": username, "protocol": "SFTP", "serverId": server.id, "sourceIp": source_ip}
    if password is not None:
        request["password"] = password
    return _grant(provider(request), by_key=password is None)


def _grant(answer: Any, *, by_key: bool) -> Grant:
    if answer == {}:
        raise RefusedError("refused-by-identity-provider")
    try:
        read = _Answer.model_validate(answer)
        policy = None if read.policy is None else SessionPolicy.parse(read.policy)
    except ValueError:
        raise RefusedError("answer-malformed") from None
    entries = [mapping.entry for mapping in read.home_details]
    if len(set(entries)) < len(entries) or ("/" in entries and len(entries) > 1):
        raise RefusedError("home-mappings-malformed")
    if read.public_keys and not by_key:
        raise RefusedError("keys-in-answer-to-password")
    return Grant(Home(read.home_details), policy, tuple(_keys(read.public_keys)), read.role, read.policy)


def _keys(texts: list[str]) -> list[asyncssh.SSHKey]:
    keys = []
    for text in texts:
        try:
            keys.append(asyncssh.import_public_key(text))
        except asyncssh.KeyImportError:
            continue  # the others may still prove the client
    return keys
