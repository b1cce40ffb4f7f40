from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import boto3
import pytest
from boto3.exceptions import RetriesExceededError, S3UploadFailedError
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from rosterbridge.adapters import s3
from rosterbridge.adapters.clients import S3_CONFIG
from rosterbridge.adapters.s3 import S3ObjectStore, attachment
from rosterbridge.errors import PermanentError, RosterbridgeError, TransientError
from rosterbridge.flows.models import ObjectRef

REF = ObjectRef(bucket="runs", key="runs/1/planted.zip")


class Wraps:
    """A client that hides what S3 answered in an error of boto3's own, as its transfers do."""

    def __init__(self, code: str = "", status: int = 0) -> None:
        self._answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}

    def upload_file(self, *_arguments: Any) -> None:
        try:
            raise ClientError(self._answer, "PutObject")
        except ClientError as error:
            raise S3UploadFailedError(f"Failed to upload planted: {error}")  # noqa: B904 as boto3 does

    def download_file(self, *_arguments: Any, **_named: Any) -> None:
        raise RetriesExceededError(OSError("planted"))


@pytest.mark.parametrize(
    ("code", "status", "known"),
    [("AccessDenied", 403, PermanentError), ("NoSuchBucket", 404, PermanentError), ("SlowDown", 503, TransientError)],
)
def test_a_refused_upload_is_told_as_s3_told_it(
    monkeypatch: pytest.MonkeyPatch, code: str, status: int, known: type[RosterbridgeError]
) -> None:
    monkeypatch.setattr(s3, "client", lambda _service: Wraps(code, status))

    with pytest.raises(RosterbridgeError) as refused:
        S3ObjectStore().upload(Path("planted"), REF)

    assert (type(refused.value), str(refused.value)) == (known, f"aws-refused: s3 PutObject {code}")


def test_a_download_that_breaks_off_again_and_again_may_work_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "client", lambda _service: Wraps())

    with pytest.raises(TransientError, match=r"^aws-unreachable: s3 RetriesExceededError$"):
        S3ObjectStore().download(REF, Path("planted"))


def test_a_form_is_for_one_key_a_size_and_a_time_and_leads_straight_to_the_region(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in (("AWS_DEFAULT_REGION", "eu-west-1"), ("AWS_ACCESS_KEY_ID", "test")):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setattr(s3, "client", lambda name: boto3.client(name, config=S3_CONFIG))

    form = S3ObjectStore().form(REF, most_bytes=4711, seconds=600)

    policy = json.loads(base64.b64decode(form.fields["policy"]))
    assert ["content-length-range", 1, 4711] in policy["conditions"]
    assert {"key": REF.key} in policy["conditions"]
    assert {"bucket": REF.bucket} in policy["conditions"]
    assert form.fields["key"] == REF.key
    assert form.fields["x-amz-algorithm"] == "AWS4-HMAC-SHA256"  # what the key of the bucket needs
    assert form.url == "https://runs.s3.eu-west-1.amazonaws.com/"  # a browser follows no redirect of a preflight


class Keeps:
    """A client that lists one version and refuses to delete it."""

    def __init__(self, code: str) -> None:
        self._code = code

    def get_paginator(self, _operation: str) -> Keeps:
        return self

    def paginate(self, **_named: Any) -> list[dict[str, Any]]:
        return [{"Versions": [{"Key": "home/fa-1/planted.zip", "VersionId": "1"}]}]

    def delete_objects(self, **_named: Any) -> dict[str, Any]:
        return {"Errors": [{"Key": "home/fa-1/planted.zip", "Code": self._code, "Message": "planted"}]}


@pytest.mark.parametrize(
    ("code", "known"),
    [("AccessDenied", PermanentError), ("InternalError", TransientError), ("SlowDown", TransientError)],
)
def test_a_version_that_stays_is_told(
    monkeypatch: pytest.MonkeyPatch, code: str, known: type[RosterbridgeError]
) -> None:
    monkeypatch.setattr(s3, "client", lambda _service: Keeps(code))

    with pytest.raises(RosterbridgeError) as refused:
        S3ObjectStore().empty("home", "home/fa-1/")

    assert (type(refused.value), str(refused.value)) == (known, f"aws-refused: s3 DeleteObjects {code}")


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_no_file_name_gets_out_of_its_place_in_the_header(name: str) -> None:
    plain, _, coded = attachment(name).removeprefix('attachment; filename="').partition("\"; filename*=UTF-8''")

    assert attachment(name).isascii()
    assert attachment(name).isprintable()
    assert not set(plain) & set('"\\;%')
    assert unquote(coded) == "".join(character for character in name if character.isprintable())


class Puts:
    """A client that keeps what it was told of an object."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def put_object(self, *, ContentType: str, **_named: Any) -> None:  # noqa: N803 boto3's name
        self.told.append(ContentType)


def test_a_sheet_is_not_called_json(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Puts()
    monkeypatch.setattr(s3, "client", lambda _service: client)

    for name in ("report.json", "errors.csv"):
        S3ObjectStore().put_text("text", ObjectRef(bucket="runs", key=f"runs/1/{name}"))

    assert client.told == ["application/json", "text/csv; charset=utf-8"]
