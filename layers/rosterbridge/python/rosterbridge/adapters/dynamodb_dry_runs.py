"""What a dry run finds: written into its item in the Accounts table, of which nothing else is changed."""

from __future__ import annotations

from typing import Any

from rosterbridge.adapters.clients import client
from rosterbridge.adapters.dynamodb_changes import attributes, thing_key
from rosterbridge.adapters.dynamodb_items import ConditionFailedError, conditional, plain, to_item
from rosterbridge.flows.models import DryRun

FOUND = ("status", "verdict", "summary", "error", "counts")


class DynamoDryRunStore:
    """Writes each state once; an item that is gone stays gone."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._client = client("dynamodb")

    def begin(self, dry_run: DryRun) -> bool:
        """Note that its file is looked at; False, and nothing is done, where that was noted before or it is gone."""
        return self._write(dry_run, "waiting", {"status": "checking"})

    def end(self, dry_run: DryRun) -> None:
        """Record what was found; one that is gone stays gone."""
        values = plain(dry_run)
        self._write(dry_run, "checking", {name: values[name] for name in FOUND if name in values})

    def _write(self, dry_run: DryRun, before: str, found: dict[str, Any]) -> bool:
        key = thing_key(DryRun, dry_run.organization_id, dry_run.id)
        try:
            with conditional():
                self._client.update_item(
                    TableName=self._table,
                    Key=to_item(attributes(key)),
                    UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in found),
                    ConditionExpression="#status = :before",
                    ExpressionAttributeNames={f"#{name}": name for name in found},
                    ExpressionAttributeValues=to_item(
                        {":before": before, **{f":{name}": value for name, value in found.items()}}
                    ),
                )
        except ConditionFailedError:
            return False
        return True
