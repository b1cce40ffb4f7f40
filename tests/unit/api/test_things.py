"""What an administrator does with accounts, flows and runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from rosterbridge.errors import TransientError
from rosterbridge.flows.models import FileAccount, RunStatus
from tests.support import flows
from tests.support.api import Client, FakeWorld
from tests.support.flows import HOST_KEY, KEY


@pytest.fixture
def account(base: str, north: dict[str, str]) -> str:
    return f"{base}/file-accounts/{north['file_account_id']}"


@pytest.fixture
def run(base: str, north: dict[str, str]) -> str:
    return f"{base}/runs/{north['run_id']}"


def test_a_file_account_is_shown_with_all_that_a_client_needs_and_no_secret(user: Client, account: str) -> None:
    shown = user.get(account)

    assert (shown.json["host"], shown.json["port"]) == ("sftp.example.org", 22)
    assert shown.json["host_key_fingerprints"] == ["SHA256:fake"]
    assert "hash" not in shown.text
    assert "terces" not in shown.text
    assert "password" not in shown.json


def test_a_generated_password_is_shown_once(user: Client, base: str) -> None:
    made = user.post(f"{base}/file-accounts", {"username": "sis-new", "networks": ["192.0.2.0/24", "2001:db8::/32"]})

    assert len(made.json["password"]) == 24
    assert made.json["networks"] == ["192.0.2.0/24", "2001:db8::/32"]
    assert made.json["password"] not in user.get(f"{base}/file-accounts/{made.json['id']}").text
    assert made.json["password"] not in user.get(f"{base}/file-accounts").text


def test_the_password_is_replaced_and_the_version_moves_on(
    world: FakeWorld, user: Client, account: str, north: dict[str, str]
) -> None:
    stale = user.post(f"{account}/password", if_match='"7"')
    made = user.post(f"{account}/password", if_match='"1"')

    stored = world.accounts.get(FileAccount, north["organization_id"], north["file_account_id"])
    assert stale.status == 412
    assert (made.status, made.etag) == (200, '"2"')
    assert stored
    assert stored.password_hash == f"hashed:{made.json['password'][::-1]}"


class UnreachableServer:
    """An SFTP endpoint that nobody can ask for its host keys."""

    def host_key_fingerprints(self) -> Sequence[str]:
        raise TransientError("aws-unreachable")


def test_no_password_is_made_that_could_not_be_shown(
    world: FakeWorld, user: Client, base: str, account: str, north: dict[str, str]
) -> None:
    world.sftp = UnreachableServer()
    before = world.accounts.list(FileAccount, north["organization_id"])
    flow = {
        "project_id": north["project_id"],
        "name": "Roster",
        "template": "oneroster-csv",
        "file_account": {"username": "sis-new"},
        "asm_account": north["asm_account_id"],
    }

    answers = [
        user.post(f"{account}/password", if_match='"1"'),
        user.post(f"{base}/file-accounts", {"username": "sis-new"}),
        user.post(f"{base}/flows", flow),
    ]

    assert [answer.code for answer in answers] == ["unavailable"] * 3
    assert world.accounts.list(FileAccount, north["organization_id"]) == before


def test_keys_are_added_and_removed_by_version(user: Client, account: str) -> None:
    added = user.post(
        f"{account}/keys", {"text": KEY, "label": "SIS", "expires_at": "2027-01-01T00:00:00Z"}, if_match='"1"'
    )
    key = added.json["public_keys"][-1]
    removed = user.delete(f"{account}/keys/{key['id']}", if_match=added.etag)

    assert (added.status, key["expires_at"], key["fingerprint"][:7]) == (201, "2027-01-01T00:00:00Z", "SHA256:")
    assert key["id"] not in removed.text
    assert user.delete(f"{account}/keys/{key['id']}", if_match=removed.etag).code == "key-missing"


def test_a_private_key_is_refused_by_name_and_not_repeated(user: Client, account: str) -> None:
    text = "-----BEGIN OPENSSH PRIVATE KEY-----\nplanted\n"

    answer = user.post(f"{account}/keys", {"text": text}, if_match='"1"')

    assert (answer.status, answer.code) == (422, "private-key-given")
    assert answer.json["errors"][0]["field"] == "text"
    assert "planted" not in answer.text


def test_an_account_in_use_is_not_deleted_and_the_flows_are_named(
    user: Client, account: str, north: dict[str, str]
) -> None:
    answer = user.delete(account, if_match='"1"')

    assert (answer.status, answer.code) == (409, "in-use")
    assert answer.json["flows"] == [{"id": north["flow_id"], "name": "Flow of north"}]
    assert user.get(account).status == 200


def test_a_flow_is_created_with_its_accounts_in_one_request(user: Client, base: str, north: dict[str, str]) -> None:
    body = {
        "project_id": north["project_id"],
        "name": "New flow",
        "template": "oneroster-csv",
        "file_account": {"username": "sis-new"},
        "asm_account": {"name": "Apple", "username": "u", "password": "planted-secret", "host_keys": [HOST_KEY]},
        "options": {"terms": ["term-1"], "max_dropped": 0},
    }

    made = user.post(f"{base}/flows", body)

    assert made.status == 201
    assert (made.json["flow"]["options"]["terms"], made.json["flow"]["options"]["names"]) == (["term-1"], "legal")
    assert len(made.json["file_account"]["password"]) == 24
    assert made.json["asm_account"]["host"] == "upload.appleschoolcontent.com"
    assert "planted-secret" not in made.text
    shown = user.get(f"{base}/flows/{made.json['flow']['id']}")
    assert (shown.json, shown.etag) == (made.json["flow"], made.etag)


def test_of_a_refused_flow_nothing_is_created(user: Client, base: str, north: dict[str, str]) -> None:
    body = {
        "project_id": north["project_id"],
        "name": "New flow",
        "template": "oneroster-csv",
        "file_account": {"username": "sis-new"},
        "asm_account": {"name": "Apple", "username": "u", "password": "p", "host_keys": ["nonsense"]},
    }

    answer = user.post(f"{base}/flows", body)

    assert (answer.status, answer.code) == (422, "key-malformed")
    assert answer.json["errors"][0]["field"] == "asm_account.host_keys.text"
    assert [len(user.get(f"{base}/{kind}").json["items"]) for kind in ("flows", "file-accounts", "asm-accounts")] == [
        1
    ] * 3


def test_flows_are_listed_by_project(user: Client, base: str, north: dict[str, str]) -> None:
    other = user.post(f"{base}/projects", {"name": "Other"}).json["id"]

    assert len(user.get(f"{base}/flows?project_id={north['project_id']}").json["items"]) == 1
    assert user.get(f"{base}/flows?project_id={other}").json["items"] == []


def test_options_of_a_flow_are_replaced(user: Client, base: str, north: dict[str, str]) -> None:
    flow = f"{base}/flows/{north['flow_id']}"

    changed = user.patch(flow, {"options": {"ended": "drop"}, "enabled": False}, if_match='"1"')
    unchanged = user.patch(flow, {}, if_match=changed.etag)

    assert (changed.json["options"]["ended"], changed.json["enabled"]) == ("drop", False)
    assert (unchanged.status, unchanged.etag) == (200, changed.etag)


def test_a_connection_is_tested_before_it_is_stored_and_shows_the_host_key(user: Client, base: str) -> None:
    connection = {"username": "u", "password": "planted-secret"}

    first = user.post(f"{base}/asm-account-tests", connection)

    assert first.status == 200
    assert (first.json["reached"], first.json["accepted"], first.json["code"]) == (True, False, "host-key-unknown")
    assert "planted-secret" not in first.text


def test_a_stored_connection_is_tested(user: Client, base: str, north: dict[str, str]) -> None:
    probe = user.post(f"{base}/asm-accounts/{north['asm_account_id']}/test").json

    assert (probe["signed_in"], probe["folder_found"], probe["code"]) == (True, True, None)


def test_templates_tell_what_to_have_at_hand(user: Client) -> None:
    templates = user.get("/v1/templates").json["items"]

    assert [template["id"] for template in templates] == ["oneroster-csv", "asm-csv"]
    assert all(template["needs"] and template["files"] and template["options"] for template in templates)


def test_a_run_is_shown_with_links_to_what_there_is_of_it(user: Client, run: str, base: str) -> None:
    shown = user.get(run).json

    assert [step["name"] for step in shown["steps"]] == ["receive"]
    assert "bucket" not in str(shown)
    for name, link in shown["links"].items():
        assert name == "rerun" or user.get(link).status == 200, name
    assert shown["links"].keys() >= {"source", "result", "errors", "provenance", "report", "status", "flow", "rerun"}


def test_a_run_that_has_just_begun_has_no_link_to_a_result(
    world: FakeWorld, user: Client, run: str, north: dict[str, str]
) -> None:
    known = world.runs.runs[north["run_id"]]
    world.runs.runs[known.id] = known.model_copy(update={"report": None, "result": None, "provenance": None})

    assert not user.get(run).json["links"].keys() & {"result", "errors", "provenance", "report"}
    assert user.get(f"{run}/report").code == "report-missing"
    assert user.get(f"{run}/downloads/result").code == "file-missing"


def test_the_status_is_answered_in_full_only_when_it_has_changed(
    world: FakeWorld, user: Client, run: str, north: dict[str, str]
) -> None:
    first = user.get(f"{run}/status")
    again = user.get(f"{run}/status", if_none_match=first.etag)
    world.runs.end(north["run_id"], status=RunStatus.FAILED, error="asm-unreachable")
    changed = user.get(f"{run}/status", if_none_match=first.etag)

    assert (first.status, first.json["status"], first.json["final"]) == (200, "succeeded", True)
    assert (again.status, again.text, again.etag) == (304, "", first.etag)
    assert (changed.status, changed.json["status"]) == (200, "failed")
    assert changed.etag != first.etag
    assert user.get(f"{run}/status", if_none_match=f'W/{changed.etag}, "x"').status == 304


def test_the_report_is_the_one_that_is_stored(user: Client, run: str) -> None:
    report = user.get(f"{run}/report").json

    assert (report["accepted"], report["summary"], report["entries"]) == (True, "Summary of north", [])


@pytest.mark.parametrize("what", ["source", "result", "errors", "provenance"])
def test_a_download_is_a_link_for_five_minutes(world: FakeWorld, user: Client, run: str, what: str) -> None:
    link = user.get(f"{run}/downloads/{what}").json

    assert world.objects.links[link["url"]][2] == 300
    assert link["expires_at"] == "2026-10-01T06:35:00Z"


def test_nothing_else_is_downloaded(user: Client, run: str) -> None:
    assert user.get(f"{run}/downloads/secrets").status == 422


def test_a_run_is_started_again_once_for_a_key(world: FakeWorld, user: Client, run: str, north: dict[str, str]) -> None:
    world.now += timedelta(seconds=1)
    first = user.post(f"{run}/rerun", idempotency_key="key")
    again = user.post(f"{run}/rerun", idempotency_key="key")

    assert (first.status, first.json["rerun_of"]) == (201, north["run_id"])
    assert first.json["id"] == again.json["id"]
    assert list(world.workflow.started) == [first.json["id"]]
    assert user.get(f"{run}/neighbours").json == {"previous": None, "next": first.json["id"]}


def test_the_history_is_paged(user: Client, run: str, base: str, north: dict[str, str]) -> None:
    user.post(f"{run}/rerun")
    runs = f"{base}/projects/{north['project_id']}/runs"

    first = user.get(f"{runs}?limit=1").json
    rest = user.get(f"{runs}?limit=1&cursor={first['cursor']}").json

    assert {found["items"][0]["id"] for found in (first, rest)} >= {north["run_id"]}
    assert rest["cursor"] is None
    assert len(user.get(f"{runs}?status=succeeded&flow_id={north['flow_id']}").json["items"]) == 1


def test_users_are_invited_and_removed_by_operators_alone(
    user: Client, staff: Client, base: str, north: dict[str, str]
) -> None:
    assert user.post(f"{base}/users", {"email": "new@north.example"}).code == "operators-only"
    invited = staff.post(f"{base}/users", {"email": "new@north.example"})
    again = staff.post(f"{base}/users", {"email": "new@north.example"})

    assert (invited.status, invited.json["role"]) == (201, "administrator")
    assert again.code == "user-known"
    keyed = [staff.post(f"{base}/users", {"email": "b@north.example"}, idempotency_key="key") for _ in range(2)]
    assert [answer.status for answer in keyed] == [201, 201]
    assert keyed[0].json == keyed[1].json
    other = staff.post(f"{base}/users", {"email": "c@north.example"}, idempotency_key="key")
    assert other.code == "idempotency-key-reused"
    assert staff.delete(f"{base}/users/{keyed[0].json['id']}").status == 204
    assert staff.delete(f"{base}/users/{invited.json['id']}").status == 204
    assert [found["id"] for found in user.get(f"{base}/users").json["items"]] == [north["user_id"]]


def test_options_of_a_flow_have_at_most_a_thousand_entries_each(user: Client, base: str, north: dict[str, str]) -> None:
    flow, most = f"{base}/flows/{north['flow_id']}", [f"{number}" for number in range(1000)]
    accounts = {"file_account": north["file_account_id"], "asm_account": north["asm_account_id"]}
    new = {"project_id": north["project_id"], "name": "Roster", "template": "oneroster-csv", **accounts}

    for name in ("terms", "schools", "grades", "staff_roles"):
        for entries, status in ((most, (200, 201)), ([*most, "1001"], (422, 422))):
            etag = user.get(flow).etag
            changed = user.patch(flow, {"options": {name: entries}}, if_match=etag)
            made = user.post(f"{base}/flows", {**new, "options": {name: entries}})
            assert (changed.status, made.status) == status, name
    repairs = {"options": {"asm_repairs": ["instructors"] * 1001}}
    assert user.patch(flow, repairs, if_match=user.get(flow).etag).status == 422


def test_the_flows_of_an_account_stand_in_one_order(
    world: FakeWorld, user: Client, account: str, north: dict[str, str]
) -> None:
    owner, identity = north["organization_id"], north["file_account_id"]
    names = {f"flow-{number:02}" for number in range(20)}
    for name in names:
        world.accounts.put(
            flows.flow(id=name, organization_id=owner, file_account_id=identity, asm_account_id=north["asm_account_id"])
        )

    assert user.get(account).json["flow_ids"] == sorted({*names, north["flow_id"]})
