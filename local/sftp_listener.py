"""What both local SFTP servers share: listening on loopback, and ending with every connection ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import asyncssh

HOST = "127.0.0.1"


class SftpListener:
    """An SSH server for SFTP only; ``port`` 0 takes a free one, and ``port`` then says which."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._connections: set[asyncssh.SSHServerConnection] = set()

    async def listen(
        self, make_connection: Callable[[], asyncssh.SSHServer], host_keys: Sequence[asyncssh.SSHKey], **options: Any
    ) -> None:
        """Listen with these host keys; ``options`` are asyncssh's own."""
        self._acceptor = await asyncssh.create_server(
            make_connection,
            HOST,
            self.port,
            server_host_keys=list(host_keys),
            encoding=None,
            allow_pty=False,
            agent_forwarding=False,
            x11_forwarding=False,
            **options,
        )
        self.port = self._acceptor.get_port()

    async def end(self) -> None:
        """Stop listening and end every connection."""
        if self._acceptor is None:
            return
        self._acceptor.close()
        for connection in list(self._connections):
            connection.abort()
            await connection.wait_closed()
        await self._acceptor.wait_closed()  # from Python 3.12 on it waits for the connections too

    def connected(self, connection: asyncssh.SSHServerConnection) -> None:
        """Remember a connection, to end it when the server stops."""
        self._connections.add(connection)

    def disconnected(self, connection: asyncssh.SSHServerConnection) -> None:
        """Forget a connection that has ended."""
        self._connections.discard(connection)
