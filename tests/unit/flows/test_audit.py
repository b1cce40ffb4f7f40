from __future__ import annotations

import pytest

from rosterbridge.errors import InvalidRequestError, NotFoundError
from tests.support import flows
from tests.support.use_cases import OTHER, UseCases

CALLER = flows.caller()


def test_an_organization_reads_its_trail_newest_first_and_no_other() -> None:
    service = UseCases()
    for name in ("North", "South", "East"):
        service.projects.create(CALLER, flows.ORGANIZATION, name)
        service.wait(seconds=1)
    service.projects.create(flows.operator(), OTHER, "West")

    first = service.trail.page(CALLER, flows.ORGANIZATION, limit=2)
    second = service.trail.page(CALLER, flows.ORGANIZATION, limit=2, cursor=first.cursor)

    assert [*first.items, *second.items] == service.audit.entries[2::-1]
    assert second.cursor is None
    (other,) = service.trail.page(flows.operator(), OTHER).items
    assert other.actor == "operator-1"


@pytest.mark.parametrize("limit", [0, 101])
def test_a_page_of_no_entry_or_too_many_is_refused(limit: int) -> None:
    with pytest.raises(InvalidRequestError, match="limit-invalid"):
        UseCases().trail.page(CALLER, flows.ORGANIZATION, limit=limit)


def test_the_trail_of_another_organization_is_not_there() -> None:
    service = UseCases()

    for caller, organization_id in ((CALLER, OTHER), (flows.operator(), "district-3")):
        with pytest.raises(NotFoundError, match="organization-missing"):
            service.trail.page(caller, organization_id)
