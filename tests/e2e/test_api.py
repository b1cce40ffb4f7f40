"""What programs do by HTTP: the story of an administrator, changes at the same moment, and too many of them."""

from __future__ import annotations

import threading
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from local.sample import write_sample
from local.upload import UploadError, upload
from rosterbridge.adapters.dynamodb_items import to_item
from tests.support.administration import KEYS, Administration, User
from tests.support.api import Answer
from tests.support.flows import unique
from tests.support.http_client import HttpClient, download
from tests.support.openssh import any_client
from tests.support.stack import CONTEXT, StackUnderTest

ROUNDS = 6


@dataclass(frozen=True)
class Office:
    """An administrator with an organization, a project and an ASM account; ``base`` is the organization's address."""

    administration: Administration
    user: User
    client: HttpClient
    base: str
    project_id: str
    asm_account_id: str

    def new_flow(self, **changes: Any) -> dict[str, Any]:
        """Return the request for a flow."""
        return {
            "project_id": self.project_id,
            "name": "Roster",
            "template": "oneroster-csv",
            "file_account": {"username": unique("sis")},
            "asm_account": self.asm_account_id,
            **changes,
        }

    def listed(self, kind: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.client.read(f"{self.base}/{kind}")["items"]
        return found


@pytest.fixture(scope="module")
def office(administration: Administration) -> Office:
    organization = administration.operator().made("/v1/organizations", {"name": "Shelbyville"})["id"]
    user, base = administration.user(organization_id=organization), f"/v1/organizations/{organization}"
    client = administration.client(user)
    project = client.made(f"{base}/projects", {"name": "Rosters"})["id"]
    asm_account = client.made(f"{base}/asm-accounts", administration.asm_account())["id"]
    return Office(administration, user, client, base, project, asm_account)


def at_once(*requests: Callable[[], Answer]) -> list[Answer]:
    """Send requests at the same moment."""
    together = threading.Barrier(len(requests))

    def send(request: Callable[[], Answer]) -> Answer:
        together.wait()
        return request()

    with ThreadPoolExecutor(len(requests)) as threads:
        return list(threads.map(send, requests))


# -- The story ---------------------------------------------------------------------------------------------------------


def test_a_connection_is_tested_step_by_step_before_it_is_kept(office: Office, stack: StackUnderTest) -> None:
    tests = f"{office.base}/asm-account-tests"
    connection = {name: value for name, value in office.administration.asm_account().items() if name != "name"}
    kept = stack.kept_by_apple()

    shown = office.client.post(tests, {**connection, "host_keys": []}).json
    refused = office.client.post(tests, {**connection, "password": "an-old-password"}).json
    elsewhere = office.client.post(tests, {**connection, "folder": "elsewhere"}).json
    working = office.client.post(tests, connection).json

    assert (shown["reached"], shown["accepted"], shown["code"]) == (True, False, "host-key-unknown")
    assert shown["host_key"] == stack.local.host_key("apple")
    assert (refused["accepted"], refused["signed_in"], refused["code"]) == (True, False, "asm-sign-in-refused")
    assert (elsewhere["signed_in"], elsewhere["folder_found"], elsewhere["code"]) == (True, False, "asm-folder-missing")
    assert (working["folder_found"], working["code"]) == (True, None)
    assert stack.kept_by_apple() == kept


def test_the_whole_story_by_http(office: Office, stack: StackUnderTest, tmp_path: Path) -> None:
    client, base, project = office.client, office.base, f"{office.base}/projects/{office.project_id}"
    made = client.made(f"{base}/flows", office.new_flow(asm_account=office.administration.asm_account()))
    flow, account = made["flow"], made["file_account"]
    server = office.administration.server(account["username"], account["password"])
    roster = write_sample(tmp_path / "roster.zip")

    upload(roster, server, any_client())
    first = office.administration.ended_run(client, project)
    assert [(step["request"], step["response"]) for step in first["steps"]] == [({}, {})] * 5
    status = client.get(first["links"]["status"])
    assert client.get(first["links"]["status"], if_none_match=status.etag).status == 304
    assert client.changed(project, body={"save_data": True}).json["save_data_by"] == office.user.id
    again = client.made(first["links"]["rerun"])
    run = office.administration.ended_run(client, project, number=2)
    assert (run["id"], run["rerun_of"]) == (again["id"], first["id"])
    assert run["steps"][-1]["request"]["method"] == "put"
    assert client.read(run["links"]["neighbours"]) == {"previous": first["id"], "next": None}
    assert client.read(run["links"]["report"])["format"] == "oneroster-1.1"
    assert download(client.read(run["links"]["source"])["url"]) == roster.read_bytes()
    with zipfile.ZipFile(BytesIO(download(client.read(run["links"]["result"])["url"]))) as result:
        assert "students.csv" in result.namelist()

    address = f"{base}/file-accounts/{account['id']}"
    new = client.changed(address, "POST", below="/password").json["password"]
    with pytest.raises(UploadError, match=r"denied|Authentication failed"):
        upload(roster, server, any_client())
    upload(roster, office.administration.server(account["username"], new), any_client())
    assert office.administration.ended_run(client, project, number=3)["status"] == "succeeded"
    _delete(office, flow["id"], address)


def _delete(office: Office, flow_id: str, address: str) -> None:
    client, flow = office.client, f"{office.base}/flows/{flow_id}"
    used = client.delete(address, if_match=client.get(address).etag)
    assert (used.status, used.code) == (409, "in-use")
    assert used.json["flows"] == [{"id": flow_id, "name": "Roster"}]
    assert used.headers["content-type"] == "application/problem+json"
    assert client.delete(flow).code == "precondition-required"
    assert client.changed(flow, "DELETE").status == 204
    assert client.changed(address, "DELETE").status == 204
    assert client.get(address).code == "file-account-missing"


def test_a_program_pages_through_the_history_and_filters_it(office: Office, tmp_path: Path) -> None:
    project = office.client.made(f"{office.base}/projects", {"name": "Paged"})["id"]
    made = office.client.made(f"{office.base}/flows", office.new_flow(project_id=project))
    address, account = f"{office.base}/projects/{project}", made["file_account"]
    server = office.administration.server(account["username"], account["password"])
    (tmp_path / "bad.zip").write_text("no ZIP")
    upload(tmp_path / "bad.zip", server, any_client())
    rejected = office.administration.ended_run(office.client, address)
    office.client.made(rejected["links"]["rerun"])
    upload(write_sample(tmp_path / "good.zip"), server, any_client())
    office.administration.ended_run(office.client, address, number=3)

    def page(query: str) -> dict[str, Any]:
        found: dict[str, Any] = office.client.read(f"{address}/runs?{query}")
        return found

    everything = [run["id"] for run in page("")["items"]]
    first = page("limit=2")
    rest = page(f"limit=2&cursor={first['cursor']}")
    assert [run["id"] for run in (*first["items"], *rest["items"])] == everything
    assert (len(everything), rest["cursor"]) == (3, None)
    assert [run["file_name"] for run in page("status=succeeded")["items"]] == ["good.zip"]
    assert len(page(f"flow_id={made['flow']['id']}&status=rejected")["items"]) == 2
    since = rejected["received_at"].replace("+", "%2B")
    assert len(page(f"since={since}")["items"]) == 3
    assert page(f"until={since}")["items"] == []


# -- At the same moment ------------------------------------------------------------------------------------------------


def test_a_flow_is_never_left_without_its_account(office: Office) -> None:
    outcomes = []
    for _ in range(ROUNDS):
        account = office.client.made(f"{office.base}/file-accounts", {"username": unique("sis")})["id"]
        address = f"{office.base}/file-accounts/{account}"
        wanted = office.new_flow(file_account=account)

        made, deleted = at_once(
            lambda wanted=wanted: office.client.post(f"{office.base}/flows", wanted),
            lambda address=address: office.client.delete(address, if_match='"1"'),
        )

        outcomes.append((made.status, deleted.status))
        users = [flow["id"] for flow in office.listed("flows") if flow["file_account_id"] == account]
        if made.status == 201:
            assert (deleted.status, deleted.code) == (409, "in-use")
            assert office.client.read(address)["flow_ids"] == users == [made.json["flow"]["id"]]
        else:
            assert made.code in {"account-gone", "file-account-missing"}
            assert deleted.status == 204
            assert (users, office.client.get(address).status) == ([], 404)
    assert set(outcomes) <= {(201, 409), (409, 204), (404, 204)}


def test_of_two_changes_of_the_same_version_one_is_refused(office: Office) -> None:
    address = f"{office.base}/projects/{office.client.made(f'{office.base}/projects', {'name': 'Zero'})['id']}"
    for number in range(ROUNDS):
        etag = office.client.get(address).etag

        answers = at_once(
            *(
                lambda name=name, etag=etag: office.client.patch(address, {"name": name}, if_match=etag)
                for name in (f"One {number}", f"Two {number}")
            )
        )

        assert sorted(answer.status for answer in answers) == [200, 412]
        [won] = [answer for answer in answers if answer.status == 200]
        [lost] = [answer for answer in answers if answer.status == 412]
        assert lost.code == "version-changed"
        now = office.client.get(address)
        assert (now.json, now.etag) == (won.json, won.etag)


def test_a_request_that_comes_twice_at_once_is_one_flow_and_one_password(office: Office) -> None:
    for _ in range(ROUNDS):
        wanted, key = office.new_flow(), unique("request")
        before = len(office.listed("flows"))

        answers = at_once(
            *[lambda wanted=wanted, key=key: office.client.post(f"{office.base}/flows", wanted, idempotency_key=key)]
            * 2
        )

        assert [answer.status for answer in answers] == [201, 201]
        assert answers[0].json["flow"] == answers[1].json["flow"]
        passwords = [answer.json["file_account"]["password"] for answer in answers]
        assert sorted(password is None for password in passwords) == [False, True]
        assert len(office.listed("flows")) == before + 1


def test_a_key_of_an_earlier_request_is_good_for_that_request_alone(office: Office) -> None:
    projects, key = f"{office.base}/projects", unique("request")
    first = office.client.made(projects, {"name": "First"}, idempotency_key=key)

    other = office.client.post(projects, {"name": "Other"}, idempotency_key=key)
    colleague = office.administration.client(office.administration.user(organization_id=office.base.rpartition("/")[2]))

    assert (other.status, other.code) == (409, "idempotency-key-reused")
    assert office.client.made(projects, {"name": "First"}, idempotency_key=key) == first
    assert colleague.made(projects, {"name": "First"}, idempotency_key=key)["id"] != first["id"]


def test_who_changes_too_much_waits_and_may_still_read(office: Office, stack: StackUnderTest) -> None:
    user = office.administration.user(organization_id=office.base.rpartition("/")[2])
    client, minute = office.administration.client(user), int(time.time()) // 60
    for counted in (minute, minute + 1):  # the minute may be over before the request
        stack.client("dynamodb").put_item(
            TableName=stack.outputs["AccountTable"],
            Item=to_item({"pk": f"throttle#{user.id}", "sk": str(counted), "changes": CONTEXT["changes_per_minute"]}),
        )

    refused = client.post(f"{office.base}/projects", {"name": "One too many"})

    assert (refused.status, refused.code) == (429, "too-many-requests")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert "One too many" not in [project["name"] for project in client.read(f"{office.base}/projects")["items"]]
    assert office.client.post(f"{office.base}/file-accounts", {"username": unique("sis")}).status == 201


def test_an_account_may_have_another_key_beside_the_password(office: Office) -> None:
    account = office.client.made(f"{office.base}/file-accounts", {"username": unique("sis")})
    address = f"{office.base}/file-accounts/{account['id']}"

    added = office.client.changed(address, "POST", {"text": KEYS[0], "label": "SIS"}, below="/keys").json
    switched = office.client.changed(address, body={"authentication": "public_key"}).json

    assert [key["text"] for key in added["public_keys"]] == [KEYS[0]]
    assert (switched["authentication"], switched["password"]) == ("public_key", None)
    back = office.client.changed(address, body={"authentication": "password"}).json
    assert len(back["password"]) == 24


def test_no_log_holds_a_password_or_an_address(office: Office, stack: StackUnderTest) -> None:
    account = office.client.made(f"{office.base}/file-accounts", {"username": unique("sis")})
    colleague = office.administration.user(organization_id=office.base.rpartition("/")[2])
    assert colleague.email in [user["email"] for user in office.listed("users")]
    office.client.post(f"{office.base}/projects", {"name": colleague.email, "save_data": "not a truth value"})
    secrets = {
        account["password"],
        office.user.password,
        office.user.email,
        colleague.email,
        stack.local.apple_password,
    }

    lines = [*stack.log_lines(), *stack.process_log_lines()]

    assert [line for line in lines if any(secret in line for secret in secrets)] == []
    assert any("rosterbridge-api" in line and '"refused"' in line for line in lines)
