"""Turns S3's notices of new objects, which come by a queue, into runs."""

from __future__ import annotations

from functools import cache
from typing import Any
from urllib.parse import unquote_plus

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from rosterbridge.adapters.dynamodb import DynamoAccountStore, DynamoRunStore
from rosterbridge.adapters.s3 import S3ObjectStore
from rosterbridge.adapters.stepfunctions import StepFunctionsWorkflow
from rosterbridge.flows.models import ObjectRef
from rosterbridge.flows.receiving import Receiver, Uploaded
from rosterbridge.observability import boundary, logger
from rosterbridge.settings import ReceiveEnvironment


class _Notice(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)  # a key may hold a name


class _Bucket(_Notice):
    name: str


class _Object(_Notice):
    key: str
    size: int
    version_id: str = Field(alias="versionId")  # without it, two uploads of one name would be one run


class _S3(_Notice):
    bucket: _Bucket
    object: _Object


class S3Record(_Notice):
    """The part of an S3 notice that matters here; its key is URL-encoded."""

    time: AwareDatetime = Field(alias="eventTime")
    s3: _S3

    def uploaded(self) -> Uploaded:
        """Return the object version that the notice is about."""
        found = self.s3.object
        ref = ObjectRef(bucket=self.s3.bucket.name, key=unquote_plus(found.key), version_id=found.version_id)
        return Uploaded(ref=ref, size=found.size, at=self.time)


class S3Notice(_Notice):
    """A queue message: S3's records, or its test message, which has none."""

    records: list[S3Record] = Field(default=[], alias="Records")


@cache
def _receiver() -> Receiver:
    settings = ReceiveEnvironment.load()
    return Receiver(
        accounts=DynamoAccountStore(settings.account_table),
        runs=DynamoRunStore(settings.run_table),
        objects=S3ObjectStore(),
        workflow=StepFunctionsWorkflow(settings.state_machine_arn),
        run_bucket=settings.run_bucket,
        keep_runs=settings.keep_runs,
    )


def _receive(record: SQSRecord) -> None:
    with boundary(message_id=record.message_id):
        for notice in S3Notice.model_validate_json(record.body).records:
            started = _receiver().receive(notice.uploaded())
            logger.info("received", extra={"runs": started})


@logger.inject_lambda_context(log_event=False)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Receive a batch; a message that fails comes back alone, and after five times goes to the dead letters."""
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    return process_partial_response(event=event, record_handler=_receive, processor=processor, context=context)
