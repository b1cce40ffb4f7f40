"""The deployed API as programs of the outside ask it: over HTTP, with a user's token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from tests.support.api import Answer, Sender

SECONDS = 35.0


def connections(api: str) -> httpx.Client:
    """Return what keeps connections to an API, to be closed at the end."""
    return httpx.Client(base_url=api, timeout=SECONDS, trust_env=False)


class HttpClient(Sender):
    """Sends requests of one user over HTTP, of nobody without a token."""

    def __init__(self, connections: httpx.Client, token: str | None = None) -> None:
        self._connections = connections
        self._sender = {"Authorization": f"Bearer {token}"} if token else {}

    def send(self, method: str, target: str, content: str | bytes | None, headers: Mapping[str, str]) -> Answer:
        found = self._connections.request(method, target, content=content, headers={**self._sender, **headers})
        return Answer(found.status_code, found.headers, found.text)  # type: ignore[arg-type] these ignore case

    def read(self, target: str) -> Any:
        """Return what is there."""
        answer = self.get(target)
        assert answer.status == 200, answer
        return answer.json

    def made(self, target: str, body: Any = None, **headers: str) -> Any:
        """Create something that may be created, and return it."""
        answer = self.post(target, body, **headers)
        assert answer.status == 201, answer
        return answer.json

    def changed(self, thing: str, method: str = "PATCH", body: Any = None, below: str = "") -> Answer:
        """Read a thing, then change it or what is ``below`` it by that version."""
        etag = self.get(thing).etag
        answer = self(method, thing + below, body, if_match=etag)
        assert answer.status in {200, 201, 204}, answer
        return answer


def download(link: str) -> bytes:
    """Follow a link, which needs no token."""
    answer = httpx.get(link, timeout=SECONDS, trust_env=False)
    assert answer.status_code == 200, answer
    return answer.content
