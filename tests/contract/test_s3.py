"""The store of objects: the fake does what S3 does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rosterbridge.errors import NotFoundError, PermanentError
from rosterbridge.flows.models import ObjectRef
from tests.support.fakes import FakeObjectStore
from tests.support.flows import unique
from tests.support.stack import StackUnderTest

MISSING = r"^object-missing$"
LARGE = 9 * 1024 * 1024  # boto3 sends and copies what is larger than 8 MB in parts


class Bucket:
    """A store of objects with a bucket of versions, and a way to put something there as an SFTP client does."""

    def __init__(self, stack: StackUnderTest | None) -> None:
        self._client = stack.client("s3") if stack else None
        self.name = stack.outputs["RunBucket"] if stack else "runs"
        self.store: Any = stack.local.stores.objects if stack else FakeObjectStore()

    def ref(self, name: str = "x.zip") -> ObjectRef:
        return ObjectRef(bucket=self.name, key=f"runs/{unique('contract')}/{name}")

    def put(self, ref: ObjectRef, content: bytes) -> ObjectRef:
        """Store a version and return the reference to it."""
        if self._client is None:
            put: Callable[[ObjectRef, bytes], ObjectRef] = self.store.put
            return put(ref, content)
        stored = self._client.put_object(Bucket=ref.bucket, Key=ref.key, Body=content)
        return ref.model_copy(update={"version_id": stored["VersionId"]})


@pytest.fixture(params=["fake", "s3"])
def bucket(request: pytest.FixtureRequest) -> Bucket:
    return Bucket(None if request.param == "fake" else request.getfixturevalue("stack"))


def content(bucket: Bucket, ref: ObjectRef, folder: Path) -> bytes:
    bucket.store.download(ref, folder / "downloaded")
    return (folder / "downloaded").read_bytes()


def test_a_file_comes_back_as_it_was_uploaded(bucket: Bucket, tmp_path: Path) -> None:
    ref, source = bucket.ref(), tmp_path / "source"
    source.write_bytes(bytes(range(256)) * 100)

    bucket.store.upload(source, ref)

    assert bucket.store.exists(ref)
    assert content(bucket, ref, tmp_path) == source.read_bytes()


def test_a_text_comes_back_as_it_was_put_and_a_newer_one_takes_its_place(bucket: Bucket) -> None:
    ref = bucket.ref("report.json")

    for text in ('{"summary": "Größe 名簿"}', ""):
        bucket.store.put_text(text, ref)
        assert bucket.store.get_text(ref) == text


@pytest.mark.parametrize("name", ["plain.zip", "våre elever (1).zip", "a+b&c=d%20?#.zip", "生徒/名簿.zip"])
def test_a_version_is_copied_whatever_came_after_it(bucket: Bucket, tmp_path: Path, name: str) -> None:
    source, target = bucket.ref(name), bucket.ref("source.zip")
    first = bucket.put(source, b"first")
    second = bucket.put(source, b"second")

    bucket.store.copy(first, target)
    assert content(bucket, target, tmp_path) == b"first"
    bucket.store.copy(second, target)
    assert content(bucket, target, tmp_path) == b"second"


def test_a_large_version_is_copied_in_parts(bucket: Bucket, tmp_path: Path) -> None:
    target = bucket.ref()
    source = bucket.put(bucket.ref(), b"0123456789abcdef" * (LARGE // 16))
    bucket.put(source.model_copy(update={"version_id": None}), b"newer")

    bucket.store.copy(source, target)

    assert content(bucket, target, tmp_path) == b"0123456789abcdef" * (LARGE // 16)


def test_one_version_is_deleted_and_the_others_stay(bucket: Bucket, tmp_path: Path) -> None:
    ref = bucket.ref()
    first, second = bucket.put(ref, b"first"), bucket.put(ref, b"second")

    bucket.store.delete(second)

    assert (bucket.store.exists(first), bucket.store.exists(second), bucket.store.exists(ref)) == (True, False, True)
    assert content(bucket, ref, tmp_path) == b"first"
    bucket.store.delete(first)
    assert not bucket.store.exists(ref)


def test_deleting_what_is_gone_is_no_error(bucket: Bucket) -> None:
    ref = bucket.put(bucket.ref(), b"x")

    bucket.store.delete(ref)
    bucket.store.delete(ref)

    assert not bucket.store.exists(ref)


@pytest.mark.parametrize("version", [False, True])
def test_what_is_missing_is_told_in_every_way_to_ask_for_it(bucket: Bucket, tmp_path: Path, version: bool) -> None:
    ref = bucket.put(bucket.ref(), b"x")
    bucket.store.delete(ref)
    ref = ref if version else bucket.ref("planted.zip")

    assert not bucket.store.exists(ref)
    for ask in (
        lambda: bucket.store.copy(ref, bucket.ref()),
        lambda: bucket.store.download(ref, tmp_path / "x"),
        lambda: bucket.store.get_text(ref),
    ):
        with pytest.raises(NotFoundError, match=MISSING):
            ask()


def test_a_missing_bucket_is_no_missing_object_for_an_upload(stack: StackUnderTest, tmp_path: Path) -> None:
    source = tmp_path / "planted.zip"
    source.write_bytes(b"x")

    with pytest.raises(PermanentError) as refused:
        stack.local.stores.objects.upload(source, ObjectRef(bucket="no-such-bucket", key="planted.zip"))

    assert str(refused.value) == "aws-refused: s3 PutObject NoSuchBucket"
