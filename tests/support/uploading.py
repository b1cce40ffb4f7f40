"""Many clients in one process, as schools would upload at the same time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncssh

from local.upload import Server


@asynccontextmanager
async def signed_in(server: Server) -> AsyncIterator[asyncssh.SFTPClient]:
    """Sign in with a password; the host key must be the expected one."""
    known = asyncssh.import_known_hosts(f"[{server.host}]:{server.port} {server.host_key}\n")
    secret = {"username": server.username, "password": server.password, "client_keys": None}
    async with (
        asyncssh.connect(server.host, server.port, known_hosts=known, config=None, **secret) as connection,
        connection.start_sftp_client() as client,
    ):
        yield client


async def put(client: asyncssh.SFTPClient, name: str, content: bytes) -> None:
    """Upload a file; it is closed when this returns."""
    async with client.open(name, "wb") as file:
        await file.write(content)
