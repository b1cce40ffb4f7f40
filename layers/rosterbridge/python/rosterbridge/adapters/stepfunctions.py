"""Runs start as executions of the Standard state machine, named by the run."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from botocore.exceptions import ClientError

from rosterbridge.adapters.clients import client, error_code, translated
from rosterbridge.flows.models import ObjectRef


class StepFunctionsWorkflow:
    """One execution a run: a Standard execution's name can be used once, which makes starting it repeatable."""

    def __init__(self, state_machine_arn: str) -> None:
        self._state_machine = state_machine_arn
        self._client = client("stepfunctions")

    def start(self, run_id: str, source: ObjectRef) -> None:
        """Start the run's execution; starting it again is no error."""
        execution = {"run_id": run_id, "source": source.model_dump(exclude_none=True)}
        with translated("stepfunctions"):
            try:
                self._client.start_execution(
                    stateMachineArn=self._state_machine, name=run_id, input=json.dumps(execution, sort_keys=True)
                )
            except ClientError as error:
                if error_code(error) != "ExecutionAlreadyExists":
                    raise


class StepFunctionsExecutions:
    """The executions of the state machine of runs."""

    def __init__(self, state_machine_arn: str) -> None:
        self._executions = state_machine_arn.replace(":stateMachine:", ":execution:")
        self._client = client("stepfunctions")

    def stop(self, run_id: str) -> None:
        """Stop a run's execution; one that does not run is no error."""
        with translated("stepfunctions"):
            try:
                self._client.stop_execution(executionArn=f"{self._executions}:{run_id}")
            except ClientError as error:
                if error_code(error) != "ExecutionDoesNotExist":
                    raise


class StepFunctionsErasures:
    """Erasures as executions of a state machine of their own, at most one an organization and minute."""

    def __init__(self, state_machine_arn: str) -> None:
        self._state_machine = state_machine_arn
        self._client = client("stepfunctions")

    def start(self, organization_id: str, at: datetime) -> None:
        """Start it; it may be started again at any time."""
        name = f"{organization_id}-{at.astimezone(UTC):%Y%m%dT%H%M}"
        with translated("stepfunctions"):
            try:
                self._client.start_execution(
                    stateMachineArn=self._state_machine,
                    name=name,
                    input=json.dumps({"organization_id": organization_id}),
                )
            except ClientError as error:
                if error_code(error) != "ExecutionAlreadyExists":
                    raise


class StepFunctionsWaiting:
    """Executions that wait with a task token."""

    def __init__(self) -> None:
        self._client = client("stepfunctions")

    def resume(self, task_token: str, decision: str) -> None:
        """Tell a waiting execution what was decided; one that waits no longer is no error."""
        with translated("stepfunctions"):
            try:
                self._client.send_task_success(taskToken=task_token, output=json.dumps({"decision": decision}))
            except ClientError as error:
                if error_code(error) not in {"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"}:
                    raise
