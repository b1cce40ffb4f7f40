"""An organization that is erased leaves nothing in tables, buckets and user pool, and another keeps all it has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from local.sample import write_sample
from local.upload import UploadError, upload
from tests.support.administration import Administration, Tenant, tenant
from tests.support.flows import unique
from tests.support.http_client import HttpClient
from tests.support.openssh import any_client
from tests.support.stack import StackUnderTest, wait_for


class World(NamedTuple):
    """Two organizations with everything, what else the first one has by its ids, and an operator."""

    north: Tenant
    south: Tenant
    more: tuple[str, ...]
    operator: HttpClient

    @property
    def marks(self) -> tuple[str, ...]:
        """All that could tell of the first organization."""
        return (*self.north.told, *self.more)


def kept(stack: StackUnderTest) -> Iterator[str]:
    """Yield all items of all tables, all versions of all objects, and all users, but certificates of erasures."""
    for table in ("AccountTable", "RunTable", "AuditTable"):
        for page in stack.client("dynamodb").get_paginator("scan").paginate(TableName=stack.outputs[table]):
            items = (item for item in page["Items"] if item.get("pk", {}).get("S") != "erasures")
            yield from (json.dumps(item, sort_keys=True, default=str, ensure_ascii=False) for item in items)
    for bucket in ("HomeBucket", "RunBucket"):
        pages = stack.client("s3").get_paginator("list_object_versions").paginate(Bucket=stack.outputs[bucket])
        for page in pages:
            found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            yield from (f"{bucket} {version['Key']} {version['VersionId']}" for version in found)
    pages = stack.client("cognito-idp").get_paginator("list_users").paginate(UserPoolId=stack.outputs["UserPoolId"])
    for page in pages:
        yield from (json.dumps(user, sort_keys=True, default=str) for user in page["Users"])


def holding(stack: StackUnderTest, *marks: str) -> list[str]:
    return sorted(line for line in kept(stack) if any(mark in line for mark in marks))


@pytest.fixture(scope="module")
def world(stack: StackUnderTest, administration: Administration, tmp_path_factory: pytest.TempPathFactory) -> World:
    """The first organization has a held run too, a deleted flow and account, and requests that may be repeated."""
    folder = tmp_path_factory.mktemp("erasing")
    operator = administration.operator()
    north, south = (tenant(administration, operator, folder) for _ in range(2))
    client, base = north.client, north.base
    invited = operator.made(f"{base}/users", {"email": f"{unique('late')}@school.example"}, idempotency_key="invite-1")
    second = client.made(
        f"{base}/flows",
        {
            "project_id": north.ids["project_id"],
            "name": "Second",
            "template": "oneroster-csv",
            "file_account": {"username": unique("second"), "authentication": "password"},
            "asm_account": north.ids["asm_account_id"],
            "expected_by": "06:00",
        },
        idempotency_key="flow-1",
    )
    account = second["file_account"]["id"]
    stack.client("s3").put_object(Bucket=stack.outputs["HomeBucket"], Key=f"home/{account}/roster.zip.part", Body=b"x")
    for thing in (f"flows/{second['flow']['id']}", f"file-accounts/{account}"):
        assert client.changed(f"{base}/{thing}", "DELETE").status == 204
    held = _held_run(administration, north, folder)
    more = (invited["id"], invited["email"], second["flow"]["id"], account, held["id"])
    return World(north, south, more, operator)


def _held_run(administration: Administration, north: Tenant, folder: Path) -> dict[str, Any]:
    """Upload half of the roster, which waits for somebody."""
    half = write_sample(folder / "half.zip", students=60)
    account = north.client.read(f"{north.base}/file-accounts/{north.ids['file_account_id']}")
    upload(half, administration.server(account["username"], north.secrets[1]), any_client())
    history = f"{north.base}/projects/{north.ids['project_id']}/runs?status=held"
    found = wait_for(lambda: north.client.read(history)["items"], "the run is held")
    run: dict[str, Any] = found[0]
    return run


def test_an_erased_organization_leaves_nothing_and_another_keeps_all_that_it_has(
    stack: StackUnderTest, administration: Administration, world: World, tmp_path: Path
) -> None:
    north, south, _, operator = world
    name = operator.read(north.base)["name"]
    username = north.client.read(f"{north.base}/file-accounts/{north.ids['file_account_id']}")["username"]
    before = holding(stack, *south.told)
    assert all(any(mark in line for line in kept(stack)) for mark in world.marks if mark not in north.secrets[1:])
    assert operator.post(f"{north.base}/erasure", {"name": "Schools of nobody"}).status == 422

    asked = operator.post(f"{north.base}/erasure", {"name": name})

    assert (asked.status, asked.json["ended_at"]) == (202, None)
    assert (north.client.get(f"{north.base}/projects").status, operator.get(north.base).status) in {
        (409, 409),
        (404, 404),  # it may have ended by now
    }
    certificate = wait_for(lambda: _certificate(operator, north), "it is erased")
    assert holding(stack, *world.marks) == []
    assert holding(stack, *south.told) == before
    assert operator.get(north.base).json["code"] == "organization-missing"
    assert certificate["counts"]["runs"] == 2
    assert {"run_files", "lane_files", "home_files", "lane_records", "users", "audit_entries"} <= {
        kind for kind, count in certificate["counts"].items() if count > 0
    }
    assert [mark for mark in world.marks if mark in json.dumps(certificate)] == [north.ids["organization_id"]]
    with pytest.raises(UploadError):
        upload(write_sample(tmp_path / "again.zip"), administration.server(username, north.secrets[1]), any_client())


def _certificate(operator: HttpClient, north: Tenant) -> dict[str, Any] | None:
    found = operator.read("/v1/erasures")["items"]
    own = [one for one in found if one["organization_id"] == north.ids["organization_id"]]
    return own[0] if own and own[0]["ended_at"] else None


def test_the_held_run_of_an_erased_organization_was_stopped(stack: StackUnderTest, world: World) -> None:
    execution = stack.outputs["RunsStateMachine"].replace(":stateMachine:", ":execution:") + f":{world.more[-1]}"

    assert stack.client("stepfunctions").describe_execution(executionArn=execution)["status"] == "ABORTED"
