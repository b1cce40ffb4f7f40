"""Uploads, results and reports in S3."""

from __future__ import annotations

import string
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from boto3.exceptions import RetriesExceededError, S3UploadFailedError
from botocore.exceptions import ClientError

from rosterbridge.adapters.clients import client, error_code, translated
from rosterbridge.errors import NotFoundError, PermanentError, TransientError
from rosterbridge.flows.models import ObjectRef
from rosterbridge.flows.ports import Form

# What stands in quotes as it is, in every client
PLAIN = frozenset(string.ascii_letters + string.digits + " .-_()+")
CONTENT_TYPES = {"csv": "text/csv; charset=utf-8", "txt": "text/plain; charset=utf-8"}
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
            self._client.put_object(Bucket=ref.bucket, Key=ref.key, Body=text.encode(), ContentType=_content_type(ref))

    def get_text(self, ref: ObjectRef) -> str:
        """Return a small text; raises NotFoundError."""
        with _translated():
            body: bytes = self._client.get_object(**_address(ref))["Body"].read()
        return body.decode()

    def link(self, ref: ObjectRef, *, file_name: str, seconds: int) -> str:
        """Return an address from which the object can be downloaded under ``file_name`` for so long, by anybody."""
        with _translated():
            link: str = self._client.generate_presigned_url(
                "get_object",
                Params={**_address(ref), "ResponseContentDisposition": attachment(file_name)},
                ExpiresIn=seconds,
            )
        return link

    def form(self, ref: ObjectRef, *, most_bytes: int, seconds: int) -> Form:
        """Return the form by which anybody can store the object for so long, with up to so many bytes."""
        with _translated():
            form = self._client.generate_presigned_post(
                ref.bucket, ref.key, Conditions=[["content-length-range", 1, most_bytes]], ExpiresIn=seconds
            )
        return Form(form["url"], form["fields"])

    def empty(self, bucket: str, prefix: str) -> int:
        """Delete every version of every object below the prefix, which ends with a slash; return how many.

        Raises PermanentError ``prefix-not-a-folder``, since ``home/fa-1`` begins ``home/fa-10`` too.
        """
        if not prefix.endswith("/"):
            raise PermanentError("prefix-not-a-folder")
        count = 0
        with _translated():
            for page in self._client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
                versions, markers = page.get("Versions", []), page.get("DeleteMarkers", [])
                self._delete_all(bucket, [*versions, *markers])
                count += len(versions)
        return count

    def keys(self, bucket: str, prefix: str) -> Sequence[str]:
        """Return the keys of all objects that begin with the prefix, in the order of the keys."""
        with _translated():
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            return [found["Key"] for page in pages for found in page.get("Contents", [])]

    def erase(self, ref: ObjectRef) -> None:
        """Delete every version of one object; a missing one is no error."""
        with _translated():
            pages = self._client.get_paginator("list_object_versions").paginate(Bucket=ref.bucket, Prefix=ref.key)
            for page in pages:
                found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
                self._delete_all(ref.bucket, [version for version in found if version["Key"] == ref.key])

    def _delete_all(self, bucket: str, found: list[dict[str, Any]]) -> None:
        """Delete up to 1,000 versions; raises TransientError when some of them stay."""
        objects = [{"Key": version["Key"], "VersionId": version["VersionId"]} for version in found]
        if not objects:
            return
        answer = self._client.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
        if codes := sorted({str(error.get("Code")) for error in answer.get("Errors", [])}):
            kind = PermanentError if "AccessDenied" in codes else TransientError
            raise kind("aws-refused", " ".join(["s3 DeleteObjects", *codes]))


def attachment(file_name: str) -> str:
    """Return the Content-Disposition of a download (RFC 6266): any name, and a plain one for old clients."""
    printable = "".join(character for character in file_name if character.isprintable())
    plain = "".join(character if character in PLAIN else "_" for character in printable)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(printable, safe='')}"


def _content_type(ref: ObjectRef) -> str:
    suffix = ref.key.rpartition(".")[2]
    return CONTENT_TYPES.get(suffix, "application/json")


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
