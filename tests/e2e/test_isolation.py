"""Over real HTTP nobody gets at what another organization has, by any operation that the OpenAPI description knows."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest

from rosterbridge.adapters.dynamodb_items import to_item
from tests.support import isolation
from tests.support.administration import Administration, Tenant, real, tenant
from tests.support.api import Answer, belongings
from tests.support.http_client import HttpClient
from tests.support.isolation import Case, Operation
from tests.support.stack import StackUnderTest

OWN, OTHER = belongings("north"), belongings("south")
DESCRIBED = isolation.described()
TRESPASSES = list(isolation.trespasses(DESCRIBED, OWN, OTHER))
READS = list(isolation.reads(DESCRIBED, OWN))
OPERATIONS = [found for found in isolation.operations(DESCRIBED) if "{" in found.path]
OUTWARD = {"test_new_asm_account"}  # as described it would connect to Apple
# In this order, so that each still finds what it is about
LAST = ("delete_flow", "delete_asm_account", "delete_file_account", "remove_user")


class World(NamedTuple):
    """Two organizations with everything, and an operator."""

    north: Tenant
    south: Tenant
    operator: HttpClient

    def send(self, case: Case) -> Answer:
        sender = self.operator if case.sender == "operator" else self.north.client
        body = None if case.body is None else json.loads(self._real(json.dumps(case.body)))
        named = {name.replace("-", "_"): value for name, value in case.headers.items()}
        return sender(case.method, self._real(case.target), body, **named)

    def _real(self, text: str) -> str:
        return real(text, north=self.north, south=self.south)


@pytest.fixture(scope="module")
def world(administration: Administration, tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("isolation")
    operator = administration.operator()
    return World(*(tenant(administration, operator, folder) for _ in range(2)), operator)


def kept(stack: StackUnderTest, owner: Tenant) -> dict[str, Any]:
    """Return all that is kept of an organization: its items, its audit trail, its run with files, its users."""
    dynamodb, outputs = stack.client("dynamodb"), stack.outputs

    def items(table: str, attribute: str, value: str) -> Any:
        return dynamodb.query(
            TableName=outputs[table],
            KeyConditionExpression="#pk = :pk",
            ExpressionAttributeNames={"#pk": attribute},
            ExpressionAttributeValues=to_item({":pk": value}),
            ConsistentRead=True,
        )["Items"]

    partition = f"organization#{owner.ids['organization_id']}"
    files = stack.client("s3").list_object_versions(Bucket=outputs["RunBucket"], Prefix=f"runs/{owner.ids['run_id']}/")
    return {
        "organization": items("AccountTable", "pk", "organizations"),
        "things": items("AccountTable", "pk", partition),
        "audit": items("AuditTable", "organization_id", owner.ids["organization_id"]),
        "run": items("RunTable", "id", owner.ids["run_id"]),
        "files": [(found["Key"], found["VersionId"]) for found in files["Versions"]],
        "user": stack.client("cognito-idp").list_users(
            UserPoolId=outputs["UserPoolId"], Filter=f'sub = "{owner.ids["user_id"]}"'
        )["Users"],
    }


def assert_nothing_of(owner: Tenant, answer: Answer, asked: str = "") -> None:
    told = f"{answer.text}\n{dict(answer.headers)}"
    assert [text for text in owner.told if text in told and text not in asked] == []


@pytest.mark.parametrize("case", TRESPASSES, ids=lambda case: case.name)
def test_what_another_organization_has_is_not_found_not_told_and_not_changed(
    stack: StackUnderTest, world: World, case: Case
) -> None:
    before = [kept(stack, owner) for owner in (world.north, world.south)]

    answer = world.send(case)

    assert answer.status in case.expected, answer
    assert_nothing_of(world.south, answer)
    assert [kept(stack, owner) for owner in (world.north, world.south)] == before


@pytest.mark.parametrize("case", READS, ids=lambda case: case.name)
def test_what_is_read_of_the_own_organization_tells_nothing_of_another(world: World, case: Case) -> None:
    answer = world.send(case)

    assert answer.status == 200, answer
    assert_nothing_of(world.south, answer)


def test_the_search_would_find_what_the_other_organization_has(world: World) -> None:
    organization = world.south.client.get(world.south.base)

    with pytest.raises(AssertionError, match=world.south.mark):
        assert_nothing_of(world.south, organization)


def test_every_thing_is_still_in_its_first_version(world: World) -> None:
    """Without this, a change would be refused for its version and not for its organization."""
    for owner in world:
        if isinstance(owner, Tenant):
            ids = owner.ids
            things = (f"{kind}s/{ids[f'{kind}_id'.replace('-', '_')]}" for kind in ("project", "file-account", "flow"))
            versions = {owner.client.get(f"{owner.base}/{thing}").etag for thing in things}
            assert versions == {'"1"'}


def test_the_same_requests_find_what_is_ones_own(stack: StackUnderTest, world: World) -> None:
    """Without this, a request that nobody can make would pass for one that is refused. Here north loses what it has."""
    before = kept(stack, world.north)
    asked = [operation for operation in OPERATIONS if operation.name not in OUTWARD]
    answers = {operation.name: world.send(_own(operation)).status for operation in sorted(asked, key=_place)}

    assert {name: status for name, status in answers.items() if status == 404 or status >= 500} == {}
    assert {"update_project", "update_flow", "update_asm_account"} <= {
        name for name, status in answers.items() if status == 200
    }
    assert kept(stack, world.north)["things"] != before["things"]


def _own(operation: Operation) -> Case:
    return operation.case("one's own", OWN, sender="operator" if operation.operators_only else "administrator")


def _place(operation: Operation) -> int:
    return LAST.index(operation.name) if operation.name in LAST else -1
