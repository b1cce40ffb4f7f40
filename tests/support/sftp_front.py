"""The SFTP front under test: its identity provider, and what lies behind it in S3."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import asyncssh
import paramiko

from local.host_key import public_text
from local.sftp_front.identity import TransferServer
from rosterbridge.flows.signing_in import HomeSettings, session_policy
from tests.support.sftp_clients import Login

Start = Callable[..., Login]
BUCKET, PREFIX = "homes", "home/account-1"
HOST_KEY, CLIENT_KEY = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
PASSWORD = "correct horse battery"
SERVER = TransferServer("s-0123456789abcdef0")
CONTENT = bytes(range(256)) * 400


def granted(**changes: Any) -> dict[str, Any]:
    settings = HomeSettings(
        role_arn="arn:aws:iam::000000000000:role/home", bucket=BUCKET, key_arn="arn:aws:kms:::key/1"
    )
    answer = {
        "Role": settings.role_arn,
        "Policy": session_policy(PREFIX, settings),
        "HomeDirectoryType": "LOGICAL",
        "HomeDirectoryDetails": json.dumps([{"Entry": "/", "Target": f"/{BUCKET}/{PREFIX}"}]),
        **changes,
    }
    return {name: value for name, value in answer.items() if value is not None}


class Provider:
    """Knows ``district`` by password and ``by-key`` by key; ``changes`` alter what it answers."""

    def __init__(self, **changes: Any) -> None:
        self.requests: list[dict[str, str]] = []
        self._changes = changes

    def __call__(self, request: dict[str, str]) -> Any:
        self.requests.append(request)
        if request["username"] == "district" and request.get("password") == PASSWORD:
            return granted(**self._changes)
        if request["username"] == "by-key" and "password" not in request:
            keys = ["no key at all", public_text(CLIENT_KEY) + " a comment"]
            return granted(**{"PublicKeys": keys, **self._changes})
        return {}


def with_changes(login: Login, **changes: Any) -> Login:
    return Login(**{**login.__dict__, **changes})


def keys(s3: Any, prefix: str = "home/account-1/") -> list[str]:
    return [found["Key"] for found in s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])]


def body(s3: Any, name: str) -> bytes:
    return s3.get_object(Bucket=BUCKET, Key=f"{PREFIX}/{name}")["Body"].read()


def upload(sftp: paramiko.SFTPClient, name: str, content: bytes = CONTENT) -> None:
    with sftp.open(name, "wb") as file:
        file.set_pipelined(True)
        file.write(content)


def eventually(condition: Callable[[], bool], seconds: float = 5) -> bool:
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True
