"""The home of a deleted file account goes when its time of grace is over, and no other one."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from local.stack import OPERATOR
from rosterbridge.flows.models import FileAccount
from tests.support.stack import Sender, StackUnderTest


def homes(stack: StackUnderTest, sender: Sender) -> list[str]:
    """Return what lies in a sender's home, older versions too."""
    prefix = f"home/{sender.file_account_id}/"
    found = stack.client("s3").list_object_versions(Bucket=stack.outputs["HomeBucket"], Prefix=prefix)
    return [version["Key"] for version in found.get("Versions", [])]


def leave_unfinished(stack: StackUnderTest, sender: Sender) -> None:
    """Leave what no run takes: two versions of an unfinished upload."""
    for body in (b"half", b"more than half"):
        key = f"home/{sender.file_account_id}/roster.zip.part"
        stack.client("s3").put_object(Bucket=stack.outputs["HomeBucket"], Key=key, Body=body)


def delete(stack: StackUnderTest, sender: Sender) -> None:
    """Delete a sender's flow and file account."""
    flows, organization_id = stack.local.stores.flows, stack.local.organization_id
    flow = flows.get(OPERATOR, organization_id, sender.created.flow.id)
    flows.delete(OPERATOR, organization_id, flow.id, flow.version)
    account = flows.file_accounts.get(OPERATOR, organization_id, sender.file_account_id)
    flows.file_accounts.delete(OPERATOR, organization_id, account.id, account.version)


def let_pass(stack: StackUnderTest, sender: Sender) -> None:
    """Let the time of grace be over."""
    stack.client("dynamodb").update_item(
        TableName=stack.outputs["AccountTable"],
        Key={"pk": {"S": "homes"}, "sk": {"S": sender.file_account_id}},
        UpdateExpression="SET due_at = :past",
        ConditionExpression="due_at > :past",
        ExpressionAttributeValues={":past": {"S": f"{datetime.now(UTC) - timedelta(seconds=1):%Y-%m-%dT%H:%M:%S.%fZ}"}},
    )


def sweep(stack: StackUnderTest) -> dict[str, int]:
    answer = stack.client("lambda").invoke(FunctionName="rosterbridge-local-sweep", Payload=b"{}")
    swept: dict[str, int] = json.load(answer["Payload"])
    return swept


def test_a_home_is_emptied_when_the_grace_of_its_deleted_account_is_over(stack: StackUnderTest) -> None:
    gone, fresh, used = (stack.create_flow() for _ in range(3))
    for sender in (gone, fresh, used):
        leave_unfinished(stack, sender)
    for sender in (gone, fresh):
        delete(stack, sender)
    assert stack.local.stores.accounts.get(FileAccount, stack.local.organization_id, gone.file_account_id) is None
    let_pass(stack, gone)

    assert sweep(stack) == {"homes": 1, "lanes": 0, "files": 2, "runs": 0}

    assert homes(stack, gone) == []
    assert len(homes(stack, fresh)) == len(homes(stack, used)) == 2
    assert sweep(stack) == {"homes": 0, "lanes": 0, "files": 0, "runs": 0}
