"""What an operator does after something went badly wrong, done to a local stack."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from typer.testing import CliRunner

from local import deploy
from local.clients import environment
from local.stack import Account, LocalStack
from rosterbridge.adapters.dead_letters import DeadLetterQueue, dead_letter_queues
from rosterbridge.adapters.deployed_stacks import DeployedStacks
from rosterbridge.cli import typer_app
from tests.support.stack import wait_for

STAGE = "local"


def operations(stack: LocalStack, *words: str) -> Any:
    """Return what a command of ``rosterbridge operations`` answers as JSON, with an operator's rights at AWS."""
    with environment(stack.aws.endpoint, stack.aws.region):
        done = CliRunner().invoke(typer_app, ["operations", *words, "--stage", STAGE, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@contextmanager
def bad_deploy(stack: LocalStack, function: str) -> Iterator[None]:
    """Let a version be live that does not start, and roll back to the one before at the end."""
    functions, name = stack.aws.client("lambda"), f"rosterbridge-{STAGE}-{function}"
    good = functions.get_alias(FunctionName=name, Name="live")["FunctionVersion"]
    functions.update_function_configuration(FunctionName=name, Handler="missing.lambda_handler")
    bad = functions.publish_version(FunctionName=name)["Version"]
    functions.update_alias(FunctionName=name, Name="live", FunctionVersion=bad)
    yield
    functions.update_alias(FunctionName=name, Name="live", FunctionVersion=good)


def dead_uploads(stack: LocalStack) -> DeadLetterQueue:
    """Return the queue of uploads that could not be received; from now on a try follows on the other at once."""
    with environment(stack.aws.endpoint, stack.aws.region):
        found = dead_letter_queues(DeployedStacks(STAGE).queues())
    (queue,) = [queue for queue in found if "DeadUploads" in queue.name]
    stack.aws.client("sqs").set_queue_attributes(QueueUrl=queue.source, Attributes={"VisibilityTimeout": "1"})
    return queue


def wait_for_dead_letter(stack: LocalStack, queue: DeadLetterQueue) -> None:
    """Wait until a message was tried as often as it may be."""
    sqs = stack.aws.client("sqs")

    def dead() -> bool:
        found = sqs.get_queue_attributes(QueueUrl=queue.url, AttributeNames=["ApproximateNumberOfMessages"])
        return found["Attributes"]["ApproximateNumberOfMessages"] == "1"

    wait_for(dead, "a dead letter")


def stop_run(stack: LocalStack, run_id: str) -> None:
    """Stop a run's execution, as one does before everything is torn down."""
    execution = stack.outputs["RunsStateMachine"].replace(":stateMachine:", ":execution:") + f":{run_id}"
    stack.aws.client("stepfunctions").stop_execution(executionArn=execution)


def rebuild(stack: LocalStack) -> None:
    """Tear the stateless stack down and deploy it again around the data; clients find the same port."""
    cloudformation = stack.aws.client("cloudformation")
    cloudformation.delete_stack(StackName=deploy.SERVICE)
    wait_for(lambda: _is_gone(cloudformation), "the stack is gone")
    stack.outputs = deploy.deploy(stack.plan, deploy.prepare(stack.plan), stack.aws)
    stack.processes.stop("sftp")
    stack._start_front()
    stack.wait_until_listening("sftp", stack.ports.sftp)


def _is_gone(cloudformation: Any) -> bool:
    try:
        (found,) = cloudformation.describe_stacks(StackName=deploy.SERVICE)["Stacks"]
    except ClientError:
        return True
    return bool(found["StackStatus"] == "DELETE_COMPLETE")


def restore_accounts(stack: LocalStack) -> None:
    """Lose every item of the accounts' table, and put back what a restored copy of it has."""
    dynamodb, table = stack.aws.client("dynamodb"), stack.outputs["AccountTable"]
    dynamodb.restore_table_to_point_in_time(
        SourceTableName=table, TargetTableName="restored", UseLatestRestorableTime=True
    )
    items = dynamodb.scan(TableName=table)["Items"]
    for item in items:
        dynamodb.delete_item(TableName=table, Key={name: item[name] for name in ("pk", "sk")})

    done = operations(stack, "restore", "accounts", "--from", "restored", "--yes")

    assert done == {"added": len(items), "changed": 0, "removed": 0}


def listed_runs(stack: LocalStack) -> set[str]:
    """Return the ids of the runs that the API lists for the administrator, who signs in anew."""
    Account(stack)  # tells the command line of the new API
    environment = {
        "ROSTERBRIDGE_STACK": str(stack.state / "stack.json"),
        "XDG_CONFIG_HOME": str(stack.state / "config"),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
    }
    done = subprocess.run(
        [Path(sys.executable).with_name("rosterbridge"), "runs", "list", "--json"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return {run["id"] for run in json.loads(done.stdout)["items"]}
