"""What DynamoDB counts of a request: the bytes that are read, and the lines of indexes that a write changes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from benchmarks.history_reads import item_bytes
from infra.data import RUN_INDEXES, RUN_LINE

READ_BYTES, WRITE_BYTES = 4096, 1024


def read_bytes(operation: str, answer: dict[str, Any]) -> list[int]:
    """Return the bytes that are rounded up each for itself: of an item that is asked for, of a query in all."""
    if operation == "BatchGetItem":
        return [item_bytes(item) for items in answer["Responses"].values() for item in items]
    if operation == "GetItem":
        return [item_bytes(answer.get("Item", {}))]
    return [sum(item_bytes(item) for item in answer["Items"])]


def lines(before: dict[str, Any], after: dict[str, Any]) -> Iterator[int]:
    """Yield the units of each index: none for a line that stays, two writes where it moves to another partition."""
    for partition in RUN_INDEXES.values():
        shown = {*RUN_LINE, "id", "received_at", partition}
        old, new = ({name: item[name] for name in shown & item.keys()} for item in (before, after))
        sizes = [math.ceil(item_bytes(line) / WRITE_BYTES) for line in (old, new) if line]
        if old != new:
            moved = bool(old) and old.get(partition) != new.get(partition)
            yield sum(sizes) if moved else max(sizes)
