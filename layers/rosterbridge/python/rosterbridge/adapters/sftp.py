"""Apple's SFTP server, by paramiko; every guard here answers a way in which plain paramiko was seen to fail."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import paramiko

from rosterbridge.adapters.sftp_requests import Progress, check_folder, put
from rosterbridge.errors import PermanentError, RosterbridgeError, TransientError
from rosterbridge.flows.delivery_ports import Probe
from rosterbridge.flows.models import AsmAccount

CONNECT_SECONDS = 15.0
ANSWER_SECONDS = 30.0  # for each single answer: banner, key exchange, sign-in, an SFTP request
PROBE_SECONDS = 20.0  # the whole connection test: somebody waits for it, and API Gateway gives up after 30
KEEPALIVE_SECONDS = 15
GCM_FIRST = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")


@dataclass(frozen=True)
class Pace:
    """The least that the other side must take: so many bytes in so many seconds, while it owes an answer."""

    least_bytes: int = 64 * 1024
    seconds: float = 60.0


class SftpDelivery:
    """Sends a file, or tries whether it could; ``seconds_left`` tells how long the caller may still wait."""

    def __init__(
        self,
        seconds_left: Callable[[], float],
        *,
        connect_seconds: float = CONNECT_SECONDS,
        answer_seconds: float = ANSWER_SECONDS,
        pace: Pace = Pace(),
    ) -> None:
        self._seconds_left = seconds_left
        self._connect_seconds = connect_seconds
        self._answer_seconds = answer_seconds
        self._pace = pace

    def send(self, path: Path, account: AsmAccount, password: str, remote_name: str) -> dict[str, object]:
        """Send the file and return what is worth recording (sizes, path, banner; never credentials).

        Raises TransientError (away, slow, broken off) or PermanentError (sign-in, host key, algorithms or folder).
        """
        remote_path = f"{account.folder}/{remote_name}" if account.folder else remote_name
        progress = Progress()
        with path.open("rb") as source, self._transport(account, progress) as transport:
            _check_host_key(transport, account)
            self._sign_in(transport, account.username, password)
            with self._sftp(transport) as sftp:
                size = put(sftp, source, remote_path, progress)
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
            with self._transport(account, Progress()) as transport:
                found = _met(transport)
                if not _accepted_keys(account):
                    return replace(found, code="host-key-unknown")
                _check_host_key(transport, account)
                found = replace(found, accepted=True)
                self._sign_in(transport, account.username, password)
                found = replace(found, signed_in=True)
                with self._sftp(transport) as sftp:
                    check_folder(sftp, account.folder)
        except RosterbridgeError as error:
            return replace(found, code=error.code)
        return replace(found, folder_found=True)

    @contextmanager
    def _transport(self, account: AsmAccount, progress: Progress) -> Iterator[paramiko.Transport]:
        """Connect and agree on keys; whatever goes wrong until the end leaves here as an error of ours."""
        with closing(self._connect(account)) as connection:
            transport = paramiko.Transport(connection)
            watchdog = _Watchdog(transport, progress, self._pace, self._left())
            watchdog.start()
            try:
                self._negotiate(transport, account)
                yield transport
            except (paramiko.SSHException, paramiko.SFTPError, OSError, EOFError) as error:
                raise _as_ours(error, overdue=watchdog.overdue) from None
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
        started = time.monotonic()
        try:
            with _reading_what_it_says():
                transport.start_client(timeout=self._answer_seconds)
        except (paramiko.SSHException, EOFError):  # its own time for the handshake may end first
            if time.monotonic() - started < self._answer_seconds:
                raise
            raise TransientError("asm-timed-out", "banner") from None
        if not transport.initial_kex_done:  # at the end of its time paramiko goes on as if nothing were wrong
            raise TransientError("asm-timed-out", "key exchange")
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


class _Watchdog(threading.Thread):
    """Closes the transport when its time is over, or when the other side takes too little of what is written.

    paramiko retries a stalled write without end, and waits anew for each byte of an answer: only closing the transport
    from outside ends that.
    """

    def __init__(self, transport: paramiko.Transport, progress: Progress, pace: Pace, seconds: float) -> None:
        super().__init__(name="sftp-watchdog", daemon=True)
        self._transport, self._progress, self._pace = transport, progress, pace
        self._until = time.monotonic() + seconds
        self._cancelled = threading.Event()
        self.overdue = False

    def run(self) -> None:
        """Look at the end of each window of the pace."""
        before: int | None = None
        while not self._cancelled.wait(max(0.0, min(self._pace.seconds, self._until - time.monotonic()))):
            by_now = self._progress.acknowledged
            slow = before is not None and by_now is not None and by_now - before < self._pace.least_bytes
            if slow or time.monotonic() >= self._until:
                self.overdue = True
                self._transport.close()
                return
            before = by_now

    def cancel(self) -> None:
        """Look no more."""
        self._cancelled.set()


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


def _as_ours(error: Exception, *, overdue: bool) -> RosterbridgeError:
    """Return our error for what paramiko or the socket raised, without its text."""
    kind = type(error).__name__
    if isinstance(error, paramiko.ssh_exception.IncompatiblePeer):
        return PermanentError("asm-algorithms-refused")
    if overdue or isinstance(error, TimeoutError):
        return TransientError("asm-timed-out", kind)
    return TransientError("asm-connection-lost", kind)
