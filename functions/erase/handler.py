"""Erases an organization piece by piece; its state machine calls again until all is done."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict, Field

from rosterbridge.adapters.cognito import CognitoUsers
from rosterbridge.adapters.dynamodb import DynamoAccountStore, DynamoAuditStore, DynamoRunStore
from rosterbridge.adapters.dynamodb_erasing import DynamoBelongings, DynamoErasureStore
from rosterbridge.adapters.notifications import SnsNotifications
from rosterbridge.adapters.s3 import S3ObjectStore
from rosterbridge.adapters.stepfunctions import StepFunctionsExecutions
from rosterbridge.flows.erasing import Eraser, Keeping
from rosterbridge.observability import boundary, logger, observed
from rosterbridge.settings import EraseEnvironment

LEFT = 60_000  # milliseconds in which a piece that is begun can surely be ended


class Asked(BaseModel):
    """Which organization is erased."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    organization_id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")


@cache
def _eraser() -> Eraser:
    settings = EraseEnvironment.load()
    table, topic = settings.account_table, settings.notice_topic_arn
    return Eraser(
        accounts=DynamoAccountStore(table),
        audit=DynamoAuditStore(settings.audit_table),
        runs=DynamoRunStore(settings.run_table),
        objects=S3ObjectStore(),
        users=CognitoUsers(settings.user_pool_id, table),
        executions=StepFunctionsExecutions(settings.state_machine_arn),
        belongings=DynamoBelongings(table, settings.run_table, settings.audit_table),
        store=DynamoErasureStore(table),
        notifications=SnsNotifications(topic) if topic else None,
        home_bucket=settings.home_bucket,
        run_bucket=settings.run_bucket,
        keeping=Keeping(
            certificates=timedelta(days=settings.audit_retention_days),
            logs=timedelta(days=settings.log_retention_days),
            quiet=timedelta(seconds=settings.quiet_seconds),
        ),
        now=lambda: datetime.now(UTC),
    )


@observed
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, str]:
    """Do the next piece; answers whether to wait, to call again, or that it is done."""
    with boundary():
        organization_id = Asked.model_validate(event).organization_id
        to_come = _eraser().go_on(organization_id, lambda: context.get_remaining_time_in_millis() > LEFT)
        logger.info("erasing", extra={"organization_id": organization_id, "next": to_come})
        return {"next": to_come}
