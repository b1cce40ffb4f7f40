"""Apple's SFTP server, by paramiko; every guard here answers a way in which plain paramiko was seen to fail."""

from __future__ import annotations

import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Protocol, cast

import paramiko
from paramiko.sftp import (
    CMD_CLOSE,
    CMD_FSTAT,
    CMD_OPEN,
    CMD_STAT,
    CMD_STATUS,
    CMD_WRITE,
    SFTP_FLAG_CREATE,
    SFTP_FLAG_TRUNC,
    SFTP_FLAG_WRITE,
    SFTP_NO_SUCH_FILE,
    SFTP_OK,
    int64,
)

from rosterbridge.errors import PermanentError, RosterbridgeError, TransientError
from rosterbridge.flows.models import AsmAccount
from rosterbridge.flows.ports import Probe

CONNECT_SECONDS = 15.0
ANSWER_SECONDS = 30.0  # for each single answer: banner, key exchange, sign-in, an SFTP request
PROBE_SECONDS = 20.0  # the whole connection test: somebody waits for it, and API Gateway gives up after 30
KEEPALIVE_SECONDS = 15
BLOCK_BYTES = 32 * 1024  # the most that every SFTP server takes in one request
REQUESTS_IN_FLIGHT = 64  # waiting for each answer before the next write makes 1 MB/s
GCM_FIRST = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")
SIZE_IS_GIVEN, OWNER_IS_GIVEN, MODE_IS_GIVEN = 0x1, 0x2, 0x4


class SftpDelivery:
    """Sends a file, or tries whether it could; ``seconds_left`` tells how long the caller may still wait."""

    def __init__(
        self,
        seconds_left: Callable[[], float],
        *,
        connect_seconds: float = CONNECT_SECONDS,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._seconds_left = seconds_left
        self._connect_seconds = connect_seconds
        self._answer_seconds = answer_seconds

    def send(self, path: Path, account: AsmAccount, password: str, remote_name: str) -> dict[str, object]:
        """Send the file and return what is worth recording (sizes, path, banner; never credentials).

        Raises TransientError (away, slow, broken off) or PermanentError (sign-in, host key, algorithms or folder).
        """
        remote_path = f"{account.folder}/{remote_name}" if account.folder else remote_name
        with path.open("rb") as source, self._transport(account) as transport:
            _check_host_key(transport, account)
            self._sign_in(transport, account.username, password)
            with self._sftp(transport) as sftp:
                size = _put(sftp, source, remote_path)
            return {
                "method": "put",
                "remote_path": remote_path,
                "bytes": size,
                "server": transport.remote_version,
                "cipher": str(getattr(transport, "remote_cipher", "")),
                "host_key": transport.get_remote_server_key().fingerprint,
            }

    def probe(self, account: AsmAccount, password: str) -> Probe:
        """Connect as ``send`` does, without leaving a file: reach, host key, sign-in, folder; within 20 seconds.

        Never raises for what the other side does or is: the code tells, ``host-key-unknown`` where no host key is
        accepted yet. The password leaves only for a server whose host key is accepted.
        """
        until = time.monotonic() + min(PROBE_SECONDS, self._seconds_left())
        hurried = SftpDelivery(
            lambda: until - time.monotonic(),
            connect_seconds=self._connect_seconds,
            answer_seconds=self._answer_seconds,
        )
        return hurried._probe(account, password)

    def _probe(self, account: AsmAccount, password: str) -> Probe:
        found = Probe()
        try:
            with self._transport(account) as transport:
                found = _met(transport)
                if not _accepted_keys(account):
                    return replace(found, code="host-key-unknown")
                _check_host_key(transport, account)
                found = replace(found, accepted=True)
                self._sign_in(transport, account.username, password)
                found = replace(found, signed_in=True)
                with self._sftp(transport) as sftp:
                    _check_folder(sftp, account.folder)
        except RosterbridgeError as error:
            return replace(found, code=error.code)
        return replace(found, folder_found=True)

    @contextmanager
    def _transport(self, account: AsmAccount) -> Iterator[paramiko.Transport]:
        """Connect and agree on keys; whatever goes wrong until the end leaves here as an error of ours."""
        with closing(self._connect(account)) as connection:
            transport = paramiko.Transport(connection)
            overdue = threading.Event()

            def give_up() -> None:
                overdue.set()
                transport.close()

            # paramiko retries a stalled write without end: only closing the transport from outside ends it
            watchdog = threading.Timer(self._left(), give_up)
            watchdog.daemon = True
            watchdog.start()
            try:
                self._negotiate(transport, account)
                yield transport
            except (paramiko.SSHException, paramiko.SFTPError, OSError, EOFError) as error:
                raise _as_ours(error, overdue=overdue.is_set()) from None
            finally:
                watchdog.cancel()
                transport.close()

    def _connect(self, account: AsmAccount) -> socket.socket:
        """Try each address of the host; ``create_connection`` by name would give each of them the whole time."""
        try:
            found = socket.getaddrinfo(account.host, account.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:  # the latter for what cannot be a host name
            raise TransientError("asm-unreachable", type(error).__name__) from None
        failure = ""
        for *_, address in found:
            timeout = min(self._connect_seconds, self._left())
            try:
                return socket.create_connection((str(address[0]), account.port), timeout=timeout)
            except OSError as error:
                failure = type(error).__name__
        raise TransientError("asm-unreachable", failure)

    def _negotiate(self, transport: paramiko.Transport, account: AsmAccount) -> None:
        transport.banner_timeout = transport.handshake_timeout = self._answer_seconds
        options = transport.get_security_options()
        options.ciphers = _first(GCM_FIRST, options.ciphers)
        # or a server with several keys could show another than the accepted one
        options.key_types = _first(_pinned_key_types(account), options.key_types)
        with _reading_what_it_says():
            transport.start_client(timeout=self._answer_seconds)
        transport.set_keepalive(KEEPALIVE_SECONDS)

    def _sign_in(self, transport: paramiko.Transport, username: str, password: str) -> None:
        """Sign in by password; only a server's own refusal is final, not a connection that ended meanwhile."""
        answer = _SignInAnswer(transport)
        transport.auth_password(username, password, event=answer)
        if not answer.wait(min(self._answer_seconds, self._left())):
            raise TransientError("asm-timed-out", "sign-in")
        if not answer.connected:
            raise TransientError("asm-connection-lost", "sign-in")
        if not answer.accepted:
            raise PermanentError("asm-sign-in-refused")

    @contextmanager
    def _sftp(self, transport: paramiko.Transport) -> Iterator[paramiko.SFTPClient]:
        """Start SFTP with the time-out set before the subsystem, whose first answer is waited for already."""
        with _reading_what_it_says():
            channel = transport.open_session(timeout=self._answer_seconds)
            channel.settimeout(self._answer_seconds)
            channel.invoke_subsystem("sftp")
            opened = paramiko.SFTPClient(channel)
        with opened as sftp:
            yield sftp

    def _left(self) -> float:
        seconds = self._seconds_left()
        if seconds <= 0:
            raise TransientError("asm-timed-out", "no time left")
        return seconds


@contextmanager
def _reading_what_it_says() -> Iterator[None]:
    """Take for a lost connection whatever paramiko stumbles over in the other side's bytes."""
    try:
        yield
    except (paramiko.SSHException, paramiko.SFTPError, OSError, EOFError):
        raise
    except Exception as error:  # noqa: BLE001 its thread hands on errors of every class
        raise TransientError("asm-connection-lost", type(error).__name__) from None


def _met(transport: paramiko.Transport) -> Probe:
    shown = transport.get_remote_server_key()
    return Probe(
        reached=True,
        host_key=f"{shown.get_name()} {shown.get_base64()}",
        fingerprint=shown.fingerprint,
        server=transport.remote_version,
    )


def _first(preferred: tuple[str, ...], offered: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(offered, key=lambda name: name not in preferred))


def _accepted_keys(account: AsmAccount) -> set[tuple[str, ...]]:
    return {tuple(key.split()[:2]) for key in account.host_keys if key.strip()}


def _pinned_key_types(account: AsmAccount) -> tuple[str, ...]:
    pinned = {kind for kind, *_ in _accepted_keys(account)}
    # an RSA key is one key under several names; SHA-1, the first of them, paramiko no longer speaks
    return (*pinned, "rsa-sha2-512", "rsa-sha2-256") if "ssh-rsa" in pinned else tuple(pinned)


def _check_host_key(transport: paramiko.Transport, account: AsmAccount) -> None:
    shown = transport.get_remote_server_key()
    if (shown.get_name(), shown.get_base64()) not in _accepted_keys(account):
        raise PermanentError("asm-host-key-refused", shown.fingerprint)


class _SignInAnswer(threading.Event):
    """paramiko sets it when the server answers and also when the connection ends: the first one is remembered."""

    def __init__(self, transport: paramiko.Transport) -> None:
        super().__init__()
        self._transport = transport
        self.connected = self.accepted = False

    def set(self) -> None:
        if not self.is_set():
            self.connected, self.accepted = self._transport.is_active(), self._transport.is_authenticated()
        super().set()


def _put(sftp: paramiko.SFTPClient, source: BinaryIO, remote_path: str) -> int:
    """Write the file, prove its size on the open handle, and close it; return the bytes at the other side.

    There is no stat after the close and no rename, because Apple's server takes the file away on close.
    """
    requests, size = _Requests(sftp), 0
    try:
        flags = SFTP_FLAG_WRITE | SFTP_FLAG_CREATE | SFTP_FLAG_TRUNC
        handle = requests.ask(CMD_OPEN, remote_path, flags, paramiko.SFTPAttributes()).get_binary()
    except _RefusedError as refused:
        if refused.status == SFTP_NO_SUCH_FILE:
            raise PermanentError("asm-folder-missing") from None
        raise TransientError("asm-storage-refused", f"open: status {refused.status}") from None
    try:
        while block := source.read(BLOCK_BYTES):
            requests.post(CMD_WRITE, handle, int64(size), block)
            size += len(block)
        stored = _size(requests.ask(CMD_FSTAT, handle))
        if stored is not None and stored != size:
            raise TransientError("asm-size-differs", f"{stored} of {size} bytes")
        requests.ask(CMD_CLOSE, handle)
    except _RefusedError as refused:
        raise TransientError("asm-storage-refused", f"write: status {refused.status}") from None
    return size


def _size(attributes: paramiko.Message) -> int | None:
    return attributes.get_int64() if attributes.get_int() & SIZE_IS_GIVEN else None


def _check_folder(sftp: paramiko.SFTPClient, folder: str) -> None:
    """Raise PermanentError ``asm-folder-missing`` unless the folder is there and is one."""
    try:
        attributes = _Requests(sftp).ask(CMD_STAT, folder or ".")
    except _RefusedError as refused:
        if refused.status == SFTP_NO_SUCH_FILE:
            raise PermanentError("asm-folder-missing") from None
        raise TransientError("asm-storage-refused", f"stat: status {refused.status}") from None
    if not _may_be_folder(attributes):
        raise PermanentError("asm-folder-missing", "a file has its name")


def _may_be_folder(attributes: paramiko.Message) -> bool:
    """Tell a folder by its mode, which a server may leave out."""
    given = attributes.get_int()
    if given & SIZE_IS_GIVEN:
        attributes.get_int64()
    if given & OWNER_IS_GIVEN:
        attributes.get_int(), attributes.get_int()
    return not given & MODE_IS_GIVEN or stat.S_ISDIR(attributes.get_int())


class _RefusedError(Exception):
    """The server answered a request with a failure; its text stays out, since it may hold a path."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class _ParamikoRequests(Protocol):
    """paramiko's way to send SFTP requests of one's own: private, so that its type stubs do not have it."""

    def _async_request(self, receiver: object, kind: int, *arguments: object) -> int: ...

    def _read_response(self) -> object: ...


class _Requests:
    """SFTP requests, many in flight, and every answer heard, in whatever order the server gives them.

    paramiko's own file object loses an answer that overtakes another, and hides a refusal of the close.
    """

    def __init__(self, sftp: paramiko.SFTPClient) -> None:
        self._sftp = cast("_ParamikoRequests", sftp)
        self._unanswered: set[int] = set()
        self._answer = paramiko.Message()

    def post(self, kind: int, *arguments: object) -> None:
        """Send a request; waits only while too many are unanswered; raises _RefusedError for an earlier one."""
        while len(self._unanswered) >= REQUESTS_IN_FLIGHT:
            self._sftp._read_response()
        self._unanswered.add(self._sftp._async_request(self, kind, *arguments))

    def ask(self, kind: int, *arguments: object) -> paramiko.Message:
        """Hear all earlier answers, send a request and return its answer; raises _RefusedError."""
        self._hear_all()
        self.post(kind, *arguments)
        self._hear_all()
        return self._answer

    def _hear_all(self) -> None:
        while self._unanswered:
            self._sftp._read_response()

    def _async_response(self, kind: int, message: paramiko.Message, number: int) -> None:
        """Take the answer that paramiko has read."""
        self._unanswered.discard(number)
        self._answer = message
        if kind == CMD_STATUS and (status := message.get_int()) != SFTP_OK:
            raise _RefusedError(status)


def _as_ours(error: Exception, *, overdue: bool) -> RosterbridgeError:
    """Return our error for what paramiko or the socket raised, without its text."""
    kind = type(error).__name__
    if isinstance(error, paramiko.ssh_exception.IncompatiblePeer):
        return PermanentError("asm-algorithms-refused")
    if overdue or isinstance(error, TimeoutError):
        return TransientError("asm-timed-out", kind)
    return TransientError("asm-connection-lost", kind)
