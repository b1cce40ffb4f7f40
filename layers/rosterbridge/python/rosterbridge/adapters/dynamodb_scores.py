"""Points and bans of sign-ins in the Accounts table: one item a board, one for each address that an account knows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from rosterbridge.adapters.clients import client, translated
from rosterbridge.adapters.dynamodb_items import ConditionFailedError, Item, conditional, from_item, to_item
from rosterbridge.flows.sign_in_scores import LONGEST_BAN, Board, Standing

BOARD = "score"
KEPT = LONGEST_BAN + timedelta(days=1)  # after the last fault: longer than any ban


class DynamoScoreStore:
    """Times are seconds, so that a condition compares them and a ban grows without being read before."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._client = client("dynamodb")

    def look(self, address: Board, account: Board | None) -> Standing:
        """Return what is known, possibly a moment behind; ends may be over already."""
        keys = [_key(address)]
        if account is not None:
            keys += [_key(account), _known_key(account, address)]
        with translated("dynamodb"):
            answer = self._client.batch_get_item(RequestItems={self._table: {"Keys": keys}})
        found = {(item["pk"], item["sk"]): item for item in map(from_item, answer["Responses"].get(self._table, []))}
        ends = [_end(found.get(_plain_key(key), {})) for key in keys]
        return Standing(*ends)

    def add(self, board: Board, points: int, now: datetime, window: timedelta) -> int:
        """Count points and return their sum since the first one, which begins anew when ``window`` is over."""
        values = {":points": points, ":now": _seconds(now), ":kept": _seconds(now + KEPT)}
        going_on = ("SET expires_at = :kept ADD points :points", "counted_until > :now", values)
        anew = (
            "SET expires_at = :kept, points = :points, counted_until = :end",
            "attribute_not_exists(counted_until) OR counted_until <= :now",
            {**values, ":end": _seconds(now + window)},
        )
        for attempt in (going_on, anew, going_on):  # another client may have begun anew meanwhile
            changed = self._changed(board, *attempt)
            if changed is not None:
                return int(changed["points"])
        return points

    def ban(self, board: Board, now: datetime, until: datetime) -> None:
        """Ban, and count from nothing afterwards; a longer ban stays."""
        self._changed(
            board,
            "SET banned_until = :until, expires_at = :kept REMOVE points, counted_until",
            "attribute_not_exists(banned_until) OR banned_until < :until",
            {":until": _seconds(until), ":kept": _seconds(now + KEPT)},
        )

    def prolong(self, board: Board, by: timedelta, now: datetime, latest: datetime) -> None:
        """Make a ban longer, unless it is over or would end after ``latest``."""
        self._changed(
            board,
            "SET banned_until = banned_until + :by, expires_at = :kept",
            "banned_until > :now AND banned_until <= :latest",
            {
                ":by": int(by.total_seconds()),
                ":now": _seconds(now),
                ":latest": _seconds(latest - by),
                ":kept": _seconds(now + KEPT),
            },
        )

    def know(self, account: Board, address: Board, until: datetime) -> None:
        """Keep that the account was signed in to from the address."""
        with translated("dynamodb"):
            self._client.update_item(
                TableName=self._table,
                Key=_known_key(account, address),
                UpdateExpression="SET known_until = :until, expires_at = :until",
                ExpressionAttributeValues=to_item({":until": _seconds(until)}),
            )

    def _changed(
        self, board: Board, expression: str, condition: str, values: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        """Return what was changed, None if the condition does not hold."""
        try:
            with conditional():
                answer = self._client.update_item(
                    TableName=self._table,
                    Key=_key(board),
                    UpdateExpression=expression,
                    ConditionExpression=condition,
                    ExpressionAttributeValues=to_item(values),
                    ReturnValues="UPDATED_NEW",
                )
        except ConditionFailedError:
            return None
        return from_item(answer.get("Attributes", {}))


def _key(board: Board, sort_key: str = BOARD) -> Item:
    return to_item({"pk": f"sign-in#{board.kind}#{board.key}", "sk": sort_key})


def _known_key(account: Board, address: Board) -> Item:
    return _key(account, f"address#{address.key}")


def _plain_key(key: Item) -> tuple[str, str]:
    return key["pk"]["S"], key["sk"]["S"]


def _end(item: Mapping[str, Any]) -> datetime | None:
    seconds = item.get("banned_until", item.get("known_until"))
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _seconds(at: datetime) -> int:
    return int(at.timestamp())
