"""Uploads, results and reports in S3."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from boto3.exceptions import RetriesExceededError, S3UploadFailedError
from botocore.exceptions import ClientError

from rosterbridge.adapters.clients import client, error_code, translated
from rosterbridge.errors import NotFoundError, TransientError
from rosterbridge.flows.models import ObjectRef

MISSING = frozenset({"404", "NoSuchKey", "NoSuchVersion", "NotFound", "MethodNotAllowed", "405"})


class S3ObjectStore:
    """Objects by bucket, key and version; keys and content never reach an exception."""

    def __init__(self) -> None:
        self._client = client("s3")

    def exists(self, ref: ObjectRef) -> bool:
        """Tell whether the object (this version of it, if named) is there."""
        try:
            with _translated():
                self._client.head_object(**_address(ref))
        except NotFoundError:
            return False
        return True

    def copy(self, source: ObjectRef, target: ObjectRef) -> None:
        """Copy, in parts when it is large; overwrites; raises NotFoundError when the source is gone."""
        with _translated():
            self._client.copy(_address(source), target.bucket, target.key)

    def delete(self, ref: ObjectRef) -> None:
        """Delete this version; a missing one is no error."""
        with _translated():
            self._client.delete_object(**_address(ref))

    def download(self, ref: ObjectRef, path: Path) -> None:
        """Write the object to ``path``; raises NotFoundError."""
        version = {"VersionId": ref.version_id} if ref.version_id else None
        with _translated():
            self._client.download_file(ref.bucket, ref.key, str(path), ExtraArgs=version)

    def upload(self, path: Path, ref: ObjectRef) -> None:
        """Store the file."""
        with _translated():
            self._client.upload_file(str(path), ref.bucket, ref.key)

    def put_text(self, text: str, ref: ObjectRef) -> None:
        """Store a small text, such as a report in JSON."""
        with _translated():
            self._client.put_object(Bucket=ref.bucket, Key=ref.key, Body=text.encode(), ContentType="application/json")

    def get_text(self, ref: ObjectRef) -> str:
        """Return a small text; raises NotFoundError."""
        with _translated():
            body: bytes = self._client.get_object(**_address(ref))["Body"].read()
        return body.decode()


def _address(ref: ObjectRef) -> dict[str, Any]:
    address = {"Bucket": ref.bucket, "Key": ref.key}
    return {**address, "VersionId": ref.version_id} if ref.version_id else address


@contextmanager
def _translated() -> Iterator[None]:
    with translated("s3"):
        try:
            yield
        except ClientError as error:
            if error_code(error) in MISSING:
                raise NotFoundError("object-missing") from None
            raise
        except S3UploadFailedError as error:  # boto3's wrapper around the ClientError that it met
            if isinstance(error.__context__, ClientError):
                raise error.__context__ from None
            raise TransientError("aws-refused", f"s3 {type(error).__name__}") from None
        except RetriesExceededError as error:  # the download broke off again and again
            raise TransientError("aws-unreachable", f"s3 {type(error).__name__}") from None
