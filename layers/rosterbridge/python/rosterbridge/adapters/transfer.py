"""The SFTP endpoint as Transfer Family knows it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from rosterbridge.adapters.clients import client, translated
from rosterbridge.flows.host_key_ports import ServerKey

KEEP_SECONDS = 300.0
MOST_KEYS = 100  # a server has ten at most


class TransferServer:
    """What a client should know of the server before it connects, asked for at most every five minutes."""

    def __init__(self, server_id: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._server = TransferHostKeys(server_id)
        self._clock = clock
        self._known: Sequence[str] = ()
        self._until: float | None = None

    def host_key_fingerprints(self) -> Sequence[str]:
        """Return its host keys' fingerprints as OpenSSH shows them: ``SHA256:…``, without padding."""
        if self._until is None or self._clock() >= self._until:
            self._known = tuple(key.fingerprint for key in self._server.host_keys())
            self._until = self._clock() + KEEP_SECONDS
        return self._known


class TransferHostKeys:
    """The host keys that the server has, one or several of each kind."""

    def __init__(self, server_id: str) -> None:
        self._server_id = server_id
        self._client = client("transfer")

    def host_keys(self) -> Sequence[ServerKey]:
        """Return the keys that it has."""
        with translated("transfer"):
            answer = self._client.list_host_keys(ServerId=self._server_id, MaxResults=MOST_KEYS)
        return [ServerKey(key["HostKeyId"], key["Fingerprint"].rstrip("=")) for key in answer["HostKeys"]]

    def import_key(self, private: str) -> None:
        """Give it one more."""
        with translated("transfer"):
            self._client.import_host_key(ServerId=self._server_id, HostKeyBody=private)

    def delete_key(self, key_id: str) -> None:
        """Take one away."""
        with translated("transfer"):
            self._client.delete_host_key(ServerId=self._server_id, HostKeyId=key_id)
