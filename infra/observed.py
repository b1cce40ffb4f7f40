"""What is watched: the parts of a deployment that dashboards and alarms are about."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import IConstruct

from infra.lambda_function import LambdaFunction

DEAD = "Dead"


@dataclass(frozen=True)
class Observed:
    """Functions, state machines, queues with their dead letters, tables, and the ids of API and SFTP server."""

    functions: Sequence[LambdaFunction]
    runs: sfn.StateMachine
    closing: sfn.StateMachine
    erasures: sfn.StateMachine
    queues: Mapping[str, sqs.IQueue]
    dead_letters: Mapping[str, sqs.IQueue]
    tables: Mapping[str, dynamodb.ITable]
    api_id: str
    server_id: str

    @property
    def authenticate(self) -> lambda_.IFunction:
        """The function that Transfer Family asks."""
        (found,) = [function.function for function in self.functions if function.name == "authenticate"]
        return found


def functions_of(*stacks: IConstruct) -> list[LambdaFunction]:
    """Return every function of the stacks, so that none is forgotten."""
    return [found for stack in stacks for found in stack.node.find_all() if isinstance(found, LambdaFunction)]


def queues_of(*stacks: IConstruct) -> tuple[dict[str, sqs.IQueue], dict[str, sqs.IQueue]]:
    """Return every queue of the stacks by its name, and likewise those of dead letters."""
    found = [queue for stack in stacks for queue in stack.node.find_all() if isinstance(queue, sqs.Queue)]
    alive = {_name_of(queue): queue for queue in found if not queue.node.id.startswith(DEAD)}
    dead = {_name_of(queue): queue for queue in found if queue.node.id.startswith(DEAD)}
    return alive, dead


def _name_of(queue: sqs.Queue) -> str:
    """Return ``broken-uploads`` for ``BrokenUploads/Dead``, and ``uploads`` for ``DeadUploads`` of a stack."""
    own = queue.node.id.removeprefix(DEAD).removesuffix("Queue")
    parent = queue.node.scope
    word = own or (parent.node.id if parent is not None else "")
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", word).lower()
