"""Tells of uploads that did not come by their time of day, and reads the gauges; called on a schedule."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from rosterbridge.adapters.dynamodb import DynamoAccountStore, DynamoRunStore
from rosterbridge.adapters.dynamodb_lanes import DynamoLaneStore
from rosterbridge.adapters.dynamodb_notices import DynamoNoticeStore
from rosterbridge.adapters.notifications import notifications
from rosterbridge.flows.gauges import Gauges
from rosterbridge.flows.notices import Places
from rosterbridge.flows.notifying import Notifier, UploadWatch
from rosterbridge.measures import AGE_OF_LAST_SUCCESS, HELD_TOO_LONG, UPLOAD_MISSING
from rosterbridge.observability import boundary, logger, measure, measure_of_flow, observed
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
        count=lambda: measure(UPLOAD_MISSING),
    )


@cache
def _gauges() -> Gauges:
    settings = WatchEnvironment.load()
    table = settings.account_table
    return Gauges(DynamoRunStore(settings.run_table), DynamoNoticeStore(table), DynamoLaneStore(table), _now)


def _read_gauges() -> None:
    measure(HELD_TOO_LONG, _gauges().held_too_long())
    if WatchEnvironment.load().flow_metrics:
        for flow_id, seconds in _gauges().ages():
            measure_of_flow(AGE_OF_LAST_SUCCESS, flow_id, seconds)


@observed
def lambda_handler(_event: dict[str, Any], _context: LambdaContext) -> dict[str, int]:
    """Check once; answers how many notices were sent."""
    with boundary():
        try:
            told = _watch().check()
        finally:  # one that cannot be told hides no gauge
            _read_gauges()
        logger.info("checked", extra={"told": told})
        return {"told": told}
