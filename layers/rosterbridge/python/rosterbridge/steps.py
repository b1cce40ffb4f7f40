"""What the step functions share: their event and the processor that they call."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from rosterbridge.adapters.dynamodb import DynamoAccountStore, DynamoRunStore
from rosterbridge.adapters.s3 import S3ObjectStore
from rosterbridge.flows.processing import Processor
from rosterbridge.memory import save_if_scarce
from rosterbridge.observability import logger
from rosterbridge.settings import StepEnvironment


class StepEvent(BaseModel):
    """What the state machine gives to a step: the run, nothing of its content."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    run_id: str = Field(pattern=r"^[0-9a-f]{32}$")


def run_of(event: dict[str, Any]) -> str:
    """Return the id of the run that a step is for, which from now on stands in every line of the log."""
    run_id = StepEvent.model_validate(event).run_id
    logger.append_keys(run_id=run_id)
    return run_id


@cache
def processor() -> Processor:
    """Return the processor over DynamoDB and S3, made once a process."""
    save_if_scarce()
    settings = StepEnvironment.load()
    return Processor(
        accounts=DynamoAccountStore(settings.account_table),
        runs=DynamoRunStore(settings.run_table),
        objects=S3ObjectStore(),
        now=lambda: datetime.now(UTC),
    )
