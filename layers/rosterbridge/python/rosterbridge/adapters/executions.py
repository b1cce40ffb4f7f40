"""Executions of runs, for an operator who wants them to go on."""

from __future__ import annotations

import json
import time

from botocore.exceptions import ClientError

from rosterbridge.adapters.clients import client, error_code, translated
from rosterbridge.flows.redriving import ExecutionState

CLOSING_SECONDS = 60.0


class StepFunctionsExecutions:
    """The executions of the runs' state machine; ``closing`` is the one that ends records."""

    def __init__(self, state_machine: str, closing: str) -> None:
        self._executions = state_machine.replace(":stateMachine:", ":execution:")
        self._closing = closing
        self._client = client("stepfunctions")

    def state(self, run_id: str) -> ExecutionState:
        """Return what has become of the run's execution."""
        with translated("stepfunctions"):
            try:
                found = self._client.describe_execution(executionArn=self._arn(run_id))
            except ClientError as error:
                if error_code(error) == "ExecutionDoesNotExist":
                    return ExecutionState.MISSING
                raise
        if found["status"] in {"RUNNING", "PENDING_REDRIVE"}:
            return ExecutionState.RUNNING
        redrivable = found["status"] != "SUCCEEDED" and found.get("redriveStatus") == "REDRIVABLE"
        return ExecutionState.REDRIVABLE if redrivable else ExecutionState.OVER

    def redrive(self, run_id: str) -> None:
        """Let the execution go on where it stopped."""
        with translated("stepfunctions"):
            self._client.redrive_execution(executionArn=self._arn(run_id))

    def close(self, run_id: str) -> None:
        """End the record of a run whose execution is over, and wait up to a minute for that; an ended one stays."""
        with translated("stepfunctions"):
            started = self._client.start_execution(stateMachineArn=self._closing, input=json.dumps({"run_id": run_id}))[
                "executionArn"
            ]
        until = time.monotonic() + CLOSING_SECONDS
        while time.monotonic() < until:
            with translated("stepfunctions"):
                if self._client.describe_execution(executionArn=started)["status"] != "RUNNING":
                    return
            time.sleep(0.2)

    def _arn(self, run_id: str) -> str:
        return f"{self._executions}:{run_id}"
