"""Which flows are watched, and what people were told, in the Accounts table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from rosterbridge.adapters.clients import client, translated
from rosterbridge.adapters.dynamodb_changes import WATCHES, attributes
from rosterbridge.adapters.dynamodb_items import ConditionFailedError, conditional, from_item, timestamp, to_item
from rosterbridge.flows.notice_ports import Watch

# Longer than a queue keeps a message that may come again
KEPT = timedelta(days=20)
NOT_TOLD_YET = "about = :about AND attribute_not_exists(sent_at)"
ANOTHER = "about <> :about AND quiet_until <= :now"


class DynamoNoticeStore:
    """One item for each flow and kind of notice, and one for each flow that is watched."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._client = client("dynamodb")

    def begin(self, flow_id: str, kind: str, about: str, now: datetime, quiet_until: datetime) -> bool:
        """Tell whether a notice may be sent, and keep the others of its kind back until ``quiet_until``."""
        values = {
            ":about": about,
            ":now": timestamp(now),
            ":quiet": timestamp(quiet_until),
            ":end": int((now + KEPT).timestamp()),
        }
        return self._written(
            (f"notice#{flow_id}", kind),
            "SET about = :about, quiet_until = :quiet, expires_at = :end REMOVE sent_at",
            f"attribute_not_exists(pk) OR ({NOT_TOLD_YET}) OR ({ANOTHER})",
            values,
        )

    def sent(self, flow_id: str, kind: str, about: str, at: datetime) -> None:
        """Note that a notice was sent."""
        values = {":about": about, ":at": timestamp(at)}
        self._written((f"notice#{flow_id}", kind), "SET sent_at = :at", "about = :about", values)

    def watches(self) -> Sequence[Watch]:
        """Return all flows that expect an upload by a time of day."""
        with translated("dynamodb"):
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues=to_item({":pk": WATCHES}),
            )
            return [_watch(from_item(item)) for page in pages for item in page["Items"]]

    def judged(self, flow_id: str, day: date) -> None:
        """Note that a flow's day needs no further look; a flow that is not watched any more stays so."""
        self._written((WATCHES, flow_id), "SET done_on = :day", "attribute_exists(pk)", {":day": day.isoformat()})

    def _written(self, key: tuple[str, str], expression: str, condition: str, values: dict[str, Any]) -> bool:
        try:
            with conditional():
                self._client.update_item(
                    TableName=self._table,
                    Key=to_item(attributes(key)),
                    UpdateExpression=expression,
                    ConditionExpression=condition,
                    ExpressionAttributeValues=to_item(values),
                )
        except ConditionFailedError:
            return False
        return True


def _watch(values: dict[str, Any]) -> Watch:
    done_on = values.get("done_on")
    return Watch(
        flow_id=values["sk"],
        organization_id=values["organization_id"],
        time_zone=values["time_zone"],
        expected_by=values["expected_by"],
        since=datetime.fromisoformat(values["since"]),
        done_on=date.fromisoformat(done_on) if done_on else None,
    )
