"""The functions api and sweep as Lambda loads them, over AWS by moto."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rosterbridge.adapters.dynamodb import DynamoAccountStore
from rosterbridge.api.service import service
from tests.support import api, flows
from tests.unit.functions.conftest import Aws, Context, Load, Output

SETTINGS = {
    "AUDIT_TABLE": "audit",
    "AUDIT_RETENTION_DAYS": "400",
    "CLI_CLIENT_ID": "client-of-the-command-line",
    "ERASURES_ARN": "arn:aws:states:eu-west-1:111122223333:stateMachine:Erasures",
    "CHANGES_PER_MINUTE": "3",
    "HOME_GRACE_DAYS": "1",
    "PRIVATE_ASM_HOSTS": "false",
    "SFTP_HOST": "sftp.example.org",
    "SFTP_PORT": "22",
    "SFTP_SERVER_ID": "s-0123456789abcdef0",
    "USER_POOL_ID": "eu-west-1_AbCdEf123",
}
OPERATOR = api.claims(user="user-operator", groups="[operator]", organization=None)


@pytest.fixture(autouse=True)
def _deployed(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    service.cache_clear()
    yield
    service.cache_clear()


def ask(load: Load, method: str, target: str, token: Any, body: Any = None, **headers: str) -> dict[str, Any]:
    text = None if body is None else json.dumps(body)
    event = api.event(method, target, token=token, body=text, headers=headers)
    answer: dict[str, Any] = load("api").lambda_handler(event, Context())
    return {"status": answer["statusCode"], **(json.loads(answer["body"]) if answer.get("body") else {})}


def test_an_organization_and_its_project_are_created_and_read_again(load: Load, output: Output) -> None:
    made = ask(load, "POST", "/v1/organizations", OPERATOR, {"name": "planted-name"})
    administrator = api.claims(organization=made["id"])
    projects = f"/v1/organizations/{made['id']}/projects"

    project = ask(load, "POST", projects, administrator, {"name": "planted-name"})
    listed = ask(load, "GET", projects, administrator)
    trail = ask(load, "GET", f"/v1/organizations/{made['id']}/audit", administrator)

    assert (made["status"], project["status"]) == (201, 201)
    assert [found["id"] for found in listed["items"]] == [project["id"]]
    assert [found["kind"] for found in trail["items"]] == ["project", "organization"]
    assert "planted" not in output.text()


def test_the_organization_of_another_is_not_found(load: Load) -> None:
    made = ask(load, "POST", "/v1/organizations", OPERATOR, {"name": "North"})
    stranger = api.claims(organization="org-other")

    answer = ask(load, "GET", f"/v1/organizations/{made['id']}", stranger)

    assert (answer["status"], answer["code"]) == (404, "organization-missing")


def test_more_changes_than_the_limit_are_refused(load: Load) -> None:
    answers = [ask(load, "POST", "/v1/organizations", OPERATOR, {"name": "North"}) for _ in range(4)]

    assert [answer["status"] for answer in answers] == [201, 201, 201, 429]


def test_a_setting_that_is_missing_is_named_in_the_log_alone(
    load: Load, output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("USER_POOL_ID")

    answer = ask(load, "GET", "/v1/me", OPERATOR)

    assert (answer["status"], answer["code"]) == (500, "unexpected-error")
    assert "USER_POOL_ID missing" in output.log.getvalue()


def test_reading_starts_without_what_only_a_connection_test_needs(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    made = ask(load, "POST", "/v1/organizations", OPERATOR, {"name": "North"})
    heavy = {"paramiko", "rosterbridge.adapters.sftp"}
    for name in [name for name in sys.modules if name in heavy or name.startswith("paramiko.")]:
        monkeypatch.delitem(sys.modules, name)
    service.cache_clear()

    assert ask(load, "GET", f"/v1/organizations/{made['id']}/flows", OPERATOR)["items"] == []
    assert not heavy & sys.modules.keys()


@pytest.mark.parametrize("per_account", ["false", "true"])
def test_clients_are_told_the_endpoints_name_or_one_of_their_account(
    load: Load, monkeypatch: pytest.MonkeyPatch, per_account: str
) -> None:
    monkeypatch.setenv("SFTP_HOST_PER_ACCOUNT", per_account)
    monkeypatch.setattr(service().sftp.server, "host_key_fingerprints", list, raising=False)
    accounts = "/v1/organizations/{}/file-accounts".format(
        ask(load, "POST", "/v1/organizations", OPERATOR, {"name": "North"})["id"]
    )

    made = ask(load, "POST", accounts, OPERATOR, {"username": "district"})
    (listed,) = ask(load, "GET", accounts, OPERATOR)["items"]

    own = f"{made['id']}.sftp.example.org"
    assert made["host"] == listed["host"] == (own if per_account == "true" else "sftp.example.org")
    assert re.fullmatch(r"[a-z0-9-]{1,63}", made["id"]), "it is a part of a host name"


def test_the_home_of_a_deleted_file_account_is_swept_when_its_time_is_over(
    load: Load, aws: Aws, monkeypatch: pytest.MonkeyPatch, output: Output
) -> None:
    made = ask(load, "POST", "/v1/organizations", OPERATOR, {"name": "North"})
    accounts = f"/v1/organizations/{made['id']}/file-accounts"
    monkeypatch.setattr(service().sftp.server, "host_key_fingerprints", list, raising=False)
    account = ask(load, "POST", accounts, OPERATOR, {"username": "planted-user"})
    aws.clients["s3"].put_object(Bucket="homes", Key=f"home/{account['id']}/planted.zip", Body=b"x")
    aws.clients["s3"].put_object(Bucket="homes", Key="home/fa-other/other.zip", Body=b"x")
    deleted = ask(load, "DELETE", f"{accounts}/{account['id']}", OPERATOR, **{"if-match": '"1"'})

    assert deleted["status"] == 204
    assert load("sweep").lambda_handler({}, Context()) == {"homes": 0, "lanes": 0, "files": 0, "runs": 0}
    monkeypatch.setattr(DynamoAccountStore, "due_homes", due_in_two_days(DynamoAccountStore.due_homes))
    assert load("sweep").lambda_handler({}, Context()) == {"homes": 1, "lanes": 0, "files": 1, "runs": 0}
    assert load("sweep").lambda_handler({}, Context()) == {"homes": 0, "lanes": 0, "files": 0, "runs": 0}
    assert [found["Key"] for found in aws.clients["s3"].list_objects_v2(Bucket="homes")["Contents"]] == [
        "home/fa-other/other.zip"
    ]
    assert "planted" not in output.text()


def due_in_two_days(due_homes: Any) -> Any:
    """Let the clock of the function go before."""
    return lambda store, now: due_homes(store, now + timedelta(days=2))


def test_a_run_that_was_recorded_and_not_started_is_started_by_the_sweep(load: Load, aws: Aws) -> None:
    run = aws.runs.create(flows.run())
    aws.accounts.note_start(run.id, flows.AT)
    aws.accounts.note_start("0" * 32, datetime.now(UTC))

    assert load("sweep").lambda_handler({}, Context()) == {"homes": 0, "lanes": 0, "files": 0, "runs": 1}
    assert load("sweep").lambda_handler({}, Context()) == {"homes": 0, "lanes": 0, "files": 0, "runs": 0}

    started = aws.clients["stepfunctions"].list_executions(stateMachineArn=aws.state_machine_arn)["executions"]
    assert [execution["name"] for execution in started] == [run.id]
