from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from boto3.exceptions import RetriesExceededError, S3UploadFailedError
from botocore.exceptions import ClientError

from rosterbridge.adapters import s3
from rosterbridge.adapters.s3 import S3ObjectStore
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
