"""No log line, execution history, trace of a queue or database item holds a pupil, an address or a password."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.sample import sample_files
from local.stack import Account
from local.upload import UploadError, upload
from rosterbridge.flows.models import RunStatus
from tests.support import privacy
from tests.support.openssh import any_client
from tests.support.stack import Sender, StackUnderTest, wait_for

GIVEN, FAMILY, EMAIL, WRONG_PASSWORD = "Quillonix", "Vartanbrook", "quillonix.v", "Grzwbl-wrong-password"


def _roster(path: Path, *, broken: bool) -> Path:
    """Write a roster in which every user has the planted names; broken, many rows are wrong too."""
    files = sample_files()
    header, *users = files["users.csv"].splitlines()
    columns = header.split(",")
    planted = []
    for number, line in enumerate(users):
        cells = dict(zip(columns, ("x," * (len(columns) - 1) + "x").split(","), strict=True))
        cells |= dict.fromkeys(("status", "dateLastModified", "middleName", "sms", "phone", "password"), "")
        identity = line.split(",")[0]
        role = identity.split("-")[0]
        cells |= {
            "sourcedId": identity,
            "enabledUser": "true",
            "orgSourcedIds": "org-north" if number % 2 == 0 else "org-south",
            "role": role,
            "givenName": GIVEN,
            "familyName": "" if broken and number % 3 == 0 else FAMILY,
            "email": f"{EMAIL}{number}@example.org" + (" broken" if broken else ""),
            "grades": "03",
            "agentSourcedIds": "",
            "userIds": "",
        }
        planted.append(",".join(cells[column] for column in columns))
    files["users.csv"] = "\r\n".join([header, *planted]) + "\r\n"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def _items(stack: StackUnderTest) -> Iterator[str]:
    for table in ("AccountTable", "RunTable"):
        for page in stack.client("dynamodb").get_paginator("scan").paginate(TableName=stack.outputs[table]):
            yield from (json.dumps(item, default=str) for item in page["Items"])


def _histories(stack: StackUnderTest, sender: Sender) -> Iterator[str]:
    for run in stack.runs(sender):
        yield from (json.dumps(event, default=str) for event in stack.execution_history(run))


@pytest.fixture(scope="module")
def sender(stack: StackUnderTest, tmp_path_factory: pytest.TempPathFactory) -> Sender:
    """A sender whose uploads went every way: sent, rejected, refused by Apple, and refused at the door."""
    folder = tmp_path_factory.mktemp("privacy")
    sender = stack.create_flow()
    stack.upload(_roster(folder / "good.zip", broken=False), sender)
    assert stack.wait_for_run(sender).status is RunStatus.SUCCEEDED
    stack.upload(_roster(folder / "bad.zip", broken=True), sender)
    assert stack.wait_for_run(sender, number=2).status is RunStatus.REJECTED
    with pytest.raises(UploadError):
        upload(folder / "good.zip", dataclasses.replace(sender.server, password=WRONG_PASSWORD), any_client())
    refused = stack.create_flow(asm_password=WRONG_PASSWORD)
    stack.upload(folder / "good.zip", refused)
    assert stack.wait_for_run(refused).status is RunStatus.FAILED
    return sender


def test_nothing_that_is_kept_outside_of_the_files_holds_a_person_or_a_password(
    stack: StackUnderTest, sender: Sender
) -> None:
    secrets = (GIVEN, FAMILY, EMAIL, WRONG_PASSWORD, sender.server.password, stack.local.apple_password)
    places = {
        "logs": list(stack.log_lines()),
        "items": list(_items(stack)),
        "histories": list(_histories(stack, sender)),
        "process logs": list(stack.process_log_lines()),
    }

    assert all(places.values()), {name: len(lines) for name, lines in places.items()}
    found = [
        (name, secret, line[:200])
        for name, lines in places.items()
        for line in lines
        for secret in secrets
        if secret.casefold() in line.casefold()
    ]
    assert found == []


def test_what_happened_to_a_run_is_found_by_its_id_and_each_outcome_is_counted(
    stack: StackUnderTest, sender: Sender
) -> None:
    sent = next(run for run in stack.runs(sender) if run.status is RunStatus.SUCCEEDED)

    def told() -> list[dict[str, Any]] | None:
        written = [
            json.loads(text) for text in (line.partition(": ")[2] for line in stack.log_lines()) if "{" in text[:1]
        ]
        about = [line for line in written if line.get("correlation_id") == sent.id]
        counted = {name for line in written if "_aws" in line for name in line}
        whole = {"RunsReceived", "RunsSucceeded", "RunsRejected", "RunsFailed", "TimeToDelivery", "SignInRefused"}
        return about if whole <= counted and "told" in {line["message"] for line in about} else None

    lines = wait_for(told, "the outcomes are counted")

    steps = ("validate", "convert", "guard", "forward", "notify")
    assert {line["service"] for line in lines} == {f"rosterbridge-{name}" for name in steps}


@pytest.mark.parametrize("table", ["AccountTable", "RunTable", "AuditTable"])
def test_every_attribute_of_every_item_is_told_with_what_it_is_for(
    stack: StackUnderTest, sender: Sender, table: str
) -> None:
    pages = stack.client("dynamodb").get_paginator("scan").paginate(TableName=stack.outputs[table])
    found = {name for page in pages for item in page["Items"] for name in item}

    assert "expires_at" in found
    assert found - privacy.words(privacy.TEXT) == set()


def test_the_search_would_find_them(stack: StackUnderTest, sender: Sender) -> None:
    run = next(run for run in stack.runs(sender) if run.status is RunStatus.SUCCEEDED)

    with zipfile.ZipFile(stack.landed(run)) as archive:
        assert GIVEN in archive.read("students.csv").decode()
    assert any(sender.file_account_id in item for item in _items(stack))
    assert any(run.id in line for line in stack.log_lines())
    assert any(run.id in event for event in _histories(stack, sender))


@pytest.mark.parametrize("file", ["stack.json", "apple_password", "apple_host_key", "sftp_host_key"])
def test_what_holds_a_secret_is_readable_by_its_owner_only(stack: StackUnderTest, file: str) -> None:
    if file == "stack.json":
        Account(stack.local)

    assert (stack.local.state / file).stat().st_mode & 0o077 == 0
