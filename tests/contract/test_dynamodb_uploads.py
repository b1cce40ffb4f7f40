"""Counted uploads, and those that broke off: the fakes keep what DynamoDB keeps."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from local.clients import environment
from rosterbridge.adapters.dynamodb_uploads import DynamoBrokenUploadStore, DynamoUploadCounter
from rosterbridge.flows.broken_uploads import BrokenUpload, BrokenUploadStore, StoredVersion
from rosterbridge.flows.models import ObjectRef
from rosterbridge.flows.upload_limits import UploadCounter, UploadLimits
from tests.support import flows
from tests.support.fakes import FakeBrokenUploadStore, FakeUploadCounter
from tests.support.stack import StackUnderTest

LIMITS = UploadLimits(uploads_per_day=3, bytes_per_day=100, bytes_per_upload=50)
DAY = flows.AT.date()
UNTIL = flows.AT + timedelta(days=1)


@pytest.fixture(params=["fake", "dynamodb"])
def subject(request: pytest.FixtureRequest) -> tuple[UploadCounter, BrokenUploadStore]:
    if request.param == "fake":
        return FakeUploadCounter(), FakeBrokenUploadStore()
    stack: StackUnderTest = request.getfixturevalue("stack")
    with environment(stack.endpoint, stack.region):
        table = stack.outputs["AccountTable"]
        return DynamoUploadCounter(table), DynamoBrokenUploadStore(table)


@pytest.fixture
def counter(subject: tuple[UploadCounter, BrokenUploadStore]) -> UploadCounter:
    return subject[0]


@pytest.fixture
def store(subject: tuple[UploadCounter, BrokenUploadStore]) -> BrokenUploadStore:
    return subject[1]


@pytest.fixture
def account() -> str:
    return flows.unique("fa")


def version(place: ObjectRef, identity: str = "v1") -> StoredVersion:
    return StoredVersion(place.model_copy(update={"version_id": identity}), "tag", 7, ("run-1", "run-2"))


def broken(place: ObjectRef, identity: str = "b1", etag: str = "tag") -> BrokenUpload:
    return BrokenUpload(identity, place, etag, 7)


@pytest.fixture
def place() -> ObjectRef:
    return ObjectRef(bucket="homes", key=f"home/{flows.unique('fa')}/våre (1)+2.zip")


def test_uploads_are_counted_once_each_up_to_the_limits(counter: UploadCounter, account: str) -> None:
    answers = [counter.count(account, DAY, upload, 1, LIMITS) for upload in ("a", "a", "b", "c", "d", "a", "d")]

    assert answers == [*["counted"] * 4, "too-many-uploads", "counted", "too-many-uploads"]
    assert counter.count(account, DAY + timedelta(days=1), "d", 1, LIMITS) == "counted"


def test_bytes_are_counted_up_to_the_limit(counter: UploadCounter, account: str) -> None:
    answers = [counter.count(account, DAY, f"{size}", size, LIMITS) for size in (101, 60, 41, 40)]

    assert answers == ["too-many-bytes", "counted", "too-many-bytes", "counted"]


def test_many_at_once_are_counted_right(counter: UploadCounter, account: str) -> None:
    limits = replace(LIMITS, uploads_per_day=10)

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda n: counter.count(account, DAY, f"{n % 20}", 1, limits), range(40)))

    assert answers.count("counted") == 20
    assert answers.count("too-many-uploads") == 20


def test_what_is_noted_of_an_object_is_found_by_its_place(store: BrokenUploadStore, place: ObjectRef) -> None:
    for _ in range(2):
        store.note_version(version(place), UNTIL)
        store.note_version(version(place, "v2"), UNTIL)
        store.note_broken(broken(place), UNTIL)
        store.note_broken(broken(place, "b2", ""), UNTIL)
    other = place.model_copy(update={"bucket": "others"})

    assert list(store.versions(place, flows.AT)) == [version(place), version(place, "v2")]
    assert list(store.broken(version(place).ref, flows.AT)) == [broken(place), broken(place, "b2", "")]
    assert list(store.versions(other, flows.AT)) == list(store.broken(other, flows.AT)) == []


def test_what_is_over_is_not_found(store: BrokenUploadStore, place: ObjectRef) -> None:
    store.note_version(version(place), UNTIL)
    store.note_broken(broken(place), UNTIL)

    assert list(store.versions(place, UNTIL)) == list(store.broken(place, UNTIL)) == []


def test_a_failure_stands_for_one_version_and_a_version_for_one_failure(
    store: BrokenUploadStore, place: ObjectRef
) -> None:
    for number in (1, 2):
        store.note_version(version(place, f"v{number}"), UNTIL)
        store.note_broken(broken(place, f"b{number}"), UNTIL)

    def claim(failure: int, stored: int) -> bool:
        return store.claim(broken(place, f"b{failure}"), version(place, f"v{stored}"))

    assert claim(1, 1)
    assert claim(1, 1)
    assert not claim(1, 2)
    assert not claim(2, 1)
    store.note_broken(broken(place, "b1"), UNTIL)
    store.note_version(version(place, "v1"), UNTIL)
    assert not claim(1, 2)
    assert claim(2, 2)
