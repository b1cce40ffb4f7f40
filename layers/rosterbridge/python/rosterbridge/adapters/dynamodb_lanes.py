"""The lanes of flows in the Accounts table: one item a flow, and one for each run that has entered it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rosterbridge.adapters.clients import client, translated
from rosterbridge.adapters.dynamodb_items import (
    ConditionFailedError,
    Item,
    conditional,
    from_item,
    is_identity,
    plain,
    timestamp,
    to_item,
)
from rosterbridge.flows.lanes import judge_claim, reverted
from rosterbridge.flows.models import Accepted, Entered, Lane, Sent
from rosterbridge.flows.ports import Claim

LANE, ENTERED = "lane", "entered#"
NOBODY_ELSE = "(attribute_not_exists(holder) OR holder = :run OR lease_until < :now)"


class DynamoLaneStore:
    """What may be done is said by conditions, so that of two runs at once only one does it."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._client = client("dynamodb")

    def get(self, flow_id: str) -> Lane:
        """Return the lane as it is stored now, an empty one where there is none."""
        if not is_identity(flow_id):
            return Lane()
        entered: dict[str, Entered] = {}
        lane: dict[str, Any] = {}
        with translated("dynamodb"):
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues=to_item({":pk": _partition(flow_id)}),
                ConsistentRead=True,
            )
            for item in (from_item(item) for page in pages for item in page["Items"]):
                if item["sk"] == LANE:
                    lane = item
                else:
                    run_id = item["sk"].removeprefix(ENTERED)
                    entered[run_id] = Entered(position=item["position"], at=item["at"])
        return _lane(lane, entered)

    def enter(self, flow_id: str, run_id: str, position: str, at: datetime) -> None:
        """Note that a run was received; may be repeated."""
        values = {"position": position, "at": timestamp(at)}
        item = {"pk": _partition(flow_id), "sk": f"{ENTERED}{run_id}", **values}
        try:
            with conditional():
                self._client.put_item(
                    TableName=self._table, Item=to_item(item), ConditionExpression="attribute_not_exists(pk)"
                )
        except ConditionFailedError:
            return

    def leave(self, flow_id: str, run_id: str) -> None:
        """Note that a run keeps nobody waiting any more; may be repeated."""
        with translated("dynamodb"):
            self._client.delete_item(TableName=self._table, Key=_key(flow_id, f"{ENTERED}{run_id}"))

    def accept(self, flow_id: str, accepted: Accepted, *, base: str | None = None) -> bool:
        """Keep the full set of a run, which leaves; False, and nothing is done, when a newer one is kept."""
        condition = "(attribute_not_exists(accepted) OR accepted.#position <= :position)"
        values: dict[str, Any] = {":accepted": plain(accepted), ":position": accepted.position}
        names = {"#position": "position"}
        if base is not None:
            condition += " AND accepted.run_id IN (:base, :run)"
            values |= {":base": base, ":run": accepted.run_id}
        if not self._changed(flow_id, "SET accepted = :accepted", condition, values, names):
            return False
        self.leave(flow_id, accepted.run_id)
        return True

    def revert(self, flow_id: str, run_id: str) -> None:
        """Forget the full set of a run that was turned down, if it is the one that is kept."""
        before = reverted(self.get(flow_id)).accepted
        values: dict[str, Any] = {":run": run_id}
        if before is None:
            self._changed(flow_id, "REMOVE accepted", "accepted.run_id = :run AND attribute_not_exists(sent)", values)
            return
        values |= {":before": plain(before), ":sent": before.run_id}
        condition = "accepted.run_id = :run AND sent.run_id = :sent"
        self._changed(flow_id, "SET accepted = :before", condition, values)

    def hold(self, flow_id: str, run_id: str | None) -> None:
        """Note which run waits for somebody, or that none does."""
        if run_id is None:
            self._changed(flow_id, "REMOVE held", "attribute_exists(pk)", {})
        else:
            self._changed(flow_id, "SET held = :run", "", {":run": run_id})

    def claim(self, flow_id: str, run: tuple[str, str], compared: str | None, now: datetime, until: datetime) -> Claim:
        """Try to become the one that sends, until ``until``; ``run`` is position and id, ``compared`` a run's id."""
        place, run_id = run
        values: dict[str, Any] = {":run": run_id, ":now": timestamp(now), ":until": timestamp(until)}
        names: dict[str, str] = {}
        condition = f"{NOBODY_ELSE} AND attribute_not_exists(sent)"
        if compared is not None:
            condition = f"{NOBODY_ELSE} AND sent.run_id = :compared AND sent.#position < :position"
            values |= {":compared": compared, ":position": place}
            names = {"#position": "position"}
        try:
            self._update(flow_id, "SET holder = :run, lease_until = :until", condition, values, names)
        except ConditionFailedError as failed:
            stored = _lane(from_item(failed.item or {}), {})
            judged = judge_claim(stored, place, run_id, compared, now)
            return Claim.BUSY if judged is Claim.CLAIMED else judged
        return Claim.CLAIMED

    def release(self, flow_id: str, run_id: str) -> None:
        """Let others send; nothing is done for a run that has it not."""
        self._changed(flow_id, "REMOVE holder, lease_until", "holder = :run", {":run": run_id})

    def note_sent(self, flow_id: str, sent: Sent) -> bool:
        """Keep what Apple holds now and let others send; False, and nothing is done, for a run that has it not."""
        values = {":sent": plain(sent), ":run": sent.run_id}
        return self._changed(flow_id, "SET sent = :sent REMOVE holder, lease_until", "holder = :run", values)

    def remove(self, flow_id: str) -> None:
        """Remove all that is known of a flow's lane."""
        for run_id in self.get(flow_id).entered:
            self.leave(flow_id, run_id)
        with translated("dynamodb"):
            self._client.delete_item(TableName=self._table, Key=_key(flow_id, LANE))

    def _changed(
        self,
        flow_id: str,
        expression: str,
        condition: str,
        values: Mapping[str, Any],
        names: Mapping[str, str] | None = None,
    ) -> bool:
        try:
            self._update(flow_id, expression, condition, values, names)
        except ConditionFailedError:
            return False
        return True

    def _update(
        self,
        flow_id: str,
        expression: str,
        condition: str,
        values: Mapping[str, Any],
        names: Mapping[str, str] | None = None,
    ) -> None:
        arguments: dict[str, Any] = {"UpdateExpression": expression}
        if condition:
            arguments |= {"ConditionExpression": condition, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        if values:
            arguments["ExpressionAttributeValues"] = to_item(values)
        if names:
            arguments["ExpressionAttributeNames"] = dict(names)
        with conditional():
            self._client.update_item(TableName=self._table, Key=_key(flow_id, LANE), **arguments)


def _partition(flow_id: str) -> str:
    return f"lane#{flow_id}"


def _key(flow_id: str, name: str) -> Item:
    return to_item({"pk": _partition(flow_id), "sk": name})


def _lane(values: Mapping[str, Any], entered: Mapping[str, Entered]) -> Lane:
    known = {name: values[name] for name in Lane.model_fields if name in values}
    return Lane.model_validate({**known, "entered": dict(entered)})
