"""Whoever has nothing but an SFTP client reads in ``reports/`` what happened, and the organization is told."""

from __future__ import annotations

import csv
import io
import json
import urllib.request
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from local.sample import sample_files, write_sample
from local.stack import OPERATOR
from rosterbridge.adapters.dynamodb_items import timestamp, to_item
from rosterbridge.flows.models import RunStatus
from rosterbridge.flows.organizations import Organizations
from tests.support.sftp_clients import Login, by_paramiko
from tests.support.stack import Sender, StackUnderTest, wait_for

ADDRESS = "rosters@example.org"


@pytest.fixture(autouse=True)
def _told(stack: StackUnderTest) -> None:
    """Give the local organization an address."""
    organizations = Organizations(stack.local.stores.changes)
    now = organizations.get(OPERATOR, stack.local.organization_id)
    organizations.update(OPERATOR, now.id, now.version, notify=[ADDRESS])


def without_classes(path: Path) -> Path:
    """Write a roster in which a file is missing."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in sample_files().items():
            if name != "classes.csv":
                archive.writestr(name, text)
    return path


def login(stack: StackUnderTest, sender: Sender) -> Login:
    return Login(stack.sftp_port, stack.sftp_host_key, sender.server.username, sender.server.password)


def results(stack: StackUnderTest, sender: Sender, count: int) -> dict[str, str]:
    """Return the files in the folder of results when there are so many of them."""
    wait_for(lambda: len(listed(stack, sender)) >= count, f"{count} files of results")
    with by_paramiko(login(stack, sender)) as sftp:
        names = sorted(sftp.listdir("/reports"))
        return {name: sftp.open(f"/reports/{name}").read().decode("utf-8-sig") for name in names}


def listed(stack: StackUnderTest, sender: Sender) -> list[str]:
    """Return the names in the folder of results, which is there when something is in it."""
    with by_paramiko(login(stack, sender)) as sftp:
        return sftp.listdir("/reports") if "reports" in sftp.listdir("/") else []


def mails(stack: StackUnderTest) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{stack.endpoint}/_ministack/ses/messages", timeout=10) as answer:  # noqa: S310
        accounts: dict[str, list[dict[str, Any]]] = json.load(answer)["messages"]
    return [mail for messages in accounts.values() for mail in messages if mail["To"] == [ADDRESS]]


def test_a_rejected_upload_is_told_in_the_home_and_by_mail(stack: StackUnderTest, tmp_path: Path) -> None:
    sender = stack.create_flow()
    stack.upload(without_classes(tmp_path / "broken.zip"), sender)
    run = stack.wait_for_run(sender)
    assert run.status is RunStatus.REJECTED

    found = results(stack, sender, 2)

    sheet, text = (found[name] for name in found)
    (table_name, text_name) = found
    assert table_name.endswith(f" rejected broken {run.id[:8]}.csv")
    assert text_name == table_name.replace(".csv", ".txt")
    assert text.startswith(f"{run.summary}\r\n")
    assert "classes.csv - classes.csv is missing" in text
    assert "missing-file" in {row["code"] for row in csv.DictReader(io.StringIO(sheet))}
    (mail,) = wait_for(lambda: [mail for mail in mails(stack) if run.id in mail["BodyText"]], "the mail")
    assert mail["Subject"] == "Rosterbridge: an upload was rejected"
    assert f"{stack.local.console}/runs/{run.id}" in mail["BodyText"]


def test_a_succeeded_upload_is_told_in_the_home_alone(stack: StackUnderTest, tmp_path: Path) -> None:
    sender = stack.create_flow()
    stack.upload(write_sample(tmp_path / "roster.zip"), sender)
    run = stack.wait_for_run(sender)

    found = results(stack, sender, 2)

    text = found[next(name for name in found if name.endswith(".txt"))]
    assert text.startswith("Succeeded: Sent to Apple School Manager: ")
    assert [mail for mail in mails(stack) if run.id in mail["BodyText"]] == []


def test_a_switched_off_flow_tells_its_sender(stack: StackUnderTest, tmp_path: Path) -> None:
    sender = stack.create_flow()
    stack.switch_off(sender.created.flow)
    stack.upload(write_sample(tmp_path / "roster.zip"), sender)

    found = results(stack, sender, 2)

    assert any("Switch it on and upload again." in text for text in found.values())


def test_what_a_client_puts_beside_the_results_starts_no_run_and_results_can_be_removed(
    stack: StackUnderTest, tmp_path: Path
) -> None:
    sender, roster = stack.create_flow(), write_sample(tmp_path / "roster.zip")
    stack.upload(roster, sender)
    stack.wait_for_run(sender)
    found = results(stack, sender, 2)

    with by_paramiko(login(stack, sender)) as sftp:
        sftp.put(str(roster), "/reports/mine.zip")
        for name in found:
            sftp.remove(f"/reports/{name}")
        assert sftp.listdir("/reports") == ["mine.zip"]
    stack.upload(roster, sender)
    stack.wait_for_run(sender, number=2)

    wait_for(lambda: len(listed(stack, sender)) == 3, "the second result")
    assert len(stack.runs(sender)) == 2
    assert "mine.zip" in listed(stack, sender)


def test_an_upload_that_does_not_come_is_told_by_mail(stack: StackUnderTest) -> None:
    sender = stack.create_flow(expected_by="00:00")
    flow = sender.created.flow
    expected_since(stack, flow.id, datetime(2026, 1, 1, tzinfo=UTC))

    first = check(stack)
    second = check(stack)

    assert first["told"] >= 1
    assert second == {"told": 0}
    (mail,) = [mail for mail in mails(stack) if flow.id in mail["BodyText"]]
    assert mail["Subject"] == "Rosterbridge: an upload is missing"
    assert "came by 00:00 (UTC)" in mail["BodyText"]


def expected_since(stack: StackUnderTest, flow_id: str, at: datetime) -> None:
    """Let a flow have expected its uploads since then."""
    stack.client("dynamodb").update_item(
        TableName=stack.outputs["AccountTable"],
        Key=to_item({"pk": "watches", "sk": flow_id}),
        UpdateExpression="SET since = :at",
        ConditionExpression="attribute_exists(pk)",
        ExpressionAttributeValues=to_item({":at": timestamp(at)}),
    )


def check(stack: StackUnderTest) -> dict[str, int]:
    answer = stack.client("lambda").invoke(FunctionName="rosterbridge-local-watch", Payload=b"{}")
    told: dict[str, int] = json.load(answer["Payload"])
    return told


def test_a_held_upload_is_told_before_anybody_decides(stack: StackUnderTest, tmp_path: Path) -> None:
    sender = stack.create_flow(guard={})
    stack.upload(write_sample(tmp_path / "all.zip", students=60), sender)
    stack.wait_for_run(sender)
    results(stack, sender, 2)

    stack.upload(write_sample(tmp_path / "few.zip", students=30), sender)
    run = stack.wait_for_status(sender, "held")
    found = results(stack, sender, 4)

    text = next(text for name, text in found.items() if " held few " in name and name.endswith(".txt"))
    assert "students would be deactivated" in text
    assert "Nothing is sent until an administrator of Rosterbridge approves or rejects this upload." in text
    (mail,) = wait_for(lambda: [mail for mail in mails(stack) if run.id in mail["BodyText"]], "the mail")
    assert mail["Subject"] == "Rosterbridge: an upload waits for your approval"
    assert "students would be deactivated" in mail["BodyText"]
