"""Erasures: the fake keeps what DynamoDB keeps."""

from __future__ import annotations

from datetime import timedelta

import pytest

from local.clients import environment
from rosterbridge.adapters.dynamodb_erasing import DynamoErasureStore
from rosterbridge.flows.erasing import Erasure, ErasureStore
from tests.support import flows
from tests.support.fakes import FakeErasureStore
from tests.support.stack import StackUnderTest

DAY = timedelta(days=1)


@pytest.fixture(params=["fake", "dynamodb"])
def store(request: pytest.FixtureRequest) -> ErasureStore:
    if request.param == "fake":
        return FakeErasureStore()
    stack: StackUnderTest = request.getfixturevalue("stack")
    with environment(stack.endpoint, stack.region):
        return DynamoErasureStore(stack.outputs["AccountTable"])


def erasure(**changes: object) -> Erasure:
    values = {
        "organization_id": flows.unique("org"),
        "requested_at": flows.AT,
        "requested_by": "operator-1",
        "expires_at": flows.AT + 400 * DAY,
    }
    return Erasure.model_validate({**values, **changes})


def test_an_erasure_begins_once_and_its_counts_add_up_to_its_certificate(store: ErasureStore) -> None:
    begun = erasure()
    assert store.begin(begun) == begun
    assert store.begin(begun.model_copy(update={"requested_by": "operator-2"})) == begun

    for counts in ({"users": 1, "runs": 2}, {"runs": 3}, {}):
        store.count(begun.organization_id, counts)
    store.quiet(begun.organization_id, flows.AT + DAY)
    store.end(begun.organization_id, flows.AT + 2 * DAY, {"logs": flows.AT + 90 * DAY}, flows.AT + 402 * DAY)

    assert store.get(begun.organization_id) == begun.model_copy(
        update={
            "counts": {"users": 1, "runs": 5},
            "quiet_until": flows.AT + DAY,
            "ended_at": flows.AT + 2 * DAY,
            "remains": {"logs": flows.AT + 90 * DAY},
            "expires_at": flows.AT + 402 * DAY,
        }
    )
    assert store.get(flows.unique("org")) is None


def test_erasures_are_listed_with_the_newest_first(store: ErasureStore) -> None:
    begun = [store.begin(erasure(requested_at=flows.AT + days * DAY)) for days in (1, 3, 2)]

    known = {one.organization_id for one in begun}
    assert [one for one in store.list() if one.organization_id in known] == [begun[1], begun[2], begun[0]]
