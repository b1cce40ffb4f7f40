"""What a call reads of DynamoDB: requests, bytes, read units, and the time until the answer is there."""

from __future__ import annotations

import json
import math
import socket
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.httpsession import URLLib3Session

UNIT_BYTES = 4096


def item_bytes(item: Mapping[str, Mapping[str, Any]]) -> int:
    """Return the size of an item, in DynamoDB's JSON, by which DynamoDB counts: names and values."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Mapping[str, Any]) -> int:
    kind, content = next(iter(value.items()))
    if kind == "S":
        return len(content.encode())
    if kind == "N":  # two digits a byte, and one
        return math.ceil(len(content.strip("-").replace(".", "").strip("0")) / 2) + 1 + content.startswith("-")
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + _value_bytes(inner) for name, inner in content.items())
    if kind == "L":
        return 3 + sum(1 + _value_bytes(inner) for inner in content)
    if kind == "SS":
        return sum(len(text.encode()) for text in content)
    if kind in {"BOOL", "NULL"}:
        return 1
    raise ValueError(kind)


@dataclass(frozen=True)
class Sizes:
    """Bytes of a run, and of its line in an index: what is read where the answer holds less than that."""

    run: int
    line: int


@dataclass(frozen=True)
class Request:
    """One request to DynamoDB and its answer, as they were sent; ``seconds`` until the answer was read."""

    operation: str
    asked: bytes
    answered: bytes
    seconds: float

    def read(self, sizes: Sizes) -> int:
        """Return the bytes that are read, of which those left out by a projection or a filter are part."""
        asked, answer = json.loads(self.asked), json.loads(self.answered)
        if self.operation == "GetItem":
            return sizes.run if "ProjectionExpression" in asked else item_bytes(answer.get("Item", {}))
        if "ProjectionExpression" in asked or "FilterExpression" in asked:
            return int(answer["ScannedCount"]) * sizes.line
        return sum(item_bytes(item) for item in answer["Items"])

    def units(self, sizes: Sizes) -> float:
        """Return the read units: one for 4 KB, rounded up, half of that if it may be a moment behind."""
        share = 1 if json.loads(self.asked).get("ConsistentRead") else 0.5
        return share * max(1, math.ceil(self.read(sizes) / UNIT_BYTES))


@dataclass
class Reads:
    """Sends the requests of a client, and keeps them while one listens."""

    client: Any
    kept: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        # as botocore makes its own; without it each request waits for the kernel
        self._session = URLLib3Session(socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)])
        self.client.meta.events.register("before-send.dynamodb", self._send)

    def _send(self, request: AWSPreparedRequest, event_name: str, **_: Any) -> AWSResponse:
        start = time.perf_counter()
        response: AWSResponse = self._session.send(request)
        answered = response.content
        seconds = time.perf_counter() - start
        self.kept.append(Request(event_name.rpartition(".")[2], request.body, answered, seconds))
        return response

    @contextmanager
    def listening(self) -> Iterator[list[Request]]:
        """Give the list of the requests that are sent meanwhile."""
        self.kept = []
        yield self.kept


def counted(requests: Sequence[Request]) -> str:
    """Return how many requests of which kind: ``1 GetItem, 2 Query``."""
    found = Counter(request.operation for request in requests)
    return ", ".join(f"{count} {operation}" for operation, count in sorted(found.items()))
