"""The SSH side: who comes in, and that nobody gets more than SFTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import asyncssh

from local.sftp_front.failed_uploads import FailedUploads
from local.sftp_front.identity import Grant, IdentityProvider, RefusedError, TransferServer, sign_in
from local.sftp_front.role import Storage
from local.sftp_front.session import FrontSession
from local.sftp_front.store import Store, logger
from local.sftp_listener import SftpListener
from local.sftp_session import SftpSession

THREADS = 10  # as many as the connections that an AWS client keeps
KEEPALIVE_SECONDS = 60  # so that a client that vanished does not leave its upload open for ever
STOP_SECONDS = 30

T = TypeVar("T")


class SftpFront(SftpListener):
    """Listens on loopback while its ``async with`` lasts; ``port`` 0 takes a free one.

    ``provider``, ``s3`` and ``events`` are called from threads; without EventBridge nobody hears of failed uploads.
    With ``storage`` each session has an S3 client of its own.
    """

    def __init__(
        self,
        provider: IdentityProvider,
        s3: Any,
        server: TransferServer,
        host_key: asyncssh.SSHKey,
        *,
        port: int = 0,
        events: Any = None,
        storage: Storage | None = None,
    ) -> None:
        super().__init__(port)
        self._events, self._storage = events, storage
        self.server = server
        self._provider, self._s3, self._host_key = provider, s3, host_key
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="sftp-front")
        self._sessions: set[FrontSession] = set()

    async def __aenter__(self) -> SftpFront:
        """Listen."""
        await self.listen(partial(_Connection, self), [self._host_key], keepalive_interval=KEEPALIVE_SECONDS)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening, end every connection and store what unfinished uploads have sent."""
        await self.end()
        until = asyncio.get_running_loop().time() + STOP_SECONDS
        while self._sessions and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(0.02)
        self._threads.shutdown()

    async def run(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call a blocking function in a thread; it goes on to its end, whatever becomes of the client."""
        loop = asyncio.get_running_loop()
        return await asyncio.shield(loop.run_in_executor(self._threads, partial(function, *arguments)))

    async def ask(self, username: str, password: str | None, source_ip: str) -> Grant | None:
        """Return what the identity provider grants; None for every kind of refusal."""
        ask = partial(sign_in, username=username, password=password, source_ip=source_ip)
        try:
            grant = await self.run(ask, self._provider, self.server)
            return replace(grant, s3=await self.run(self._storage, grant)) if self._storage else grant
        except RefusedError as refused:
            logger.info("sign-in refused: %s", refused)
            return None

    def session(self, username: str, source_ip: str, grant: Grant, chan: Any) -> FrontSession:
        """Begin a client's session."""
        failed = FailedUploads(self._events, self.server, username, source_ip)
        metadata = {"user-agent": "AWSTransfer", "user-agent-id": f"{username}@{self.server.id}"}
        store = Store(grant.s3 or self._s3, grant.policy, metadata)
        session = _KnownSession(
            *(chan, grant.home, store, self.run),
            ignores_set_stat=self.server.ignores_set_stat,
            failed=failed.tell,
            sessions=self._sessions,
        )
        self._sessions.add(session)
        return session


class _KnownSession(FrontSession):
    """A session that the front waits for before it stops."""

    def __init__(self, *arguments: Any, sessions: set[FrontSession], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._sessions = sessions

    def exit(self) -> None:
        self._sessions.discard(self)


class _Connection(asyncssh.SSHServer):
    """One client: by password or by key, as the server's setting offers."""

    def __init__(self, front: SftpFront) -> None:
        self._front = front
        self._grants: dict[str, Grant] = {}
        self._asked_by_key: set[str] = set()
        self._connection: asyncssh.SSHServerConnection

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._front.connected(conn)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._front.disconnected(self._connection)

    def password_auth_supported(self) -> bool:
        return "PASSWORD" in self._front.server.authentication

    def public_key_auth_supported(self) -> bool:
        return "PUBLIC_KEY" in self._front.server.authentication

    def kbdint_auth_supported(self) -> bool:
        return False

    async def validate_password(self, username: str, password: str) -> bool:
        grant = await self._front.ask(username, password, self._source_ip())
        if grant:
            self._grants[username] = grant
        return grant is not None

    async def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Tell whether the provider names this key; asyncssh has the client prove that it holds it."""
        if username not in self._asked_by_key:  # once a connection: a client offers key after key
            self._asked_by_key.add(username)
            if grant := await self._front.ask(username, None, self._source_ip()):
                self._grants[username] = grant
        grant = self._grants.get(username)
        return grant is not None and key.public_data in {known.public_data for known in grant.public_keys}

    def session_requested(self) -> SftpSession:
        username = str(self._connection.get_extra_info("username"))
        return SftpSession(partial(self._front.session, username, self._source_ip(), self._grants[username]))

    def _source_ip(self) -> str:
        return str(self._connection.get_extra_info("peername")[0])
