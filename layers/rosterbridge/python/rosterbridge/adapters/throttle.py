"""How many changes a user makes in a minute, counted in the Accounts table."""

from __future__ import annotations

from datetime import datetime, timedelta

from rosterbridge.adapters.clients import client, translated
from rosterbridge.adapters.dynamodb_items import from_item, to_item

MINUTE = timedelta(minutes=1)
KEPT = timedelta(hours=1)  # DynamoDB may expire later, never earlier


class DynamoThrottle:
    """One counter a user and minute, which expires by itself."""

    def __init__(self, table: str, limit: int) -> None:
        self._table = table
        self._limit = limit
        self._client = client("dynamodb")

    def wait(self, user_id: str, now: datetime) -> int:
        """Count a change and return 0, or after how many seconds the user may make the next one."""
        second = int(now.timestamp())
        minute, passed = divmod(second, int(MINUTE.total_seconds()))
        with translated("dynamodb"):
            answer = self._client.update_item(
                TableName=self._table,
                Key=to_item({"pk": f"throttle#{user_id}", "sk": f"{minute}"}),
                UpdateExpression="ADD changes :one SET expires_at = :end",
                ExpressionAttributeValues=to_item({":one": 1, ":end": second + int(KEPT.total_seconds())}),
                ReturnValues="UPDATED_NEW",
            )
        counted = from_item(answer["Attributes"])["changes"]
        return 0 if counted <= self._limit else int(MINUTE.total_seconds()) - passed
