"""What is deployed is deployed once, and what cannot be says why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from local import deploy
from local.deploy import DeployError
from tests.support.stack import StackUnderTest


def test_a_second_start_neither_synthesizes_nor_deploys(stack: StackUnderTest) -> None:
    plan = stack.local.plan
    synthesized = plan.synthesized.stat().st_mtime_ns
    events = _events(stack)

    outputs = deploy.deploy(plan, deploy.prepare(plan), stack.local.aws)

    assert outputs == stack.outputs
    assert plan.synthesized.stat().st_mtime_ns == synthesized
    assert _events(stack) == events


def _events(stack: StackUnderTest) -> int:
    cloudformation = stack.client("cloudformation")
    return sum(len(cloudformation.describe_stack_events(StackName=name)["StackEvents"]) for name in deploy.STACKS)


def test_a_changed_setting_is_another_plan(tmp_path: Path) -> None:
    assert deploy.plan(tmp_path).digest() == deploy.plan(tmp_path).digest()
    assert deploy.plan(tmp_path, log_retention_days=30).digest() != deploy.plan(tmp_path).digest()


def test_a_wrong_setting_is_named(tmp_path: Path) -> None:
    with pytest.raises(DeployError, match=r"does not synthesize:\n(.*\n)*.*log_retention_days"):
        deploy.prepare(deploy.plan(tmp_path, log_retention_days=-1))


QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {}}
BROKEN = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::ImportValue": "no-such-export"}}}
NO_EXPORT = r"Broken \(AWS::SQS::Queue\): Export 'no-such-export' not found"


def _apply(stack: StackUnderTest, name: str, **resources: object) -> None:
    bucket = f"cdk-hnb659fds-assets-000000000000-{stack.region}"
    body = json.dumps({"Resources": resources}).encode()
    stack.client("s3").put_object(Bucket=bucket, Key=f"{name}.json", Body=body)
    deploy._apply(name, f"{stack.endpoint}/{bucket}/{name}.json", stack.local.aws)


def test_a_stack_that_cannot_be_created_names_the_reason_and_can_be_tried_again(stack: StackUnderTest) -> None:
    for _ in range(2):  # the second time over what the first has left
        with pytest.raises(DeployError, match=rf"(?s)stack Created ended CREATE_FAILED:.*{NO_EXPORT}"):
            _apply(stack, "Created", Kept=QUEUE, Broken=BROKEN)

    _apply(stack, "Created", Kept=QUEUE)


def test_an_update_that_fails_keeps_what_was_there(stack: StackUnderTest) -> None:
    _apply(stack, "Updated", Kept=QUEUE)
    before = _queue(stack, "Updated")

    with pytest.raises(DeployError, match=rf"(?s)stack Updated ended UPDATE_ROLLBACK_COMPLETE:.*{NO_EXPORT}"):
        _apply(stack, "Updated", Kept=QUEUE, Broken=BROKEN)
    _apply(stack, "Updated", Kept=QUEUE, Another=QUEUE)

    assert _queue(stack, "Updated") == before


def _queue(stack: StackUnderTest, name: str) -> str:
    found = stack.client("cloudformation").describe_stack_resource(StackName=name, LogicalResourceId="Kept")
    url: str = found["StackResourceDetail"]["PhysicalResourceId"]
    return url
