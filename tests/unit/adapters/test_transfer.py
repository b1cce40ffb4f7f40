from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from rosterbridge.adapters import transfer
from rosterbridge.adapters.transfer import TransferServer
from rosterbridge.errors import TransientError

SERVER = "s-01234567890abcdef"


class Describes:
    """A client of Transfer Family that counts how often it is asked."""

    def __init__(self, **server: str) -> None:
        self.server = server
        self.asked: list[str] = []
        self.error: ClientError | None = None

    def describe_server(self, *, ServerId: str) -> dict[str, Any]:  # noqa: N803 boto3's name
        self.asked.append(ServerId)
        if self.error:
            raise self.error
        return {"Server": self.server}


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def server(monkeypatch: pytest.MonkeyPatch, client: Describes, clock: Clock) -> TransferServer:
    monkeypatch.setattr(transfer, "client", lambda _service: client)
    return TransferServer(SERVER, clock=clock)


def test_the_fingerprint_is_shown_as_openssh_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Describes(HostKeyFingerprint="SHA256:RJ+Fn5zBmyVTWVbWnJLJw8Dl7tXxTjFbXO0L4V1gZ0o=")

    found = server(monkeypatch, client, Clock()).host_key_fingerprints()

    assert list(found) == ["SHA256:RJ+Fn5zBmyVTWVbWnJLJw8Dl7tXxTjFbXO0L4V1gZ0o"]
    assert client.asked == [SERVER]


def test_a_server_that_shows_no_fingerprint_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(server(monkeypatch, Describes(), Clock()).host_key_fingerprints()) == []


def test_the_server_is_asked_again_after_five_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    client, clock = Describes(HostKeyFingerprint="SHA256:old"), Clock()
    asked = server(monkeypatch, client, clock)
    asked.host_key_fingerprints()
    client.server = {"HostKeyFingerprint": "SHA256:new"}

    clock.now = 299.0
    assert list(asked.host_key_fingerprints()) == ["SHA256:old"]
    clock.now = 300.0
    assert list(asked.host_key_fingerprints()) == ["SHA256:new"]
    assert len(client.asked) == 2


def test_a_failure_is_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Describes(HostKeyFingerprint="SHA256:x")
    answer = {"Error": {"Code": "ThrottlingException"}, "ResponseMetadata": {"HTTPStatusCode": 400}}
    client.error = ClientError(answer, "DescribeServer")
    asked = server(monkeypatch, client, Clock())

    with pytest.raises(TransientError, match=r"^aws-refused: transfer DescribeServer ThrottlingException$"):
        asked.host_key_fingerprints()
    client.error = None

    assert list(asked.host_key_fingerprints()) == ["SHA256:x"]
