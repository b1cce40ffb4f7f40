"""Apple's SFTP server, by paramiko; every guard here answers a way in which plain paramiko was seen to fail."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import paramiko
from paramiko.sftp import CMD_CLOSE

from rosterbridge.errors import PermanentError, TransientError
from rosterbridge.flows.models import AsmAccount

CONNECT_SECONDS = 15
ANSWER_SECONDS = 30  # for each single answer: banner, key exchange, sign-in, an SFTP request
KEEPALIVE_SECONDS = 15
BLOCK_BYTES = 256 * 1024
GCM_FIRST = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com")


class SftpDelivery:
    """Sends a file in one connection; ``seconds_left`` tells how long the caller may still wait."""

    def __init__(self, seconds_left: Callable[[], float]) -> None:
        self._seconds_left = seconds_left

    def send(self, path: Path, account: AsmAccount, password: str, remote_name: str) -> dict[str, object]:
        """Send the file and return what is worth recording (sizes, path, banner; never credentials).

        Raises TransientError (away, slow, broken off) or PermanentError (sign-in, host key, algorithms or folder).
        """
        with _reported(), self._transport(account) as transport:
            _check_host_key(transport, account)
            transport.auth_password(account.username, password, fallback=False)
            remote_path = f"{account.folder}/{remote_name}" if account.folder else remote_name
            size = _put(transport, path, remote_path)
            return {
                "method": "put",
                "remote_path": remote_path,
                "bytes": size,
                "server": transport.remote_version,
                "cipher": transport.remote_cipher,
                "host_key": transport.get_remote_server_key().fingerprint,
            }

    @contextmanager
    def _transport(self, account: AsmAccount) -> Iterator[paramiko.Transport]:
        connection = socket.create_connection((account.host, account.port), timeout=CONNECT_SECONDS)
        transport = paramiko.Transport(connection)
        # paramiko retries a stalled write without end: only closing the transport from outside ends it
        watchdog = threading.Timer(max(1.0, self._seconds_left()), transport.close)
        watchdog.daemon = True
        watchdog.start()
        try:
            transport.banner_timeout = transport.auth_timeout = transport.handshake_timeout = ANSWER_SECONDS
            options = transport.get_security_options()
            offered = tuple(options.ciphers)
            preferred = tuple(cipher for cipher in GCM_FIRST if cipher in offered)
            options.ciphers = preferred + tuple(cipher for cipher in offered if cipher not in preferred)
            _prefer_pinned_key_types(options, account)
            transport.start_client(timeout=ANSWER_SECONDS)
            transport.set_keepalive(KEEPALIVE_SECONDS)
            yield transport
        finally:
            watchdog.cancel()
            transport.close()


def _prefer_pinned_key_types(options: paramiko.SecurityOptions, account: AsmAccount) -> None:
    """Ask for the kinds of host key that are pinned, or a server with several could show another, unknown one."""
    pinned = {key.split()[0] for key in account.host_keys}
    if "ssh-rsa" in pinned:
        pinned |= {"rsa-sha2-512", "rsa-sha2-256"}
    offered = tuple(options.key_types)
    first = tuple(kind for kind in offered if kind in pinned)
    options.key_types = first + tuple(kind for kind in offered if kind not in first)


def _check_host_key(transport: paramiko.Transport, account: AsmAccount) -> None:
    shown = transport.get_remote_server_key()
    accepted = {tuple(key.split()[:2]) for key in account.host_keys}
    if (shown.get_name(), shown.get_base64()) not in accepted:
        raise PermanentError("asm-host-key-refused", shown.fingerprint)


def _put(transport: paramiko.Transport, path: Path, remote_path: str) -> int:
    """Write the file, prove its size on the open handle, and close it; return the bytes at the other side.

    The time-out is set before the subsystem starts, since SFTP's first answer is waited for already. There is no stat
    after the close and no rename, because Apple's server takes the file away on close.
    """
    channel = transport.open_session(timeout=ANSWER_SECONDS)
    channel.settimeout(ANSWER_SECONDS)
    channel.invoke_subsystem("sftp")
    with paramiko.SFTPClient(channel) as sftp, path.open("rb") as source:
        try:
            target = sftp.open(remote_path, "wb")
        except FileNotFoundError:
            raise PermanentError("asm-folder-missing") from None
        target.set_pipelined(True)  # without it each write waits for its answer: 1 MB/s
        while block := source.read(BLOCK_BYTES):
            target.write(block)
        return _finish(sftp, target, path.stat().st_size)


def _finish(sftp: paramiko.SFTPClient, target: paramiko.SFTPFile, expected: int) -> int:
    """Hear the answer to every write and to the close: paramiko's own close drops them, a refusal included."""
    while target._reqs:
        sftp._read_response(target._reqs.popleft())
    size = target.stat().st_size
    if size is not None and size != expected:
        raise TransientError("asm-size-differs", f"{size} of {expected} bytes")
    target._closed = True  # closed here, once: a second close could hit another file's handle
    sftp._request(CMD_CLOSE, target.handle)
    return expected


@contextmanager
def _reported() -> Iterator[None]:
    """Turn what paramiko and the socket raise into our errors, without their texts."""
    try:
        yield
    except paramiko.AuthenticationException:
        raise PermanentError("asm-sign-in-refused") from None
    except paramiko.ssh_exception.IncompatiblePeer:
        raise PermanentError("asm-algorithms-refused") from None
    except (TimeoutError, paramiko.ssh_exception.NoValidConnectionsError) as error:
        raise TransientError("asm-timed-out", type(error).__name__) from None
    except (ConnectionRefusedError, socket.gaierror) as error:
        raise TransientError("asm-unreachable", type(error).__name__) from None
    except (paramiko.SSHException, EOFError, ConnectionError) as error:
        raise TransientError("asm-connection-lost", type(error).__name__) from None
    except OSError as error:
        raise TransientError("asm-storage-refused", type(error).__name__) from None
