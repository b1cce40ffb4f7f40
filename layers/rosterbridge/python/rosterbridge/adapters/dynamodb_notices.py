"""Which flows are watched, and what people were told, in the Accounts table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from rosterbridge.adapters.clients import client, translated
from rosterbridge.adapters.dynamodb_changes import WATCHES, attributes
from rosterbridge.adapters.dynamodb_items import ConditionFailedError, conditional, from_item, timestamp, to_item
from rosterbridge.flows.notice_ports import HeldRun, Watch

# Longer than a queue keeps a message that may come again
KEPT = timedelta(days=20)
HOLDS = "holds"
LONGEST_HOLD = timedelta(days=31)  # longer than the settings allow
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
        return [_watch(item) for item in self._partition(WATCHES)]

    def judged(self, flow_id: str, day: date) -> None:
        """Note that a flow's day needs no further look; a flow that is not watched any more stays so."""
        self._written((WATCHES, flow_id), "SET done_on = :day", "attribute_exists(pk)", {":day": day.isoformat()})

    def note_held(self, held: HeldRun) -> None:
        """Note that a run waits for somebody; may be repeated."""
        values = {":since": timestamp(held.since), ":end": int((held.since + LONGEST_HOLD).timestamp())}
        self._written((HOLDS, held.run_id), "SET since = :since, expires_at = :end", "", values)

    def forget_held(self, run_id: str) -> None:
        """Note that a run waits no longer; may be repeated."""
        with translated("dynamodb"):
            self._client.delete_item(TableName=self._table, Key=to_item(attributes((HOLDS, run_id))))

    def held(self, before: datetime) -> Sequence[HeldRun]:
        """Return the runs that are noted to wait since then or longer; some of them may wait no longer."""
        found = (HeldRun(item["sk"], datetime.fromisoformat(item["since"])) for item in self._partition(HOLDS))
        return [held for held in found if held.since <= before]

    def _partition(self, key: str) -> Iterator[dict[str, Any]]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=to_item({":pk": key}),
        )
        with translated("dynamodb"):
            for page in pages:
                yield from map(from_item, page["Items"])

    def _written(self, key: tuple[str, str], expression: str, condition: str, values: dict[str, Any]) -> bool:
        try:
            with conditional():
                self._client.update_item(
                    TableName=self._table,
                    Key=to_item(attributes(key)),
                    UpdateExpression=expression,
                    ExpressionAttributeValues=to_item(values),
                    **({"ConditionExpression": condition} if condition else {}),
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
