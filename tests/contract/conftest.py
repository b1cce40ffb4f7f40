"""The SFTP front, over S3 by moto."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from local.host_key import public_text
from local.sftp_front.identity import IdentityProvider, TransferServer
from local.sftp_front.server import SftpFront
from tests.support.sftp import running
from tests.support.sftp_clients import Login
from tests.support.sftp_front import BUCKET, CLIENT_KEY, HOST_KEY, PASSWORD, SERVER, Provider, Start


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3", region_name="eu-west-1")
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        client.put_object(Bucket=BUCKET, Key="home/account-2/secret.zip", Body=b"another's")
        client.put_object(Bucket=BUCKET, Key="home/account-10/secret.zip", Body=b"another's")
        client.put_object(Bucket=BUCKET, Key="top.zip", Body=b"the operator's")
        yield client


@pytest.fixture
def front(s3: Any) -> Iterator[Start]:
    stack = []

    def start(provider: IdentityProvider | None = None, server: TransferServer = SERVER) -> Login:
        context = running(SftpFront(provider or Provider(), s3, server, HOST_KEY))
        started = context.__enter__()
        stack.append(context)
        return Login(started.port, public_text(HOST_KEY), "district", PASSWORD)

    yield start
    for context in reversed(stack):
        context.__exit__(None, None, None)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "client_key"
    CLIENT_KEY.write_private_key(path)
    path.chmod(0o600)
    return path
