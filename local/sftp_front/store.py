"""S3 as a file system, within what the session policy allows; blocking, so called from a thread."""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any

from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import BotoCoreError, ClientError

from local.sftp_front.home import Place
from local.sftp_front.policy import SessionPolicy

TRANSFER = TransferConfig(use_threads=False)  # the caller has a thread already
MISSING = {"404", "NoSuchKey", "NoSuchBucket", "NotFound"}
DENIED = {"403", "AccessDenied", "AllAccessDisabled"}

logger = logging.getLogger("rosterbridge.sftp_front")


@dataclass(frozen=True)
class Entry:
    """A file or a folder as a listing shows it; ``etag`` names a file's content."""

    name: str
    is_folder: bool
    size: int = 0
    modified: datetime | None = None
    etag: str = ""


class Store:
    """The objects of one session; raises OSError with the number that tells why."""

    def __init__(self, s3: Any, policy: SessionPolicy | None, metadata: dict[str, str]) -> None:
        self._s3 = s3
        self._policy = policy
        self._metadata = metadata

    def require(self, action: str, place: Place) -> None:
        """Raise PermissionError unless the session policy allows ``action`` on an object."""
        self._require(action, f"arn:aws:s3:::{place.bucket}/{place.key}", {})

    def file(self, place: Place) -> Entry | None:
        """Return the file at a place, if there is one."""
        if not place.key:
            return None
        self.require("s3:GetObject", place)
        try:
            with _reported():
                head = self._s3.head_object(Bucket=place.bucket, Key=place.key)
        except FileNotFoundError:
            return None
        return Entry(_name(place.key), False, head["ContentLength"], head["LastModified"], head["ETag"])

    def is_folder(self, place: Place) -> bool:
        """Tell whether anything, its own marker included, lies in the folder; a bucket is always one."""
        return not place.key or bool(self._first_keys(place, 1))

    def list(self, place: Place) -> Iterator[Entry]:
        """Yield what lies directly in the folder, without its marker."""
        prefix = place.folder_prefix
        self._require_list(place)
        with _reported():
            pages = self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=place.bucket, Prefix=prefix, Delimiter="/"
            )
            for page in pages:
                for folder in page.get("CommonPrefixes", []):
                    yield Entry(_name(folder["Prefix"].rstrip("/")), True)
                for found in page.get("Contents", []):
                    if found["Key"] != prefix:
                        yield Entry(_name(found["Key"]), False, found["Size"], found["LastModified"], found["ETag"])

    def read(self, place: Place, file: Entry, start: int, size: int) -> bytes:
        """Return up to ``size`` bytes from ``start``, of the content that ``file`` was when it was opened."""
        self.require("s3:GetObject", place)
        end = min(start + size, file.size)
        if start >= end:
            return b""
        with _reported():
            wanted = {"Bucket": place.bucket, "Key": place.key, "IfMatch": file.etag}
            content: bytes = self._s3.get_object(**wanted, Range=f"bytes={start}-{end - 1}")["Body"].read()
        return content

    def put(self, place: Place, content: IO[bytes]) -> None:
        """Store a file; an earlier one is replaced."""
        self.require("s3:PutObject", place)
        content.seek(0)
        with _reported():
            extra = {"Metadata": self._metadata}
            self._s3.upload_fileobj(content, place.bucket, place.key, ExtraArgs=extra, Config=TRANSFER)

    def put_rest(self, place: Place, content: IO[bytes]) -> str:
        """Store what came of a file whose client has left, and return S3's tag of it."""
        self.require("s3:PutObject", place)
        content.seek(0)
        with _reported():
            answer = self._s3.put_object(Bucket=place.bucket, Key=place.key, Body=content, Metadata=self._metadata)
        return str(answer["ETag"]).strip('"')

    def move(self, old: Place, new: Place) -> None:
        """Copy the file and delete the old one; S3 cannot rename."""
        self.require("s3:GetObject", old)
        self.require("s3:DeleteObject", old)
        self.require("s3:PutObject", new)
        with _reported():
            source = {"Bucket": old.bucket, "Key": old.key}
            self._s3.copy(source, new.bucket, new.key, Config=TRANSFER)
        self.delete(old)

    def delete(self, place: Place) -> None:
        """Delete the file; with versions, only its latest one is hidden."""
        self.require("s3:DeleteObject", place)
        with _reported():
            self._s3.delete_object(Bucket=place.bucket, Key=place.key)

    def make_folder(self, place: Place) -> None:
        """Store the empty object that stands for a folder."""
        marker = Place(place.bucket, place.folder_prefix)
        self.require("s3:PutObject", marker)
        with _reported():
            self._s3.put_object(Bucket=marker.bucket, Key=marker.key, Body=b"", Metadata=self._metadata)

    def remove_folder(self, place: Place) -> None:
        """Delete a folder that holds nothing but its marker."""
        keys = self._first_keys(place, 2)
        if not keys:
            raise FileNotFoundError(errno.ENOENT, "No such folder")
        if keys != [place.folder_prefix]:
            raise OSError(errno.ENOTEMPTY, "The folder is not empty")
        self.delete(Place(place.bucket, place.folder_prefix))

    def _first_keys(self, place: Place, count: int) -> list[str]:
        self._require_list(place)
        with _reported():
            found = self._s3.list_objects_v2(Bucket=place.bucket, Prefix=place.folder_prefix, MaxKeys=count)
        return [one["Key"] for one in found.get("Contents", [])]

    def _require_list(self, place: Place) -> None:
        self._require("s3:ListBucket", f"arn:aws:s3:::{place.bucket}", {"s3:prefix": place.folder_prefix})

    def _require(self, action: str, resource: str, context: dict[str, str]) -> None:
        if self._policy is not None and not self._policy.allows(action, resource, context):
            raise PermissionError(errno.EACCES, "Permission denied")


def _name(key: str) -> str:
    return key.rpartition("/")[2]


@contextmanager
def _reported() -> Iterator[None]:
    """Turn what boto3 raises into an OSError with a text that is fit for the client."""
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code in MISSING:
            raise FileNotFoundError(errno.ENOENT, "No such file") from None
        if code in DENIED:
            raise PermissionError(errno.EACCES, "Permission denied") from None
        logger.warning("storage refused: %s", code)
        raise OSError(errno.EIO, "The storage failed") from None
    except (Boto3Error, BotoCoreError) as error:
        logger.warning("storage failed: %s", type(error).__name__)
        raise OSError(errno.EIO, "The storage failed") from None
