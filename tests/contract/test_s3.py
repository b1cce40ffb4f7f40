"""The store of objects: the fake does what S3 does."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from rosterbridge.adapters.s3 import attachment
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

    def follow(self, link: str) -> tuple[bytes, str]:
        """Return what a browser gets from a link: the content, and how it is told to keep it."""
        if self._client is None:
            ref, file_name, _ = self.store.links[link]
            return self.store.content(ref), attachment(file_name)
        with urllib.request.urlopen(link, timeout=10) as answer:  # noqa: S310 a link of the embedded AWS
            return answer.read(), answer.headers["Content-Disposition"]


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


@pytest.mark.parametrize(
    "name", ["result.zip", "våre elever (1).zip", 'a"b\\c;d.zip', "生徒 名簿.zip", "a\r\nb: c.zip"]
)
def test_a_link_leads_to_the_object_under_the_name_it_is_given(bucket: Bucket, name: str) -> None:
    old = bucket.put(bucket.ref("source.zip"), b"old")
    bucket.put(old.model_copy(update={"version_id": None}), b"new")

    newest = old.model_copy(update={"version_id": None})
    assert bucket.follow(bucket.store.link(newest, file_name=name, seconds=300)) == (b"new", attachment(name))
    # the embedded AWS does not name a version that is asked for by its id
    assert bucket.follow(bucket.store.link(old, file_name=name, seconds=300))[0] == b"old"


def test_a_folder_is_emptied_of_every_version_and_its_neighbours_stay(bucket: Bucket) -> None:
    folder = f"home/{unique('fa')}"
    inside = [ObjectRef(bucket=bucket.name, key=f"{folder}/{name}") for name in ("a.zip", "sub/b.zip", "gone.zip")]
    versions = [bucket.put(ref, content) for ref in inside[:2] for content in (b"1", b"2")]
    bucket.store.delete(bucket.put(inside[2], b"3"))
    outside = bucket.put(ObjectRef(bucket=bucket.name, key=f"{folder}0/c.zip"), b"4")

    assert bucket.store.empty(bucket.name, f"{folder}/") == 4

    assert not any(bucket.store.exists(ref) for ref in (*inside, *versions))
    assert bucket.store.exists(outside)
    assert bucket.store.empty(bucket.name, f"{folder}/") == 0


@pytest.mark.parametrize("prefix", ["", "home", "home/fa-1"])
def test_what_is_no_folder_is_not_emptied(bucket: Bucket, prefix: str) -> None:
    ref = bucket.put(ObjectRef(bucket=bucket.name, key="home/fa-1/x.zip"), b"x")

    with pytest.raises(PermanentError, match=r"^prefix-not-a-folder$"):
        bucket.store.empty(bucket.name, prefix)

    assert bucket.store.exists(ref)


def test_a_hidden_object_is_emptied_too(stack: StackUnderTest) -> None:
    bucket = Bucket(stack)
    ref = bucket.put(bucket.ref(), b"x")
    prefix = ref.key.rsplit("/", 1)[0] + "/"
    bucket.store.delete(ref.model_copy(update={"version_id": None}))  # leaves a delete marker on top

    assert bucket.store.empty(bucket.name, prefix) == 1

    left = stack.client("s3").list_object_versions(Bucket=bucket.name, Prefix=prefix)
    assert (left.get("Versions", []), left.get("DeleteMarkers", [])) == ([], [])


def test_a_folder_of_more_objects_than_one_request_lists_is_emptied_whole(stack: StackUnderTest) -> None:
    bucket = Bucket(stack)
    prefix = f"home/{unique('fa')}/"
    with ThreadPoolExecutor(8) as pool:
        keys = [ObjectRef(bucket=bucket.name, key=f"{prefix}{number}") for number in range(1005)]
        list(pool.map(lambda ref: bucket.put(ref, b"x"), keys))

    assert bucket.store.empty(bucket.name, prefix) == 1005
    assert bucket.store.empty(bucket.name, prefix) == 0


def test_a_link_is_signed_so_that_encrypted_objects_answer_and_ends_in_time(stack: StackUnderTest) -> None:
    link = Bucket(stack).store.link(ObjectRef(bucket="runs", key="runs/1/x.zip"), file_name="x.zip", seconds=300)

    query = dict(parse_qsl(urlsplit(link).query))
    assert (query["X-Amz-Algorithm"], query["X-Amz-Expires"]) == ("AWS4-HMAC-SHA256", "300")
    assert query["response-content-disposition"] == attachment("x.zip")


def test_a_missing_bucket_is_no_missing_object_for_an_upload(stack: StackUnderTest, tmp_path: Path) -> None:
    source = tmp_path / "planted.zip"
    source.write_bytes(b"x")

    with pytest.raises(PermanentError) as refused:
        stack.local.stores.objects.upload(source, ObjectRef(bucket="no-such-bucket", key="planted.zip"))

    assert str(refused.value) == "aws-refused: s3 PutObject NoSuchBucket"


def test_keys_are_listed_by_their_beginning_and_one_object_is_erased_whole(bucket: Bucket) -> None:
    first = bucket.ref("a.txt")
    folder = first.key.removesuffix("a.txt")
    longer = first.model_copy(update={"key": f"{folder}a.txt.csv"})
    versions = [bucket.put(first, b"1"), bucket.put(first, b"2")]
    bucket.put(longer, b"3")

    assert list(bucket.store.keys(bucket.name, folder)) == [first.key, longer.key]
    bucket.store.erase(first)
    bucket.store.erase(first)

    assert list(bucket.store.keys(bucket.name, folder)) == [longer.key]
    assert [bucket.store.exists(version) for version in versions] == [False, False]
