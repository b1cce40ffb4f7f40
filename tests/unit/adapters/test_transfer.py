from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from rosterbridge.adapters import transfer
from rosterbridge.adapters.transfer import TransferHostKeys, TransferServer
from rosterbridge.errors import TransientError
from rosterbridge.flows.host_key_ports import ServerKey

SERVER = "s-01234567890abcdef"
PRIVATE = "-----BEGIN OPENSSH PRIVATE KEY-----\nplanted\n-----END OPENSSH PRIVATE KEY-----\n"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """Transfer Family by the model of its API: what is asked and answered must fit it."""
    client = boto3.client("transfer", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
    monkeypatch.setattr(transfer, "client", lambda _service: client)
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def lists(aws: Stubber, *fingerprints: str) -> None:
    keys = [
        {
            "Arn": f"arn:aws:transfer:eu-west-1:123456789012:host-key/{SERVER}/hostkey-{number:017x}",
            "HostKeyId": f"hostkey-{number:017x}",
            "Fingerprint": fingerprint,
            "Type": "ssh-ed25519",
            "DateImported": datetime(2026, 10, 1, tzinfo=UTC),
        }
        for number, fingerprint in enumerate(fingerprints)
    ]
    answer: dict[str, Any] = {"ServerId": SERVER, "HostKeys": keys}
    aws.add_response("list_host_keys", answer, {"ServerId": SERVER, "MaxResults": 100})


def test_every_fingerprint_is_shown_as_openssh_shows_it(aws: Stubber) -> None:
    lists(aws, "SHA256:RJ+Fn5zBmyVTWVbWnJLJw8Dl7tXxTjFbXO0L4V1gZ0o=", "SHA256:of-another-kind")

    found = TransferServer(SERVER).host_key_fingerprints()

    assert list(found) == ["SHA256:RJ+Fn5zBmyVTWVbWnJLJw8Dl7tXxTjFbXO0L4V1gZ0o", "SHA256:of-another-kind"]


def test_a_server_that_has_no_keys_yet_shows_none(aws: Stubber) -> None:
    lists(aws)

    assert list(TransferServer(SERVER).host_key_fingerprints()) == []


def test_the_server_is_asked_again_after_five_minutes(aws: Stubber) -> None:
    clock = Clock()
    asked = TransferServer(SERVER, clock=clock)
    lists(aws, "SHA256:old")
    lists(aws, "SHA256:new")

    shown = []
    for clock.now in (0.0, 299.0, 300.0):
        shown.append(*asked.host_key_fingerprints())

    assert shown == ["SHA256:old", "SHA256:old", "SHA256:new"]


def test_a_failure_is_not_remembered(aws: Stubber) -> None:
    asked = TransferServer(SERVER)
    aws.add_client_error("list_host_keys", "ThrottlingException", http_status_code=400)
    lists(aws, "SHA256:x")

    with pytest.raises(TransientError, match=r"^aws-refused: transfer ListHostKeys ThrottlingException$"):
        asked.host_key_fingerprints()

    assert list(asked.host_key_fingerprints()) == ["SHA256:x"]


def test_keys_are_listed_imported_and_deleted(aws: Stubber) -> None:
    key_id = f"hostkey-{0:017x}"
    lists(aws, "SHA256:x=")
    aws.add_response(
        "import_host_key",
        {"ServerId": SERVER, "HostKeyId": key_id},
        {"ServerId": SERVER, "HostKeyBody": PRIVATE},
    )
    aws.add_response("delete_host_key", {}, {"ServerId": SERVER, "HostKeyId": key_id})
    server = TransferHostKeys(SERVER)

    assert server.host_keys() == [ServerKey(key_id, "SHA256:x")]
    server.import_key(PRIVATE)
    server.delete_key(key_id)


def test_a_key_that_is_refused_is_not_told(aws: Stubber) -> None:
    aws.add_client_error("import_host_key", "InvalidRequestException", f"Bad key: {PRIVATE}", http_status_code=400)

    with pytest.raises(Exception, match="InvalidRequestException") as refused:
        TransferHostKeys(SERVER).import_key(PRIVATE)

    assert "planted" not in str(refused.value)
    assert refused.value.__cause__ is None
