"""The function host_keys as Lambda loads it: the secret by moto, CloudFormation without its network."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
import urllib3

from rosterbridge.adapters import transfer
from rosterbridge.adapters.clients import client
from rosterbridge.errors import PermanentError, TransientError
from rosterbridge.flows import host_keys
from rosterbridge.flows.host_keys import parse_keys
from tests.support.custom_resource import SERVER_ID, Stack
from tests.unit.functions.conftest import Aws, Context, Load, Output


class Transfer:
    """Transfer Family's host keys, which moto does not know."""

    def __init__(self) -> None:
        self.keys: dict[str, str] = {}

    def list_host_keys(self, **asked: Any) -> dict[str, Any]:
        assert asked["ServerId"] == SERVER_ID
        return {"HostKeys": [{"HostKeyId": key, "Fingerprint": shown} for key, shown in self.keys.items()]}

    def import_host_key(self, **asked: Any) -> None:
        (key,) = parse_keys(asked["HostKeyBody"])
        self.keys[f"hostkey-{len(self.keys)}"] = f"{key.fingerprint}="


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Transfer:
    known = Transfer()
    monkeypatch.setattr(transfer, "client", lambda _service: known)
    return known


@pytest.fixture
def secret(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(host_keys, "RSA_BITS", 2048)  # found in no time
    arn: str = client("secretsmanager").create_secret(Name="host-keys")["ARN"]
    monkeypatch.setenv("HOST_KEY_SECRET", arn)
    monkeypatch.setenv("SFTP_SERVER_ID", SERVER_ID)
    return arn


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Stack:
    """Take the answers without a network."""
    waiting = Stack()

    def request(_pool: Any, method: str, url: str, *, body: bytes, **_: Any) -> Any:
        assert (method, url) == ("PUT", waiting.request("Create")["ResponseURL"])
        waiting.answers.append(json.loads(body))
        return SimpleNamespace(status=waiting.status)

    monkeypatch.setattr(urllib3.PoolManager, "request", request)
    return waiting


def kept(secret: str) -> str:
    text: str = client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"]
    return text


def test_a_new_server_gets_keys_and_cloudformation_their_fingerprints(
    load: Load, server: Transfer, secret: str, stack: Stack, output: Output
) -> None:
    load("host_keys").lambda_handler(stack.request("Create"), Context())

    fingerprints = [key.fingerprint for key in parse_keys(kept(secret))]
    (answer,) = stack.answers
    assert answer["Status"] == "SUCCESS"
    assert answer["PhysicalResourceId"] == SERVER_ID
    assert answer["LogicalResourceId"] == "HostKeysInstalled"
    assert answer["Data"] == {"Fingerprints": " ".join(fingerprints)}
    assert len(fingerprints) == 3
    assert [f"{fingerprint}=" for fingerprint in fingerprints] == list(server.keys.values())
    told = output.text() + repr(stack.answers)
    assert "PRIVATE" not in told
    assert "planted" not in told


def test_a_second_server_gets_the_same_keys_also_when_it_is_asked_twice(
    load: Load, server: Transfer, secret: str, stack: Stack
) -> None:
    function = load("host_keys")
    function.lambda_handler(stack.request("Create"), Context())
    server.keys.clear()

    for kind in ("Update", "Update"):
        function.lambda_handler(stack.request(kind), Context())

    first, *later = (answer["Data"] for answer in stack.answers)
    assert later == [first, first]
    assert len(server.keys) == 3


def test_a_server_that_goes_needs_nothing(load: Load, aws: Aws, stack: Stack) -> None:
    load("host_keys").lambda_handler(stack.request("Delete"), Context())

    assert [(answer["Status"], answer["Data"]) for answer in stack.answers] == [("SUCCESS", {})]


def test_cloudformation_hears_of_a_failure_by_its_code_alone(
    load: Load, server: Transfer, secret: str, stack: Stack, output: Output
) -> None:
    client("secretsmanager").put_secret_value(SecretId=secret, SecretString="planted-secret")

    load("host_keys").lambda_handler(stack.request("Create"), Context())

    (answer,) = stack.answers
    assert (answer["Status"], answer["Reason"]) == ("FAILED", "host-keys-unreadable")
    assert server.keys == {}
    assert "planted" not in output.text() + repr(stack.answers)


def test_an_answer_that_does_not_arrive_lets_lambda_try_again_and_shows_no_address(
    load: Load, server: Transfer, secret: str, stack: Stack, output: Output
) -> None:
    stack.status = 403

    with pytest.raises(TransientError, match=r"^aws-unreachable: cloudformation") as failed:
        load("host_keys").lambda_handler(stack.request("Create"), Context())

    assert "planted" not in output.text() + str(failed.value)


def test_an_operator_who_has_changed_the_secret_calls_it_without_cloudformation(
    load: Load, server: Transfer, secret: str, output: Output
) -> None:
    told = load("host_keys").lambda_handler({}, Context())

    assert told["Fingerprints"].split() == [key.fingerprint for key in parse_keys(kept(secret))]

    client("secretsmanager").put_secret_value(SecretId=secret, SecretString="planted-secret")
    with pytest.raises(PermanentError, match=r"^host-keys-unreadable$"):
        load("host_keys").lambda_handler({}, Context())
    assert "planted" not in output.text()
