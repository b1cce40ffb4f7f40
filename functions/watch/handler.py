"""Tells organizations of uploads that did not come by their time of day; called on a schedule."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from rosterbridge.adapters.dynamodb import DynamoAccountStore, DynamoRunStore
from rosterbridge.adapters.dynamodb_notices import DynamoNoticeStore
from rosterbridge.adapters.notifications import notifications
from rosterbridge.flows.notices import Places
from rosterbridge.flows.notifying import Notifier, UploadWatch
from rosterbridge.observability import boundary, logger
from rosterbridge.settings import WatchEnvironment


def _now() -> datetime:
    return datetime.now(UTC)


@cache
def _watch() -> UploadWatch:
    settings = WatchEnvironment.load()
    accounts, notices = DynamoAccountStore(settings.account_table), DynamoNoticeStore(settings.account_table)
    way = notifications(settings.notify_by, sender=settings.notify_from, topic_arn=settings.notice_topic_arn)
    return UploadWatch(
        accounts=accounts,
        runs=DynamoRunStore(settings.run_table),
        notices=notices,
        notifier=Notifier(accounts, notices, way, _now),
        places=Places(settings.console_origin),
        now=_now,
    )


@logger.inject_lambda_context(log_event=False, clear_state=True)
def lambda_handler(_event: dict[str, Any], _context: LambdaContext) -> dict[str, int]:
    """Check once; answers how many notices were sent."""
    with boundary():
        told = _watch().check()
        logger.info("checked", extra={"told": told})
        return {"told": told}
