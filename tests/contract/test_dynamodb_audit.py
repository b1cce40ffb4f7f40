"""The audit trail: the fake keeps and shows what DynamoDB does."""

from __future__ import annotations

from datetime import timedelta

import pytest

from rosterbridge.errors import InvalidRequestError
from rosterbridge.flows.models import AuditEntry, Role
from tests.support import flows
from tests.support.stores import Stores, entry


@pytest.fixture(params=["fake", "dynamodb"])
def stores(request: pytest.FixtureRequest) -> Stores:
    return Stores.fake() if request.param == "fake" else Stores.in_dynamodb(request.getfixturevalue("stack"))


def trail(stores: Stores, *steps: float) -> list[AuditEntry]:
    """Store entries of one organization, these many seconds after a time, and return them newest first."""
    owner = flows.unique("org")
    entries = [entry(organization_id=owner, at=flows.AT + timedelta(seconds=step)) for step in steps]
    for one in entries:
        stores.audit.add(one)
    return sorted(entries, key=lambda one: (one.at, one.id), reverse=True)


def test_an_entry_comes_back_as_it_was_stored(stores: Stores) -> None:
    stored = entry(
        organization_id=flows.unique("org"),
        role=Role.OPERATOR,
        source_ip="2001:db8::1",
        fields=("name", "networks"),
        at=flows.AT + timedelta(microseconds=1),
    )

    stores.audit.add(stored)

    assert stores.trail(stored.organization_id) == [stored]
    assert stores.trail(flows.unique("org")) == []


def test_an_entry_is_never_overwritten(stores: Stores) -> None:
    (first,) = trail(stores, 0)

    stores.audit.add(first.model_copy(update={"actor": "somebody-else"}))

    assert stores.trail(first.organization_id) == [first]


def test_entries_are_shown_newest_first_in_pages(stores: Stores) -> None:
    entries = trail(stores, 0, 1, 0.5, 1, 0.000001, 2)
    owner = entries[0].organization_id

    pages, cursor = [], None
    for _ in range(2):
        page = stores.audit.page(owner, limit=3, cursor=cursor)
        pages.append(list(page.items))
        cursor = page.cursor

    assert pages == [entries[:3], entries[3:]]
    assert cursor is None


def test_a_cursor_shows_nothing_of_another_organization(stores: Stores) -> None:
    entries, others = trail(stores, 0, 1, 2), trail(stores, 0, 1)

    page = stores.audit.page(entries[0].organization_id, limit=1)

    assert list(stores.audit.page(others[0].organization_id, limit=9, cursor=page.cursor).items) == others


@pytest.mark.parametrize("cursor", ["", "none", "名簿", "W10", "WzEsMl0", "x" * 5000])
def test_a_cursor_that_is_none_of_ours_is_refused(stores: Stores, cursor: str) -> None:
    (known,) = trail(stores, 0)

    with pytest.raises(InvalidRequestError, match=r"^cursor-invalid$"):
        stores.audit.page(known.organization_id, limit=1, cursor=cursor)
