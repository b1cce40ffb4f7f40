"""Looks at a file as its flow would, and sends nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict

from rosterbridge.adapters.dynamodb import DynamoAccountStore, DynamoRunStore
from rosterbridge.adapters.dynamodb_dry_runs import DynamoDryRunStore
from rosterbridge.adapters.dynamodb_lanes import DynamoLaneStore
from rosterbridge.adapters.s3 import S3ObjectStore
from rosterbridge.flows.dry_running import DryRunner
from rosterbridge.flows.models import ObjectRef
from rosterbridge.memory import suit_memory
from rosterbridge.observability import about, boundary, logger, observed
from rosterbridge.settings import StepEnvironment


class DryRunEvent(BaseModel):
    """Whose file it is, and where it lies."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    organization_id: str
    dry_run_id: str
    source: ObjectRef


@cache
def runner() -> DryRunner:
    """Return the runner, made once a process."""
    suit_memory()
    settings = StepEnvironment.load()
    return DryRunner(
        accounts=DynamoAccountStore(settings.account_table),
        dry_runs=DynamoDryRunStore(settings.account_table),
        runs=DynamoRunStore(settings.run_table),
        lanes=DynamoLaneStore(settings.account_table),
        objects=S3ObjectStore(),
        now=lambda: datetime.now(UTC),
    )


@observed
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> None:
    """Look at one file; what is found stands in the record of the dry run."""
    with boundary():
        asked = DryRunEvent.model_validate(event)
        about(asked.dry_run_id)
        found = runner().look(asked.organization_id, asked.dry_run_id, asked.source)
        logger.info("looked at", extra={"outcome": found.verdict if found else "nobody waits"})
