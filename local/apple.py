"""The stand-in for Apple's SFTP server: ``python -m local.apple --port P --host-key FILE --root DIR ...``.

As Apple's is believed to do, it takes password sign-in only, has the folder ``dropbox``, takes a file away as soon as
it is closed (to ``received``, where a later one of the same name replaces it), and cannot rename.
"""

from __future__ import annotations

import argparse
import asyncio
import hmac
import signal
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

import asyncssh

from local.host_key import host_key, public_text
from local.sftp_listener import HOST, SftpListener
from local.sftp_session import Handler, Server, SftpSession

DROPBOX, RECEIVED = "dropbox", "received"
Fault = Literal[
    "slow",  # stops reading after fault_after bytes, so that the client's writes stall
    "stall",  # reads on, but no longer answers after fault_after bytes
    "drip",  # answers each write late, but never late enough for a single answer's time-out
    "silent",  # accepts the SFTP subsystem and never says a word
    "reorder",  # answers two writes in the wrong order
    "drop",  # ends the connection after fault_after bytes
    "full",  # refuses writes after fault_after bytes
    "short",  # confirms every write, keeps only fault_after bytes
    "crumble",  # says its answers byte by byte, each of them late
    "refuse-open",  # refuses to open the file
    "quota",  # refuses to open the file, since there would be too much
    "silent-open",  # never answers when the file is to be opened
    "refuse-close",  # refuses to close the file, and does not take it
    "drop-close",  # ends the connection when the file is to be closed, and does not take it
    "drop-taken",  # ends the connection when it has taken the file, before it answers
    "late-close",  # takes the file, and answers late
    "silent-close",  # takes the file, and never answers
    "no-folder",  # has no dropbox
    "sha1-only",  # offers only a key exchange with SHA-1
    "other-host-key",  # shows another host key than the one it is known by
    "drop-sign-in",  # ends the connection when the password arrives
    "silent-sign-in",  # never answers the password
    "leave-after-refusal",  # ends the connection as soon as it has refused a password
]
FAULTS: tuple[str, ...] = get_args(Fault)
DRIP_SECONDS = 0.2
CRUMB_SECONDS = 0.05
WHOLE_FILE_WINDOW = 1 << 30  # the client may send everything, so that only TCP holds it back


class AppleStandIn(SftpListener):
    """Serves ``root`` on loopback while its ``async with`` lasts; ``port`` 0 takes a free one."""

    def __init__(
        self,
        root: Path,
        username: str,
        password: str,
        host_keys: Sequence[asyncssh.SSHKey],
        *,
        port: int = 0,
        fault: Fault | None = None,
        fault_after: int = 100_000,
        keeps_parts: bool = False,
    ) -> None:
        self.dropbox, self.received = root.resolve() / DROPBOX, root.resolve() / RECEIVED
        self.host_keys = tuple(public_text(key) for key in host_keys)
        super().__init__(port)
        self.fault, self.fault_after = fault, fault_after
        self.keeps_parts = keeps_parts  # what was not closed stays in the dropbox, as on a server of the usual kind
        self.sign_ins = 0  # passwords seen, right or wrong
        self._username, self._password, self._keys = username, password, list(host_keys)

    async def __aenter__(self) -> AppleStandIn:
        """Make the folders and listen."""
        self.received.mkdir(parents=True, exist_ok=True)
        if self.fault == "no-folder":
            self.dropbox.rmdir() if self.dropbox.exists() else None
        else:
            self.dropbox.mkdir(parents=True, exist_ok=True)
        options: dict[str, Any] = {}
        if self.fault == "sha1-only":
            options["kex_algs"] = ["diffie-hellman-group14-sha1"]
        if self.fault == "slow":
            options["window"] = WHOLE_FILE_WINDOW
        keys = [asyncssh.generate_private_key("ssh-ed25519")] if self.fault == "other-host-key" else self._keys
        await self.listen(partial(_SshServer, self), keys, **options)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening and end every connection."""
        await self.end()

    def accepts(self, username: str, password: str) -> bool:
        """Compare in a time that does not depend on where they differ."""
        same_name = hmac.compare_digest(username.encode(), self._username.encode())
        return hmac.compare_digest(password.encode(), self._password.encode()) and same_name


class _SshServer(asyncssh.SSHServer):
    """One connection: password sign-in, then SFTP and nothing else."""

    def __init__(self, apple: AppleStandIn) -> None:
        self._apple = apple
        self._connection: asyncssh.SSHServerConnection

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._apple.connected(conn)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._apple.disconnected(self._connection)

    def password_auth_supported(self) -> bool:
        return True

    def kbdint_auth_supported(self) -> bool:
        return False

    async def validate_password(self, username: str, password: str) -> bool:
        self._apple.sign_ins += 1
        if self._apple.fault == "drop-sign-in":
            self._connection.abort()
        if self._apple.fault == "silent-sign-in":
            await self._connection.wait_closed()
        accepted = self._apple.accepts(username, password)
        if self._apple.fault == "leave-after-refusal" and not accepted:
            asyncio.get_running_loop().call_later(0.01, self._connection.close)
        return accepted

    def session_requested(self) -> SftpSession:
        handlers: dict[str | None, type[Handler]] = {
            "silent": _SilentHandler,
            "reorder": _ReorderingHandler,
            "crumble": _CrumblingHandler,
        }
        return SftpSession(partial(_Dropbox, self._apple), handlers.get(self._apple.fault, Handler))


class _File:
    """A file in the dropbox; ``received`` counts the bytes that the client has sent."""

    def __init__(self, path: Path, stream: Any) -> None:
        self.path, self.stream, self.received = path, stream, 0


class _Dropbox(Server):
    """What the client sees: the root with its dropbox, a file only until it is closed."""

    def __init__(self, apple: AppleStandIn, chan: Any) -> None:
        super().__init__(chan, chroot=str(apple.dropbox.parent).encode())
        self._apple = apple

    def map_path(self, path: bytes) -> bytes:
        mapped = super().map_path(path)
        kept = str(self._apple.received).encode()
        if mapped == kept or mapped.startswith(kept + b"/"):
            raise asyncssh.SFTPNoSuchFile("No such file")
        return mapped

    async def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> _File:
        if pflags & asyncssh.FXF_WRITE:
            await self._fail_to_open()
        mapped = Path(self.map_path(path).decode())
        return _File(mapped, super().open(path, pflags, attrs))

    async def _fail_to_open(self) -> None:
        if self._apple.fault == "refuse-open":
            raise asyncssh.SFTPPermissionDenied("Permission denied")
        if self._apple.fault == "quota":
            raise asyncssh.SFTPQuotaExceeded("Quota exceeded")
        if self._apple.fault == "silent-open":
            await self.connection.wait_closed()

    def read(self, file_obj: _File, offset: int, size: int) -> Any:
        return super().read(file_obj.stream, offset, size)

    async def write(self, file_obj: _File, offset: int, data: bytes) -> int:
        fault, file_obj.received = self._apple.fault, file_obj.received + len(data)
        if fault == "drip" and not self.connection.is_closed():
            await asyncio.sleep(DRIP_SECONDS)
        if file_obj.received > self._apple.fault_after:
            if fault == "full":
                raise asyncssh.SFTPNoSpaceOnFilesystem("No space left")
            if fault == "short":
                return len(data)
            if fault == "drop":
                self.connection.abort()
            if fault == "slow":
                self.connection._transport.pause_reading()  # asyncssh itself can pause a channel only
            if fault in {"slow", "stall", "drop"}:
                await self.connection.wait_closed()
                raise asyncssh.SFTPConnectionLost("Connection lost")
        return super().write(file_obj.stream, offset, data)

    def fstat(self, file_obj: _File) -> Any:
        return super().fstat(file_obj.stream)

    def fsetstat(self, file_obj: _File, attrs: asyncssh.SFTPAttrs) -> None:
        super().fsetstat(file_obj.stream, attrs)

    async def close(self, file_obj: _File) -> None:
        written = file_obj.stream.writable()
        file_obj.stream.close()
        if not written:
            return
        fault = self._apple.fault
        if fault == "drop-close":
            self.connection.abort()
        if self.client_left or fault in {"drop-close", "refuse-close"}:
            if not self._apple.keeps_parts:
                file_obj.path.unlink(missing_ok=True)
            if self.client_left:
                return
            raise asyncssh.SFTPFailure("Failure")
        file_obj.path.replace(self._apple.received / file_obj.path.name)
        await self._answer_close_badly(fault)

    async def _answer_close_badly(self, fault: Fault | None) -> None:
        if fault == "drop-taken":
            self.connection.abort()
        if fault == "late-close":
            await asyncio.sleep(DRIP_SECONDS)
        if fault == "silent-close":
            await self.connection.wait_closed()

    def rename(self, oldpath: bytes, newpath: bytes) -> None:  # noqa: ARG002
        raise asyncssh.SFTPOpUnsupported("Operation unsupported")


class _SilentHandler(Handler):
    """Takes every packet and answers none, not even the first."""

    def send_packet(self, *_: Any) -> None:
        """Say nothing."""


class _CrumblingHandler(Handler):
    """Says what it has to say byte by byte."""

    _rest = b""

    def send_packet(self, pkttype: int, pktid: int | None, *args: bytes) -> None:  # noqa: ARG002
        packet = bytes([pkttype]) + b"".join(args)
        if not self._rest:
            asyncio.get_running_loop().call_soon(self._say)
        self._rest += len(packet).to_bytes(4, "big") + packet

    def _say(self) -> None:
        if self._writer is None or self._writer.channel.is_closing():
            return
        self._writer.write(self._rest[:1])
        self._rest = self._rest[1:]
        if self._rest:
            asyncio.get_running_loop().call_later(CRUMB_SECONDS, self._say)


class _ReorderingHandler(Handler):
    """Holds back the answer to every other write until the next one has been given."""

    _held: tuple[Any, ...] | None = None
    _in_write = False

    async def _process_write(self, packet: Any) -> int:
        self._in_write = True
        return await super()._process_write(packet)

    # asyncssh looks requests up here, so that an overridden method alone is not called
    _packet_handlers: ClassVar[dict[int | bytes, Any]] = {
        **Handler._packet_handlers,
        asyncssh.sftp.FXP_WRITE: _process_write,
    }

    def send_packet(self, pkttype: int, pktid: int | None, *args: bytes) -> None:
        packet, held = (pkttype, pktid, *args), self._held
        if self._in_write and held is None:
            self._held, self._in_write = packet, False
            asyncio.get_running_loop().call_later(DRIP_SECONDS, self._release)
            return
        self._in_write = False
        super().send_packet(*packet)
        self._release()

    def _release(self) -> None:
        if self._held is not None:
            held, self._held = self._held, None
            super().send_packet(*held)


async def _serve(arguments: argparse.Namespace) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    password = arguments.password_file.read_text().strip()
    keys = [host_key(arguments.host_key)]
    async with AppleStandIn(
        arguments.root, arguments.username, password, keys, port=arguments.port, fault=arguments.fault
    ) as apple:
        print(f"listening {HOST}:{apple.port}", flush=True)  # noqa: T201 - whoever started it waits for this line
        await stopped.wait()


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="local.apple", description="The stand-in for Apple's SFTP server.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host-key", type=Path, required=True)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--username", required=True)
    parser.add_argument("--password-file", type=Path, required=True, help="its content is the password")
    parser.add_argument("--fault", choices=FAULTS)
    asyncssh.set_log_level("WARNING")
    asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
