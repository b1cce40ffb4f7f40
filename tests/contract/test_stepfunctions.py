"""The start of a run: the fake does what Step Functions does."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest

from local.clients import environment
from rosterbridge.adapters.stepfunctions import StepFunctionsWorkflow
from rosterbridge.errors import PermanentError
from rosterbridge.flows.models import ObjectRef
from tests.support.fakes import FakeWorkflow
from tests.support.stack import StackUnderTest, wait_for

SOURCE = ObjectRef(bucket="runs", key="runs/1/source.zip")


class Started:
    """A workflow, and what it has started."""

    def __init__(self, stack: StackUnderTest | None) -> None:
        self._stack = stack
        self.workflow: Any = _workflow(stack, stack.outputs["RunsStateMachine"]) if stack else FakeWorkflow()

    def sources(self, run_id: str) -> list[ObjectRef]:
        """Return the source of each execution of the run."""
        if self._stack is None:
            return [source for name, source in self.workflow.started.items() if name == run_id]
        states = self._stack.client("stepfunctions")
        pages = states.get_paginator("list_executions").paginate(
            stateMachineArn=self._stack.outputs["RunsStateMachine"]
        )
        arns = [found["executionArn"] for page in pages for found in page["executions"] if found["name"] == run_id]
        inputs = [json.loads(states.describe_execution(executionArn=arn)["input"]) for arn in arns]
        assert all(given.keys() == {"run_id", "source"} for given in inputs)
        return [ObjectRef(**given["source"]) for given in inputs]

    def wait_until_ended(self, run_id: str) -> None:
        if self._stack is None:
            return
        arn = self._stack.outputs["RunsStateMachine"].replace(":stateMachine:", ":execution:") + f":{run_id}"
        states = self._stack.client("stepfunctions")
        wait_for(lambda: states.describe_execution(executionArn=arn)["status"] != "RUNNING", "the execution ends")


def _workflow(stack: StackUnderTest, arn: str) -> StepFunctionsWorkflow:
    with environment(stack.endpoint, stack.region):
        return StepFunctionsWorkflow(arn)


@pytest.fixture(params=["fake", "stepfunctions"])
def started(request: pytest.FixtureRequest) -> Started:
    return Started(None if request.param == "fake" else request.getfixturevalue("stack"))


def test_a_run_is_started_with_its_id_and_its_source(started: Started) -> None:
    run_id = uuid4().hex

    started.workflow.start(run_id, SOURCE)

    assert started.sources(run_id) == [SOURCE]


def test_starting_again_is_no_error_and_starts_nothing_while_it_runs_and_after_it_ended(started: Started) -> None:
    run_id = uuid4().hex
    started.workflow.start(run_id, SOURCE)

    started.workflow.start(run_id, SOURCE)
    started.wait_until_ended(run_id)
    started.workflow.start(run_id, SOURCE)
    started.workflow.start(run_id, SOURCE.model_copy(update={"key": "runs/1/other.zip"}))

    assert started.sources(run_id) == [SOURCE]


def test_a_state_machine_that_is_gone_is_told(stack: StackUnderTest) -> None:
    workflow = _workflow(stack, stack.outputs["RunsStateMachine"] + "Gone")

    with pytest.raises(PermanentError, match=r"^aws-refused: stepfunctions StartExecution StateMachineDoesNotExist$"):
        workflow.start(uuid4().hex, SOURCE)
