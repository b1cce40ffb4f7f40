from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from rosterbridge.adapters import secretsmanager
from rosterbridge.adapters.secretsmanager import HostKeySecret
from rosterbridge.errors import PermanentError


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("secretsmanager", region_name="eu-west-1")
        monkeypatch.setattr(secretsmanager, "client", lambda _service: client)
        yield client


def test_a_new_secret_is_empty_until_the_first_keys_are_stored(aws: Any) -> None:
    secret = HostKeySecret(aws.create_secret(Name="host-keys")["ARN"])

    assert secret.read() is None
    assert secret.keep("planted keys") == "planted keys"
    assert secret.read() == "planted keys"


def test_of_two_who_store_the_first_keys_one_does_and_both_get_the_same(aws: Any) -> None:
    secret = HostKeySecret(aws.create_secret(Name="host-keys")["ARN"])

    assert secret.keep("planted keys") == "planted keys"
    assert secret.keep("other keys") == "planted keys"


def test_keys_that_an_operator_stores_later_count(aws: Any) -> None:
    arn = aws.create_secret(Name="host-keys")["ARN"]
    HostKeySecret(arn).keep("planted keys")
    aws.put_secret_value(SecretId=arn, SecretString="other keys")

    assert HostKeySecret(arn).read() == "other keys"


def test_bytes_are_no_keys_and_are_not_taken_for_an_empty_secret(aws: Any) -> None:
    arn = aws.create_secret(Name="host-keys", SecretBinary=b"keys")["ARN"]

    assert HostKeySecret(arn).read() == ""


def test_a_secret_that_is_not_there_gets_no_keys(aws: Any) -> None:
    secret = HostKeySecret("arn:aws:secretsmanager:eu-west-1:123456789012:secret:missing-AbCdEf")

    with pytest.raises(PermanentError, match=r"^aws-refused: secretsmanager PutSecretValue ResourceNotFoundException$"):
        secret.keep("planted keys")
