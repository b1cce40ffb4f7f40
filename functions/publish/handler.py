"""Brings the console's pages into the bucket that CloudFront reads; called by CloudFormation."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel

from rosterbridge.adapters.cloudformation import answer_stack
from rosterbridge.adapters.page_bucket import PageBucket, read_archive
from rosterbridge.errors import RosterbridgeError
from rosterbridge.flows.publishing import publish
from rosterbridge.observability import boundary, logger


class Pages(BaseModel):
    """What CloudFormation tells: the archive of what was built, the bucket, and the files of this deployment alone."""

    Bucket: str
    ArchiveBucket: str
    ArchiveKey: str
    Own: dict[str, str]


@logger.inject_lambda_context(log_event=False, clear_state=True)
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> None:
    """Store the pages, or remove them when their bucket goes; answers CloudFormation in any case."""
    failure = ""
    try:
        with boundary():
            _bring(event)
    except RosterbridgeError as error:
        failure = error.code
    with boundary():
        answer_stack(event, physical_id=event["ResourceProperties"]["Bucket"], failure=failure)


def _bring(event: dict[str, Any]) -> None:
    pages = Pages.model_validate(event["ResourceProperties"])
    bucket = PageBucket(pages.Bucket)
    if event["RequestType"] == "Delete":
        logger.info("cleared", extra={"pages": bucket.clear()})  # a bucket that is not empty cannot go
    else:
        count = publish(read_archive(pages.ArchiveBucket, pages.ArchiveKey), pages.Own, bucket)
        logger.info("published", extra={"pages": count})
