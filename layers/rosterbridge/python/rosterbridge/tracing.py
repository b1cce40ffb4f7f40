"""Traces by AWS X-Ray without its SDK, which is large, slow to import and about to lose its support (ADR 0012).

Lambda records the function itself; here one part of it is added, with what a trace is found by. It goes to the daemon
that Lambda runs beside the function; where there is none, as on a local stack, nothing is sent.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from typing import Any

from aws_lambda_powertools.tracing.base import BaseProvider, BaseSegment

HEADER = b'{"format": "json", "version": 1}\n'


class Part(BaseSegment):
    """A part of a trace, which X-Ray calls a subsegment; it keeps annotations and nothing else of what it is told."""

    def __init__(self, name: str, trace_id: str, parent_id: str) -> None:
        self._document: dict[str, Any] = {
            "id": secrets.token_hex(8),
            "name": name,
            "type": "subsegment",
            "trace_id": trace_id,
            "parent_id": parent_id,
            "start_time": time.time(),
            "annotations": {},
        }

    @property
    def id(self) -> str:
        """What the parts inside it name as their parent."""
        return str(self._document["id"])

    @property
    def trace_id(self) -> str:
        """The trace that it belongs to."""
        return str(self._document["trace_id"])

    def close(self, end_time: float | None = None) -> None:
        """End the part and send it: a trace is worth no failure, and the daemon never answers."""
        document = {**self._document, "end_time": end_time or time.time()}
        host, _, port = os.environ.get("AWS_XRAY_DAEMON_ADDRESS", "").rpartition(":")
        if not host:
            return
        with suppress(OSError, ValueError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
            daemon.sendto(HEADER + json.dumps(document).encode(), (host, int(port)))

    def fault(self) -> None:
        """Note that it failed; of the error nothing is told, since its text may hold anything."""
        self._document["fault"] = True

    def put_annotation(self, key: str, value: Any) -> None:
        """Note what the trace is found by: ids of ours, codes and counts only."""
        self._document["annotations"][key] = value

    def put_metadata(self, key: str, value: Any, namespace: str = "default") -> None:
        """Keep nothing: metadata may hold anything."""

    def add_exception(self, exception: BaseException, stack: Any, remote: bool = False) -> None:  # noqa: ARG002
        """Note that it failed."""
        self.fault()

    def add_subsegment(self, subsegment: Any) -> None:
        """Do nothing: each part is sent by itself."""

    def remove_subsegment(self, subsegment: Any) -> None:
        """Do nothing, likewise."""


class Traces(BaseProvider):
    """What Powertools' tracer writes to, one part inside the other."""

    def __init__(self) -> None:
        self._open: list[Part] = []

    @contextmanager
    def in_subsegment(self, name: str = "", **_: Any) -> Iterator[Part]:
        """Open a part, and send it at its end if the request is one of those that are traced."""
        found = dict(pair.split("=", 1) for pair in os.environ.get("_X_AMZN_TRACE_ID", "").split(";") if "=" in pair)
        parent = self._open[-1].id if self._open else found.get("Parent", "")
        part = Part(name, found.get("Root", ""), parent)
        self._open.append(part)
        try:
            yield part
        except BaseException:
            part.fault()
            raise
        finally:
            self._open.remove(part)
            if found.get("Sampled") == "1":
                part.close()

    def in_subsegment_async(self, name: str = "", **_: Any) -> AbstractAsyncContextManager[BaseSegment]:
        """Refuse: nothing here is asynchronous."""
        raise NotImplementedError

    def put_annotation(self, key: str, value: Any) -> None:
        """Note in the innermost part what the trace is found by."""
        if self._open:
            self._open[-1].put_annotation(key, value)

    def put_metadata(self, key: str, value: Any, namespace: str = "default") -> None:
        """Keep nothing, likewise."""

    def patch(self, modules: Sequence[str]) -> None:
        """Do nothing: AWS's own calls are traced by AWS, as the SDK hands the trace on by itself."""

    def patch_all(self) -> None:
        """Do nothing, likewise."""
