"""An SSH session that is SFTP and nothing else, whose server knows whether its client is still there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, cast

import asyncssh
from asyncssh.sftp import SFTPServerHandler
from asyncssh.stream import SSHReader, SSHServerStreamSession, SSHWriter

SFTP_VERSION = 3  # the only one that Transfer Family speaks


class Server(asyncssh.SFTPServer):
    """An SFTP server; ``client_left`` is set before the files that the client left open are closed."""

    client_left = False


class Handler(SFTPServerHandler):
    """Requests and answers of one session; offers no extension of SFTP, as Transfer Family does not."""

    _extensions: ClassVar[list[tuple[bytes, bytes]]] = []
    _packet_handlers: ClassVar[dict[int | bytes, Any]] = {
        kind: handle for kind, handle in SFTPServerHandler._packet_handlers.items() if isinstance(kind, int)
    }

    async def _cleanup(self, exc: Exception | None) -> None:
        cast("Server", self._server).client_left = True
        await super()._cleanup(exc)


class SftpSession(SSHServerStreamSession[bytes]):
    """Accepts the subsystem ``sftp``; no shell, no command."""

    def __init__(self, make_server: Callable[[Any], Server], handler: type[Handler] = Handler) -> None:
        super().__init__(None, make_server, SFTP_VERSION)
        self._handler = handler

    def session_started(self) -> None:
        """Serve requests until the client leaves."""
        if self._chan is None or self._conn is None:
            return
        server = cast("Server", self._init_sftp_server())
        handler = self._handler(server, SSHReader(self, self._chan), SSHWriter(self, self._chan), SFTP_VERSION)
        self._conn.create_task(handler.run())
