"""What all operations have in common: who may ask, how a body looks, and how a refusal does."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any

import pytest

from rosterbridge.adapters import dynamodb_runs
from rosterbridge.adapters.dynamodb import DynamoRunStore
from rosterbridge.api.requests import MAX_BODY_BYTES
from rosterbridge.errors import PermanentError, TransientError
from tests.support.api import NOW, Client, FakeWorld, administrator, claims

SECRET = "planted-secret"


def test_me_tells_user_role_and_organization(user: Client, staff: Client, north: dict[str, str]) -> None:
    assert user.get("/v1/me").json == {
        "user_id": "user-1",
        "role": "administrator",
        "organization_id": north["organization_id"],
    }
    assert staff.get("/v1/me").json == {"user_id": "user-operator", "role": "operator", "organization_id": None}


@pytest.mark.parametrize("groups", ["[administrator operator]", "[operator]", "operator", ["operator"], "a,operator"])
def test_a_group_is_understood_in_every_form_that_api_gateway_writes(world: FakeWorld, groups: Any) -> None:
    token = {**claims(organization=None), "cognito:groups": groups}

    assert Client(world, token).get("/v1/me").json["role"] == "operator"


@pytest.mark.parametrize(
    ("groups", "organization"),
    [(None, "organization-of-north"), ("[]", "organization-of-north"), ("[administrator]", None), ("[operators]", "x")],
)
def test_a_user_without_a_role_or_an_organization_may_nothing(
    world: FakeWorld, groups: str | None, organization: str | None
) -> None:
    answer = Client(world, claims(groups=groups, organization=organization)).get("/v1/me")

    assert (answer.status, answer.code) == (403, "no-role")


@pytest.mark.parametrize("changes", [{"token_use": "access"}, {"token_use": ""}, {"sub": ""}])
def test_another_token_than_an_id_token_is_refused(world: FakeWorld, changes: dict[str, str]) -> None:
    answer = Client(world, {**claims(organization="organization-of-north"), **changes}).get("/v1/me")

    assert (answer.status, answer.code) == (401, "id-token-required")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_request_that_no_authorizer_has_seen_is_refused(world: FakeWorld) -> None:
    assert Client(world, None).get("/v1/me").status == 401


def test_where_to_sign_in_is_told_to_anybody(world: FakeWorld) -> None:
    assert Client(world, None).get("/v1/sign-in").json == {
        "region": "eu-west-1",
        "user_pool_id": "eu-west-1_AbCdEf123",
        "client_id": "client-of-the-command-line",
    }
    assert Client(world, None).post("/v1/sign-in").status == 401


def test_a_browser_may_ask_without_a_token_whether_it_may_ask(world: FakeWorld) -> None:
    stranger = Client(world, None)

    assert stranger("OPTIONS", "/v1/me", access_control_request_method="GET").status == 204
    assert stranger("OPTIONS", "/v1/me").status == 401


def test_an_operators_own_organization_does_not_narrow_what_they_see(world: FakeWorld) -> None:
    token = claims(groups="[operator]", organization="organization-of-north")

    assert len(Client(world, token).get("/v1/organizations").json["items"]) == 2


def test_an_unknown_address_and_an_unknown_method_are_problems_too(user: Client) -> None:
    nowhere, put = user.get("/v1/nowhere"), user("PUT", "/v1/me")

    assert (nowhere.status, nowhere.code) == (404, "not-found")
    assert (put.status, put.code, put.headers["Allow"]) == (405, "method-not-allowed", "GET")
    assert {nowhere.headers["Content-Type"], put.headers["Content-Type"]} == {"application/problem+json"}


def test_nobody_on_the_way_keeps_an_answer(user: Client) -> None:
    for answer in (user.get("/v1/me"), user.get("/v1/nowhere")):
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "raw",
    [
        b"\xff\xfe",
        "{",
        "[]",
        '"text"',
        "null",
        '{"name": NaN}',
        '{"name": Infinity}',
        "[" * 100_000,
        '[{"name": "North"}]',
    ],
    ids=range(9),
)
def test_a_body_that_is_no_json_object_is_refused(user: Client, base: str, raw: str | bytes) -> None:
    answer = user("POST", f"{base}/projects", raw=raw)

    assert (answer.status, answer.code) == (400, "body-malformed")


def test_a_body_comes_in_base64_too(user: Client, base: str) -> None:
    answer = user("POST", f"{base}/projects", raw=json.dumps({"name": "Väst"}, ensure_ascii=False).encode())

    assert (answer.status, answer.json["name"]) == (201, "Väst")


def test_a_body_that_is_too_large_is_refused(user: Client, base: str) -> None:
    fits = json.dumps({"name": "x"}).ljust(MAX_BODY_BYTES)

    assert user("POST", f"{base}/projects", raw=fits).status == 201
    for raw in (f"{fits} ", f"{fits} ".encode(), fits[:-1] + "é"):
        answer = user("POST", f"{base}/projects", raw=raw)
        assert (answer.status, answer.code) == (413, "body-too-large")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_body_of_another_type_is_refused(user: Client, base: str, content_type: str) -> None:
    answer = user.post(f"{base}/projects", {"name": "x"}, content_type=content_type)

    assert (answer.status, answer.code) == (415, "content-type-unsupported")


def test_json_is_json_whatever_else_its_type_says(user: Client, base: str) -> None:
    answer = user.post(f"{base}/projects", {"name": "x"}, content_type="application/json; charset=utf-8")

    assert answer.status == 201


def test_each_wrong_field_is_named_and_nothing_of_it_repeated(user: Client, base: str, log: io.StringIO) -> None:
    options = {SECRET: 1, "severities": {SECRET: "error"}, "max_dropped": SECRET, "repair": SECRET}
    body = {
        "name": f"{SECRET}\n{SECRET}",
        "project_id": f"{SECRET} x",
        "template": SECRET,
        "file_account": {"username": f"{SECRET}/", "networks": [SECRET], SECRET: SECRET},
        "asm_account": {"password": "", "port": SECRET, "host_keys": SECRET},
        "options": options,
        SECRET: SECRET,
    }

    answer = user.post(f"{base}/flows?{SECRET}={SECRET}", body, **{SECRET: SECRET, "idempotency_key": f"{SECRET} x"})

    assert (answer.status, answer.code) == (422, "invalid-request")
    assert SECRET not in answer.text + log.getvalue()
    assert {
        "",
        "Idempotency-Key",
        "name",
        "project_id",
        "template",
        "file_account",
        "file_account.username",
        "file_account.networks.0",
        "asm_account.name",
        "asm_account.password",
        "asm_account.username",
        "asm_account.port",
        "asm_account.host_keys",
        "options.max_dropped",
        "options.repair",
    } == {found["field"] for found in answer.json["errors"]} - {"options"}


@pytest.mark.parametrize(
    "body", [{"name": 5}, {"name": "x", "save_data": "yes"}, {"name": "x", "save_data": 1}, {"name": ["x"]}, {}]
)
def test_json_is_taken_literally(user: Client, base: str, body: dict[str, Any]) -> None:
    assert user.post(f"{base}/projects", body).status == 422


@pytest.mark.parametrize("name", ["\ud800", "", " ", "a\nb", "x" * 101])
def test_a_name_is_one_line_of_text(user: Client, base: str, name: str) -> None:
    assert user.post(f"{base}/projects", {"name": name}).status == 422


def test_a_missing_body_is_refused(user: Client, base: str) -> None:
    assert user("POST", f"{base}/projects").status == 422


@pytest.mark.parametrize("since", ["5", "1700000000", "2026-10-01", "2026-10-01T06:00:00", "yesterday"])
def test_a_time_is_written_out_with_its_zone(user: Client, base: str, north: dict[str, str], since: str) -> None:
    runs = f"{base}/projects/{north['project_id']}/runs"

    answer = user.get(f"{runs}?since={since}")

    assert [found["field"] for found in answer.json["errors"]] == ["since"]
    assert user.get(f"{runs}?since=2026-10-01T06:00:00Z&until=2026-10-01T08:45:00%2B02:00").status == 200


class NoRuns:
    """A client of DynamoDB that finds nothing."""

    def query(self, **_named: Any) -> dict[str, Any]:
        return {"Items": []}


@pytest.mark.parametrize(
    "query",
    [
        "until=0001-01-01T00:00:00Z",
        "since=0001-01-01T00:00:00%2B05:00",
        "since=9999-12-31T23:59:59-05:00",
        "until=9999-12-31T23:59:59-05:00",
    ],
)
def test_the_ends_of_the_calendar_are_a_time_as_any(
    monkeypatch: pytest.MonkeyPatch, world: FakeWorld, user: Client, base: str, north: dict[str, str], query: str
) -> None:
    monkeypatch.setattr(dynamodb_runs, "client", lambda _service: NoRuns())
    world.runs = DynamoRunStore("runs")  # type: ignore[assignment]

    answer = user.get(f"{base}/projects/{north['project_id']}/runs?{query}")

    assert (answer.status, answer.json) == (200, {"items": [], "cursor": None})


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "limit=1&limit=2", "status=over", "flow_id=%C3%A9"]
)
def test_a_filter_that_makes_no_sense_is_refused(user: Client, base: str, north: dict[str, str], query: str) -> None:
    assert user.get(f"{base}/projects/{north['project_id']}/runs?{query}").status == 422


@pytest.mark.parametrize("cursor", ["x", "", "%00", "e30="])
def test_a_cursor_of_ones_own_making_is_refused(user: Client, base: str, cursor: str) -> None:
    answer = user.get(f"{base}/audit?cursor={cursor}")

    assert (answer.status, answer.code) == (422, "cursor-invalid")


def test_a_change_needs_the_version_that_was_read(user: Client, base: str, north: dict[str, str]) -> None:
    project = f"{base}/projects/{north['project_id']}"
    etag = user.get(project).etag

    missing = user.patch(project, {"name": "New"})
    changed = user.patch(project, {"name": "New"}, if_match=etag)
    late = user.patch(project, {"name": "Newer"}, if_match=etag)
    wrong = user.patch(project, {"name": "Newer"}, if_match="*")

    assert (missing.status, missing.code) == (428, "precondition-required")
    assert (changed.status, changed.json["name"], changed.etag) == (200, "New", '"2"')
    assert (late.status, late.code) == (412, "version-changed")
    assert wrong.json["errors"][0]["field"] == "If-Match"
    assert user.get(project).json["name"] == "New"


def test_a_repeated_creation_is_done_once(user: Client, base: str) -> None:
    first = user.post(f"{base}/file-accounts", {"username": "sis-new"}, idempotency_key="key,1")
    again = user.post(f"{base}/file-accounts", {"username": "sis-new"}, idempotency_key="key,1")
    other = user.post(f"{base}/file-accounts", {"username": "sis-other"}, idempotency_key="key,1")

    assert (first.status, again.status) == (201, 201)
    assert first.json["id"] == again.json["id"]
    assert len(first.json["password"]) == 24
    assert again.json["password"] is None
    assert (other.status, other.code) == (409, "idempotency-key-reused")


def test_an_idempotency_key_means_the_same_only_in_the_same_organization(world: FakeWorld, staff: Client) -> None:
    made = [
        staff.post(f"/v1/organizations/organization-of-{mark}/projects", {"name": "x"}, idempotency_key="key")
        for mark in ("north", "south")
    ]

    assert [answer.status for answer in made] == [201, 409]


def test_a_password_is_no_part_of_what_makes_a_request_the_same(user: Client, base: str) -> None:
    connection = {"name": "Apple", "username": "u", "host_keys": [KEY]}
    made = [
        user.post(f"{base}/asm-accounts", {**connection, "password": password}, idempotency_key="key").json["id"]
        for password in ("one", "two")
    ]

    assert made[0] == made[1]


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILTBbUZnLBWdAycbvKBpOpIyZ4jpWHjmJFu8i3InRsU5"


@pytest.mark.parametrize(
    ("method", "target", "counted"),
    [("GET", "/v1/me", 0), ("POST", "/v1/organizations", 1), ("PATCH", "/v1/nowhere", 1), ("DELETE", "/v1/me", 1)],
)
def test_changes_are_counted_and_reads_are_not(
    world: FakeWorld, user: Client, method: str, target: str, counted: int
) -> None:
    user(method, target)

    assert world.throttle.counted == [("user-1", NOW)] * counted


def test_too_many_changes_are_told_when_to_come_again(world: FakeWorld, user: Client, base: str) -> None:
    world.throttle.seconds = 17

    answer = user.post(f"{base}/projects", {"name": "x"})

    assert (answer.status, answer.code, answer.headers["Retry-After"]) == (429, "too-many-requests", "17")
    assert user.get("/v1/me").status == 200
    assert len(user.get(f"{base}/projects").json["items"]) == 1


def test_a_service_that_is_away_is_told_as_such(world: FakeWorld, user: Client, base: str, log: io.StringIO) -> None:
    fail(world, TransientError("aws-unreachable", "dynamodb ConnectTimeoutError"))

    answer = user.get(f"{base}/projects")

    assert (answer.status, answer.code, answer.headers["Retry-After"]) == (503, "unavailable", "5")
    assert "aws-unreachable" in log.getvalue()


@pytest.mark.parametrize("error", [ValueError(SECRET), PermanentError("aws-refused", "dynamodb"), KeyError(SECRET)])
def test_of_an_unexpected_error_only_kind_and_place_are_logged_and_nothing_answered(
    world: FakeWorld, user: Client, base: str, error: Exception, log: io.StringIO
) -> None:
    fail(world, error)

    answer = user.get(f"{base}/projects")

    assert (answer.status, answer.code) == (500, "unexpected-error")
    assert SECRET not in answer.text + log.getvalue()
    line = json.loads(log.getvalue().splitlines()[-1])
    assert line["kind"] == type(error).__name__
    assert isinstance(error, PermanentError) or any("fakes_fail" in place for place in line["place"])


def test_settings_that_are_missing_are_answered_and_logged(user: Client, log: io.StringIO) -> None:
    from rosterbridge.api.app import handle
    from rosterbridge.api.service import service
    from tests.support.api import Context, event

    service.cache_clear()
    answer = handle(event("GET", "/v1/me", token=user.token), Context(), service)  # type: ignore[arg-type]

    assert answer["statusCode"] == 500
    assert "ACCOUNT_TABLE missing" in log.getvalue()


def fail(world: FakeWorld, error: Exception) -> None:
    def fakes_fail(*_: Any) -> Any:
        raise error

    world.accounts.list = fakes_fail  # type: ignore[method-assign]


def test_the_source_of_a_change_is_in_the_audit_trail(world: FakeWorld, user: Client, base: str) -> None:
    world.now += timedelta(seconds=1)
    user.post(f"{base}/projects", {"name": "x"})

    newest = user.get(f"{base}/audit?limit=1").json
    assert (newest["items"][0]["source_ip"], newest["items"][0]["actor"]) == ("192.0.2.7", "user-1")
    assert newest["cursor"]
    assert len(user.get(f"{base}/audit?cursor={newest['cursor']}").json["items"]) == 1


def test_an_organization_is_created_by_operators_alone(user: Client, staff: Client) -> None:
    assert user.post("/v1/organizations", {"name": "East"}).code == "operators-only"
    assert staff.post("/v1/organizations", {"name": "East"}).status == 201


def test_another_user_of_the_organization_sees_the_same(world: FakeWorld, north: dict[str, str], base: str) -> None:
    one, two = (administrator(world, north["organization_id"], user=name) for name in ("user-1", "user-2"))

    assert one.get(f"{base}/flows").json == two.get(f"{base}/flows").json
