"""Writes how a run ended, or that it is held, into the home of its file account, and tells the organization."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict, Field

from rosterbridge.adapters.dynamodb import DynamoAccountStore, DynamoRunStore
from rosterbridge.adapters.dynamodb_notices import DynamoNoticeStore
from rosterbridge.adapters.notifications import notifications
from rosterbridge.adapters.s3 import S3ObjectStore
from rosterbridge.flows.notices import Places
from rosterbridge.flows.notifying import Notifier, OutcomeTeller
from rosterbridge.flows.result_files import ResultFiles
from rosterbridge.measures import measures_of
from rosterbridge.observability import about, boundary, logger, measure_all, observed, tracer
from rosterbridge.settings import NotifyEnvironment


class Outcome(BaseModel):
    """A queue message: the run that has ended or is held."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    run_id: str = Field(pattern=r"^[0-9a-f]{32}$")


@cache
def _teller() -> OutcomeTeller:
    settings = NotifyEnvironment.load()
    accounts = DynamoAccountStore(settings.account_table)
    way = notifications(settings.notify_by, sender=settings.notify_from, topic_arn=settings.notice_topic_arn)
    return OutcomeTeller(
        runs=DynamoRunStore(settings.run_table),
        results=ResultFiles(accounts, S3ObjectStore(), settings.home_bucket),
        notifier=Notifier(accounts, DynamoNoticeStore(settings.account_table), way, lambda: datetime.now(UTC)),
        places=Places(settings.console_origin),
        count=lambda run: measure_all(measures_of(run)),
    )


@tracer.capture_method(capture_response=False, capture_error=False)
def _tell(record: SQSRecord) -> None:
    with boundary(message_id=record.message_id):
        run_id = Outcome.model_validate_json(record.body).run_id
        about(run_id)
        logger.info("told", extra={"notice": _teller().tell(run_id)})


@observed
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Tell of a batch; a message that fails comes back alone, and after five times goes to the dead letters."""
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    return process_partial_response(event=event, record_handler=_tell, processor=processor, context=context)
