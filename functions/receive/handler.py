"""Turns S3's notices of new objects, which come by a queue, into runs or dry runs; hears also of what broke off."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any, Literal, Self
from urllib.parse import unquote_plus

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from rosterbridge.adapters.dry_run_jobs import LambdaDryRuns
from rosterbridge.adapters.dynamodb import DynamoAccountStore, DynamoRunStore
from rosterbridge.adapters.dynamodb_lanes import DynamoLaneStore
from rosterbridge.adapters.dynamodb_uploads import DynamoBrokenUploadStore, DynamoUploadCounter
from rosterbridge.adapters.outcomes import SqsOutcomes
from rosterbridge.adapters.s3 import S3ObjectStore
from rosterbridge.adapters.stepfunctions import StepFunctionsWorkflow
from rosterbridge.flows.broken_uploads import BrokenUpload, BrokenUploads, failure_id
from rosterbridge.flows.models import ObjectRef
from rosterbridge.flows.ports import AccountStore
from rosterbridge.flows.receiving import Receiver, Uploaded
from rosterbridge.flows.run_files import dry_run_of
from rosterbridge.flows.signing_in import home_prefix
from rosterbridge.flows.upload_limits import LimitCheck
from rosterbridge.measures import RUNS_RECEIVED
from rosterbridge.observability import about, boundary, logger, measure, observed, tracer
from rosterbridge.settings import ReceiveEnvironment


class _Notice(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)  # a key may hold a name


class _Bucket(_Notice):
    name: str


class _Object(_Notice):
    key: str
    size: int
    etag: str = Field(default="", alias="eTag")
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
        return Uploaded(ref=ref, size=found.size, at=self.time, etag=found.etag.strip('"'))


class Failure(_Notice):
    """The part of Transfer Family's event of a failed upload that matters here."""

    path: str = Field(alias="file-path", pattern=r"^/")
    size: int = Field(default=0, alias="bytes")
    etag: str = ""
    username: str
    session: str = Field(alias="session-id")
    ended: str = Field(default="", alias="end-timestamp")

    def broken(self, bucket: str, accounts: AccountStore) -> BrokenUpload | None:
        """Return the failure; its path begins with the bucket, or else is what the client sees of its home."""
        place = self.path.removeprefix(f"/{bucket}/")
        if place == self.path:
            account = accounts.file_account_by_username(self.username)
            if account is None:
                return None
            place = home_prefix(account.id) + self.path
        ref = ObjectRef(bucket=bucket, key=place)
        return BrokenUpload(failure_id(self.session, self.ended), ref, self.etag.strip('"'), self.size)


class Message(_Notice):
    """What a queue brings: S3's records, or its test message, which has none; or an event of Transfer Family's."""

    records: list[S3Record] = Field(default=[], alias="Records")
    kind: Literal["SFTP Server File Upload Failed"] | None = Field(default=None, alias="detail-type")
    failure: Failure | None = Field(default=None, alias="detail")

    @model_validator(mode="after")
    def _check_failure(self) -> Self:
        if (self.kind is None) != (self.failure is None):
            message = "an event without its detail"
            raise ValueError(message)
        return self


@cache
def _settings() -> ReceiveEnvironment:
    return ReceiveEnvironment.load()


@cache
def _receiver() -> Receiver:
    settings = _settings()
    runs, lanes = DynamoRunStore(settings.run_table), DynamoLaneStore(settings.account_table)
    return Receiver(
        accounts=DynamoAccountStore(settings.account_table),
        runs=runs,
        objects=S3ObjectStore(),
        lanes=lanes,
        workflow=StepFunctionsWorkflow(settings.state_machine_arn),
        outcomes=SqsOutcomes(settings.outcomes_queue_url),
        limits=LimitCheck(DynamoUploadCounter(settings.account_table), settings.upload_limits),
        broken=BrokenUploads(DynamoBrokenUploadStore(settings.account_table), runs, lanes),
        run_bucket=settings.run_bucket,
        keep_runs=settings.keep_runs,
        now=lambda: datetime.now(UTC),
    )


@cache
def _dry_runs() -> LambdaDryRuns:
    return LambdaDryRuns(_settings().dry_run_function)


@tracer.capture_method(capture_response=False, capture_error=False)
def _receive(record: SQSRecord) -> None:
    with boundary(message_id=record.message_id):
        message = Message.model_validate_json(record.body)
        for notice in message.records:
            uploaded = notice.uploaded()
            if dry_run := dry_run_of(uploaded.ref.key):
                _dry_runs().start(*dry_run, uploaded.ref)
                continue
            started = _receiver().receive(uploaded)
            logger.info("received", extra={"runs": started})
            for run_id in started:
                about(run_id)
                measure(RUNS_RECEIVED)
        if message.failure is not None:
            _hear_of(message.failure)


def _hear_of(failure: Failure) -> None:
    receiver = _receiver()
    broken = failure.broken(_settings().home_bucket, receiver.accounts)
    ended = receiver.hear_of_failure(broken) if broken else []
    logger.info("an upload broke off", extra={"runs": ended})


@observed
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Receive a batch; a message that fails comes back alone, and after five times goes to the dead letters."""
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    return process_partial_response(event=event, record_handler=_receive, processor=processor, context=context)
