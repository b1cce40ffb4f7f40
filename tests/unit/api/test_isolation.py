"""Nobody gets at what another organization has, by any operation that the OpenAPI description knows."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.support import isolation
from tests.support.api import Answer, Client, FakeWorld, administrator, belongings, operator
from tests.support.isolation import Case, Operation

OWN, OTHER = belongings("north"), belongings("south")
DESCRIBED = isolation.described()
TRESPASSES = list(isolation.trespasses(DESCRIBED, OWN, OTHER))
READS = list(isolation.reads(DESCRIBED, OWN))
OPERATIONS = [found for found in isolation.operations(DESCRIBED) if "{" in found.path]


def send(world: FakeWorld, case: Case) -> Answer:
    sender = operator(world) if case.sender == "operator" else administrator(world, OWN["organization_id"])
    named = {name.replace("-", "_"): value for name, value in case.headers.items()}
    return sender(case.method, case.target, case.body, **named)


def state(world: FakeWorld) -> list[dict[str, Any]]:
    """Return all that is kept anywhere, as it is now."""
    stores = (
        *(world.accounts, world.accounts.audit, world.runs, world.objects, world.workflow, world.users),
        *(world.erasures, world.erasing),
    )
    return [
        {name: copy.deepcopy(value) for name, value in vars(store).items() if name not in {"audit", "_lock"}}
        for store in (*stores, world.delivery)
    ]


@pytest.mark.parametrize("case", TRESPASSES, ids=lambda case: case.name)
def test_what_another_organization_has_is_not_found_not_told_and_not_changed(world: FakeWorld, case: Case) -> None:
    before = state(world)

    answer = send(world, case)

    assert answer.status in case.expected
    assert "south" not in answer.text
    assert "south" not in str(answer.headers)
    assert state(world) == before


@pytest.mark.parametrize("case", READS, ids=lambda case: case.name)
def test_what_is_read_of_the_own_organization_tells_nothing_of_another(world: FakeWorld, case: Case) -> None:
    answer = send(world, case)

    assert answer.status == 200
    assert "south" not in answer.text


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_the_same_requests_find_what_is_ones_own(world: FakeWorld, operation: Operation) -> None:
    """Without this, a request that nobody can make would pass for one that is refused."""
    sender = "operator" if operation.operators_only else "administrator"

    answer = send(world, operation.case("one's own", OWN, sender=sender))

    assert answer.status != 404
    assert answer.status < 500


def test_a_change_of_ones_own_is_seen_in_the_state(world: FakeWorld) -> None:
    update = next(operation for operation in OPERATIONS if operation.name == "update_flow")
    before = state(world)

    assert send(world, update.case("one's own", OWN)).status == 200
    assert state(world) != before


def test_every_operation_with_an_id_is_tried() -> None:
    tried = {case.name.split(":")[0] for case in TRESPASSES}

    assert tried == {operation.name for operation in OPERATIONS}
    assert len(TRESPASSES) > len(tried) > 30


def test_an_administrator_sees_the_own_organization_in_the_list_alone(user: Client, staff: Client) -> None:
    assert [found["id"] for found in user.get("/v1/organizations").json["items"]] == [OWN["organization_id"]]
    assert len(staff.get("/v1/organizations").json["items"]) == 2
