"""Removes what deleted accounts and flows left, and starts runs whose start broke off; called on a schedule."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from rosterbridge.adapters.dynamodb import DynamoAccountStore, DynamoRunStore
from rosterbridge.adapters.dynamodb_lanes import DynamoLaneStore
from rosterbridge.adapters.s3 import S3ObjectStore
from rosterbridge.adapters.stepfunctions import StepFunctionsWorkflow
from rosterbridge.flows.sweeping import Sweeper
from rosterbridge.observability import boundary, logger, observed
from rosterbridge.settings import SweepEnvironment


@cache
def _sweeper() -> Sweeper:
    settings = SweepEnvironment.load()
    return Sweeper(
        accounts=DynamoAccountStore(settings.account_table),
        objects=S3ObjectStore(),
        runs=DynamoRunStore(settings.run_table),
        lanes=DynamoLaneStore(settings.account_table),
        workflow=StepFunctionsWorkflow(settings.state_machine_arn),
        home_bucket=settings.home_bucket,
        run_bucket=settings.run_bucket,
        now=lambda: datetime.now(UTC),
    )


@observed
def lambda_handler(_event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Sweep once; answers how many homes, lanes and versions of files were removed, and how many runs started."""
    with boundary():
        swept = asdict(_sweeper().sweep())
        logger.info("swept", extra=swept)
        return swept
