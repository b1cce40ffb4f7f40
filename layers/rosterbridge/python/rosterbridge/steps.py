"""What the step functions share: their event, and what they call."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from rosterbridge.adapters.dynamodb import DynamoAccountStore, DynamoRunStore
from rosterbridge.adapters.dynamodb_lanes import DynamoLaneStore
from rosterbridge.adapters.s3 import S3ObjectStore
from rosterbridge.flows.processing import Processor
from rosterbridge.flows.step_work import Steps
from rosterbridge.memory import suit_memory
from rosterbridge.observability import about
from rosterbridge.settings import StepEnvironment


class StepEvent(BaseModel):
    """What the state machine gives to a step: the run, nothing of its content."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    run_id: str = Field(pattern=r"^[0-9a-f]{32}$")


def run_of(event: dict[str, Any]) -> str:
    """Return the id of the run that a step is for, which every line of the log and the trace names from now on."""
    run_id = StepEvent.model_validate(event).run_id
    about(run_id)
    return run_id


@cache
def steps() -> Steps:
    """Return what every step needs, over DynamoDB and S3, made once a process."""
    settings = StepEnvironment.load()
    return Steps(
        accounts=DynamoAccountStore(settings.account_table),
        runs=DynamoRunStore(settings.run_table),
        objects=S3ObjectStore(),
        lanes=DynamoLaneStore(settings.account_table),
        now=lambda: datetime.now(UTC),
    )


@cache
def processor() -> Processor:
    """Return what validates and converts, made once a process."""
    suit_memory()
    return Processor(**vars(steps()))
