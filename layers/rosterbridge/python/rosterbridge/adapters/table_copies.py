"""A table's items put back from a restored copy of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from rosterbridge.adapters.clients import client, translated
from rosterbridge.errors import InvalidRequestError

AT_ONCE = 25  # what one request may write
Item = dict[str, Any]
Write = dict[str, Any]


class TableCopy:
    """Puts the items of ``source`` into ``target``, which has the same keys; what is the same is not written.

    Raises InvalidRequestError ``value-invalid`` where the keys differ.
    """

    def __init__(self, source: str, target: str) -> None:
        self._source, self._target = source, target
        self._client = client("dynamodb")
        self._keys = self._key_names(source)
        if source == target or self._keys != self._key_names(target):
            raise InvalidRequestError("value-invalid", field="from")

    def put_back(self, *, exact: bool = False, dry: bool = False) -> Counter[str]:
        """Return how many items were ``added``, ``changed`` and, with ``exact``, ``removed``: the copy lacks them."""
        done: Counter[str] = Counter()
        for items in _groups(self._scan(self._source)):
            there = self._find(self._target, items)
            new = [item for item in items if there.get(self._key(item)) != item]
            done["changed"] += sum(self._key(item) in there for item in new)
            done["added"] += sum(self._key(item) not in there for item in new)
            if not dry:
                self._write([{"PutRequest": {"Item": item}} for item in new])
        for items in _groups(self._scan(self._target)) if exact else ():
            kept = self._find(self._source, items)
            gone = [item for item in items if self._key(item) not in kept]
            done["removed"] += len(gone)
            if not dry:
                self._write([{"DeleteRequest": {"Key": self._only_key(item)}} for item in gone])
        return done

    def _key_names(self, table: str) -> Sequence[str]:
        with translated("dynamodb"):
            found = self._client.describe_table(TableName=table)["Table"]["KeySchema"]
        return [key["AttributeName"] for key in found]

    def _key(self, item: Item) -> tuple[str, ...]:
        return tuple(str(item[name]) for name in self._keys)

    def _only_key(self, item: Item) -> Item:
        return {name: item[name] for name in self._keys}

    def _scan(self, table: str) -> Iterator[Item]:
        pages = self._client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        with translated("dynamodb"):
            for page in pages:
                yield from page["Items"]

    def _find(self, table: str, items: Sequence[Item]) -> dict[tuple[str, ...], Item]:
        """Return those items of a table that have the keys of ``items``."""
        found: dict[tuple[str, ...], Item] = {}
        wanted: Any = {table: {"Keys": [self._only_key(item) for item in items], "ConsistentRead": True}}
        while wanted:
            with translated("dynamodb"):
                answer = self._client.batch_get_item(RequestItems=wanted)
            found |= {self._key(item): item for item in answer["Responses"].get(table, [])}
            wanted = answer.get("UnprocessedKeys")
        return found

    def _write(self, writes: Sequence[Write]) -> None:
        wanted: Any = {self._target: list(writes)} if writes else None
        while wanted:
            with translated("dynamodb"):
                wanted = self._client.batch_write_item(RequestItems=wanted).get("UnprocessedItems")


def _groups(items: Iterator[Item]) -> Iterator[list[Item]]:
    while group := list(islice(items, AT_ONCE)):
        yield group
