"""The SFTP endpoint as Transfer Family knows it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from rosterbridge.adapters.clients import client, translated

KEEP_SECONDS = 300.0


class TransferServer:
    """What a client should know of the server before it connects, asked for at most every five minutes."""

    def __init__(self, server_id: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._server_id = server_id
        self._clock = clock
        self._client = client("transfer")
        self._known: Sequence[str] = ()
        self._until: float | None = None

    def host_key_fingerprints(self) -> Sequence[str]:
        """Return its host keys' fingerprints as OpenSSH shows them: ``SHA256:…``, without padding."""
        if self._until is None or self._clock() >= self._until:
            with translated("transfer"):
                answer = self._client.describe_server(ServerId=self._server_id)
            found = answer["Server"].get("HostKeyFingerprint")
            self._known = (found.rstrip("="),) if found else ()
            self._until = self._clock() + KEEP_SECONDS
        return self._known
