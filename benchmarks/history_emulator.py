"""The embedded AWS with a history in it: ``python -m benchmarks.history_emulator --port 4766 --state DIR --seed FILE``.

It differs from ``local.emulator`` in two things, without which nothing could be measured. Runs are put into its tables
from inside, since 100,000 requests would take longer than all the rest. And its indexes are in order: MiniStack sorts
and filters a whole partition in Python for each query, where DynamoDB goes to a place in an ordered index and reads on
from there. All else is MiniStack's. After SIGUSR1 the indexes are MiniStack's own again.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import signal
import threading
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from local.emulator.__main__ import _configure

# What stands in a template for a run's own id, time and end
RUN_ID, RECEIVED_AT, EXPIRES_AT = "f" * 32, "2026-10-01T06:30:00", "1825396200"
Line = tuple[str, str, str]  # time, id, and the sort key that MiniStack gives to tables without one


class Row(NamedTuple):
    """One run of a seed: which template, and what is its own. Times are ISO 8601 in UTC, in whole seconds."""

    template: int
    run_id: str
    received_at: str
    expires_at: int


def fill(template: str, row: Row) -> dict[str, Any]:
    """Return the item of a run, in DynamoDB's JSON."""
    text = template.replace(RUN_ID, row.run_id).replace(RECEIVED_AT, row.received_at)
    item: dict[str, Any] = json.loads(text.replace(EXPIRES_AT, str(row.expires_at)))
    return item


def window(lines: list[Line], *, after: tuple[str, str] | None, forward: bool, limit: int) -> list[Line]:
    """Return the lines of an ordered partition that a query can reach: ``limit`` from its place, and one more."""
    if forward:
        first = bisect_right(lines, after, key=_place) if after else 0
        return lines[first : first + limit + 1]
    end = bisect_left(lines, after, key=_place) if after else len(lines)
    return lines[max(0, end - limit - 1) : end]


def _place(line: Line) -> tuple[str, str]:
    return line[:2]


class OrderedIndexes:
    """Lets MiniStack's queries of an index see only the lines that they can reach; the tables must not change."""

    def __init__(self, dynamodb: Any) -> None:
        self.on = True
        self._dynamodb = dynamodb
        self._query, self._members = dynamodb._query, dynamodb._index_members
        self._lines: dict[tuple[str, str], dict[str, list[Line]]] = {}
        self._asked = threading.local()
        dynamodb._query, dynamodb._index_members = self.query, self.members

    def add(self, table: str) -> None:
        """Put the indexes of a table in order."""
        stored = self._dynamodb._tables.get(table)
        items = stored["items"]
        for index, partitions in self._members(stored).items():
            self._lines[table, index] = {
                partition: sorted((items[run][sort]["received_at"]["S"], run, sort) for run, sort in places)
                for partition, places in partitions.items()
            }

    def query(self, data: dict[str, Any]) -> Any:
        """Answer as MiniStack does."""
        whole = not self.on or "Limit" not in data or " AND " in data.get("KeyConditionExpression", "")
        self._asked.data = None if whole else data
        try:
            return self._query(data)
        finally:
            self._asked.data = None

    def members(self, table: dict[str, Any]) -> Any:
        """Return what MiniStack looks up an index and a partition in."""
        asked = getattr(self._asked, "data", None)
        lines = self._lines.get((asked["TableName"], asked["IndexName"])) if asked and "IndexName" in asked else None
        if lines is None:
            return self._members(table)
        start = asked.get("ExclusiveStartKey")
        after = (start["received_at"]["S"], start["id"]["S"]) if start else None
        forward, limit = asked.get("ScanIndexForward", True), asked["Limit"]
        key = next(iter(asked["ExpressionAttributeValues"][":key"].values()))
        found = window(lines.get(key, []), after=after, forward=forward, limit=limit)
        return {asked["IndexName"]: {key: [(run, sort) for _, run, sort in found]}}


def _fill_tables(dynamodb: Any, seed: dict[str, Any]) -> Iterator[str]:
    """Create the tables of the seed and put their runs into them; yields the names of those with indexes."""
    for arguments in seed["tables"]:
        status, _, body = dynamodb._create_table(arguments)
        if status != 200:  # noqa: PLR2004
            raise RuntimeError(body)
        name = arguments["TableName"]
        table = dynamodb._tables.get(name)
        for row in map(Row._make, seed["rows"].get(name, ())):
            item = fill(seed["templates"][row.template], row)
            run, sort, wrong = dynamodb._resolve_table_key_values(table, item, allow_extra=True)
            if wrong:
                raise RuntimeError(wrong)
            dynamodb._set_item(table, run, sort, item)
        if "GlobalSecondaryIndexes" in arguments:
            yield name


def main() -> None:
    """Fill the tables and serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--region", required=True)
    parser.add_argument("--seed", type=Path, required=True)
    given = parser.parse_args()
    _configure(given.port, given.state.resolve(), given.region)
    os.environ["PERSIST_STATE"] = "0"

    import sys

    # after the environment: MiniStack reads it at import
    from ministack.services import dynamodb

    ordered = OrderedIndexes(dynamodb)
    for name in _fill_tables(dynamodb, json.loads(given.seed.read_text(encoding="utf-8"))):
        ordered.add(name)
    gc.freeze()  # or a look for garbage among all these items would be measured too
    signal.signal(signal.SIGUSR1, lambda *_: setattr(ordered, "on", False))
    sys.argv = sys.argv[:1]  # MiniStack parses the command line itself
    from ministack.app import main as serve

    serve()


if __name__ == "__main__":
    main()
