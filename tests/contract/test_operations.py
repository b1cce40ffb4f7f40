"""What an operator recovers with, on AWS's interfaces: dead letters, executions, restored tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws
from typer.testing import CliRunner

from rosterbridge.adapters import deployed_stacks
from rosterbridge.adapters import executions as executions_module
from rosterbridge.adapters.clients import client
from rosterbridge.adapters.dead_letters import DeadLetterQueue, dead_letter_queues
from rosterbridge.adapters.executions import StepFunctionsExecutions
from rosterbridge.adapters.table_copies import TableCopy
from rosterbridge.cli import typer_app
from rosterbridge.cli.operations import dead_endings
from rosterbridge.errors import InvalidRequestError, NotFoundError
from rosterbridge.flows.redriving import ExecutionState

MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:Runs"
EXECUTION = "arn:aws:states:eu-west-1:123456789012:execution:Runs:run-1"
MANY = 57  # more than one request writes


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    client.cache_clear()
    with mock_aws():
        yield
    client.cache_clear()


@pytest.fixture
def queues() -> list[str]:
    sqs = boto3.client("sqs")
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 5})
    alive = sqs.create_queue(QueueName="alive", Attributes={"RedrivePolicy": policy})["QueueUrl"]
    return [alive, dead, sqs.create_queue(QueueName="neither")["QueueUrl"]]


def bodies(url: str) -> list[str]:
    sqs, found = boto3.client("sqs"), []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        found += [message["Body"] for message in messages]
    return sorted(found)


def test_dead_letters_go_back_to_the_queue_that_they_came_from(queues: list[str]) -> None:
    alive, dead, _ = queues
    letters = sorted(f"letter {number}" for number in range(MANY))
    for letter in letters:
        boto3.client("sqs").send_message(QueueUrl=dead, MessageBody=letter)

    (found,) = dead_letter_queues(queues)

    assert (found.name, found.count()) == ("dead", MANY)
    assert found.move() == MANY
    assert (bodies(dead), bodies(alive)) == ([], letters)


def test_a_letter_that_cannot_be_sent_back_stays_where_it_is(queues: list[str]) -> None:
    dead = queues[1]
    boto3.client("sqs").send_message(QueueUrl=dead, MessageBody="letter")

    def break_off(_message: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        DeadLetterQueue(dead).empty(break_off)

    attributes = boto3.client("sqs").get_queue_attributes(QueueUrl=dead, AttributeNames=["All"])["Attributes"]
    assert attributes["ApproximateNumberOfMessagesNotVisible"] == "1"


@pytest.fixture
def stubber(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    states = boto3.client("stepfunctions")
    monkeypatch.setattr(executions_module, "client", lambda _service: states)
    with Stubber(states) as stubbed:
        yield stubbed


@pytest.mark.parametrize(
    ("status", "redrive_status", "state"),
    [
        ("RUNNING", "NOT_REDRIVABLE", ExecutionState.RUNNING),
        ("PENDING_REDRIVE", "NOT_REDRIVABLE", ExecutionState.RUNNING),
        ("FAILED", "REDRIVABLE", ExecutionState.REDRIVABLE),
        ("ABORTED", "NOT_REDRIVABLE", ExecutionState.OVER),
        ("SUCCEEDED", "NOT_REDRIVABLE", ExecutionState.OVER),
    ],
)
def test_what_has_become_of_an_execution(
    stubber: Stubber, status: str, redrive_status: str, state: ExecutionState
) -> None:
    answer = {"executionArn": EXECUTION, "stateMachineArn": MACHINE, "status": status, "startDate": 0}
    stubber.add_response("describe_execution", {**answer, "redriveStatus": redrive_status}, {"executionArn": EXECUTION})

    assert StepFunctionsExecutions(MACHINE, "closing").state("run-1") is state


def test_an_execution_that_is_gone_is_told(stubber: Stubber) -> None:
    stubber.add_client_error("describe_execution", "ExecutionDoesNotExist")

    assert StepFunctionsExecutions(MACHINE, "closing").state("run-1") is ExecutionState.MISSING


def test_an_execution_is_redriven_by_its_own_name(stubber: Stubber) -> None:
    stubber.add_response("redrive_execution", {"redriveDate": 0}, {"executionArn": EXECUTION})

    StepFunctionsExecutions(MACHINE, "closing").redrive("run-1")

    stubber.assert_no_pending_responses()


def table(name: str, items: list[dict[str, Any]], key: str = "pk") -> None:
    dynamodb = boto3.client("dynamodb")
    names = (key, "sk")
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": one, "AttributeType": "S"} for one in names],
        KeySchema=[{"AttributeName": names[0], "KeyType": "HASH"}, {"AttributeName": names[1], "KeyType": "RANGE"}],
    )
    for item in items:
        dynamodb.put_item(TableName=name, Item=item)


def item(number: int, name: str = "same") -> dict[str, Any]:
    return {"pk": {"S": f"p{number:03}"}, "sk": {"S": "s"}, "name": {"S": name}, "list": {"L": [{"N": "1"}]}}


def content(name: str) -> list[dict[str, Any]]:
    found = boto3.client("dynamodb").scan(TableName=name)["Items"]
    return sorted(found, key=lambda one: one["pk"]["S"])


def test_items_are_put_back_and_what_is_new_stays() -> None:
    table("restored", [item(number) for number in range(MANY)])
    table("live", [item(0), item(1, "spoilt"), item(900, "newer")])

    rehearsed = TableCopy("restored", "live").put_back(dry=True)
    assert content("live") == [item(0), item(1, "spoilt"), item(900, "newer")]

    assert TableCopy("restored", "live").put_back() == rehearsed == {"added": MANY - 2, "changed": 1}
    assert content("live") == [*(item(number) for number in range(MANY)), item(900, "newer")]


def test_exactly_what_was_is_put_back() -> None:
    table("restored", [item(number) for number in range(MANY)])
    table("live", [item(number, "newer") for number in range(MANY, 2 * MANY)])

    done = TableCopy("restored", "live").put_back(exact=True)

    assert done == {"added": MANY, "changed": 0, "removed": MANY}
    assert content("live") == content("restored")


def test_a_table_of_something_else_is_refused() -> None:
    table("restored", [], key="other")
    table("live", [])

    with pytest.raises(InvalidRequestError, match="value-invalid"):
        TableCopy("restored", "live")
    with pytest.raises(InvalidRequestError, match="value-invalid"):
        TableCopy("live", "live")


class Redrives:
    """Notes which runs are redriven; one of them is gone by now."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def some(self, run_ids: list[str]) -> list[Any]:
        self.asked += run_ids
        if run_ids == ["gone"]:
            raise NotFoundError("run-missing")
        return []


def test_runs_whose_ending_was_not_delivered_are_redriven_by_name(queues: list[str]) -> None:
    letters = queues[2]
    for body in ({"detail": {"name": "run-1"}}, {"detail": {"name": "gone"}}, {"run_id": "run-2"}):
        boto3.client("sqs").send_message(QueueUrl=letters, MessageBody=json.dumps(body))
    redrives: Any = Redrives()

    dead_endings({"DeadEndings": letters}, redrives, dry=True)
    assert redrives.asked == []
    dead_endings({"DeadEndings": letters}, redrives, dry=False)

    assert sorted(redrives.asked) == ["gone", "run-1", "run-2"]
    assert bodies(letters) == []


def test_a_stage_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    cloudformation = boto3.client("cloudformation")
    monkeypatch.setattr(deployed_stacks, "client", lambda _service: cloudformation)
    with Stubber(cloudformation) as stubbed:
        stubbed.add_client_error("describe_stacks", "ValidationError", "Stack with id planted does not exist", 400)
        done = CliRunner().invoke(typer_app, ["operations", "redrive", "--stage", "nowhere"])

    assert (done.exit_code, done.stderr) == (2, "aws-refused: cloudformation DescribeStacks ValidationError\n")
