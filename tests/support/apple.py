"""Who delivers to Apple's stand-in, by which keys it is known, and a server that is none."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import asyncssh

from rosterbridge.flows.models import AsmAccount

USERNAME, PASSWORD = "district-4711@sftp.apple.example", "correct horse battery"
ED25519 = asyncssh.generate_private_key("ssh-ed25519")
RSA = asyncssh.generate_private_key("ssh-rsa", key_size=2048)
PATIENT, HASTY = 20.0, 0.6


def account(port: int, *host_keys: str, **changes: Any) -> AsmAccount:
    """Return the ASM account of a server on loopback."""
    fields: dict[str, Any] = {
        "id": "asm-1",
        "organization_id": "org-1",
        "name": "Apple School Manager",
        "host": "127.0.0.1",
        "port": port,
        "username": USERNAME,
        "encrypted_password": "",
        "host_keys": host_keys,
        "created_at": datetime(2026, 1, 1, tzinfo=UTC),
    }
    return AsmAccount(**{**fields, **changes})


@contextmanager
def saying(text: bytes, port: int = 0) -> Iterator[int]:
    """Listen, say ``text`` to whoever connects, and then nothing; yields the port."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        met: list[socket.socket] = []

        def serve() -> None:
            with suppress(OSError):  # the listener is closed
                while True:
                    connection, _ = listener.accept()
                    met.append(connection)
                    connection.sendall(text)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(PATIENT)
            for connection in met:
                connection.close()
