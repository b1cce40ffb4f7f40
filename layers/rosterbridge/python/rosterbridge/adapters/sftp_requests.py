"""What is asked of an SFTP server: to take a file whole, or to tell whether a folder is there."""

from __future__ import annotations

import stat
from contextlib import suppress
from typing import BinaryIO, Protocol, cast

import paramiko
from paramiko.sftp import (
    CMD_CLOSE,
    CMD_FSTAT,
    CMD_OPEN,
    CMD_REMOVE,
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

from rosterbridge.errors import PermanentError, TransientError

BLOCK_BYTES = 32 * 1024  # the most that every SFTP server takes in one request
REQUESTS_IN_FLIGHT = 64  # waiting for each answer before the next write makes 1 MB/s
SIZE_IS_GIVEN, OWNER_IS_GIVEN, MODE_IS_GIVEN = 0x1, 0x2, 0x4


class Progress:
    """How many bytes the other side has confirmed; None unless it owes an answer to a write."""

    acknowledged: int | None = None


def put(sftp: paramiko.SFTPClient, source: BinaryIO, remote_path: str, progress: Progress) -> int:
    """Write the file, prove its size on the open handle, and close it; return the bytes at the other side.

    There is no stat after the close and no rename, because Apple's server takes the file away on close. A part that
    the server does not take is removed before the handle is closed, or it would be taken; that may fail.
    Raises TransientError or PermanentError.
    """
    requests = _Requests(sftp, progress)
    handle = _open(requests, remote_path)
    try:
        return _write(requests, source, handle)
    except TransientError:
        requests.remove(remote_path)
        raise


def _open(requests: _Requests, remote_path: str) -> bytes:
    try:
        flags = SFTP_FLAG_WRITE | SFTP_FLAG_CREATE | SFTP_FLAG_TRUNC
        return requests.ask(CMD_OPEN, remote_path, flags, paramiko.SFTPAttributes()).get_binary()
    except _RefusedError as refused:
        if refused.status == SFTP_NO_SUCH_FILE:
            raise PermanentError("asm-folder-missing") from None
        raise TransientError("asm-storage-refused", f"open: status {refused.status}") from None


def _write(requests: _Requests, source: BinaryIO, handle: bytes) -> int:
    size = 0
    try:
        while block := source.read(BLOCK_BYTES):
            requests.write(handle, size, block)
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


def check_folder(sftp: paramiko.SFTPClient, folder: str) -> None:
    """Raise PermanentError ``asm-folder-missing`` unless the folder is there and is one."""
    try:
        attributes = _Requests(sftp, Progress()).ask(CMD_STAT, folder or ".")
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

    def __init__(self, sftp: paramiko.SFTPClient, progress: Progress) -> None:
        self._sftp = cast("_ParamikoRequests", sftp)
        self._progress = progress
        self._unanswered: dict[int, int] = {}  # the bytes that each request brings
        self._confirmed = 0
        self._answer = paramiko.Message()

    def write(self, handle: bytes, offset: int, block: bytes) -> None:
        """Send a block; waits only while too many are unanswered; raises _RefusedError for an earlier one."""
        self._post(CMD_WRITE, handle, int64(offset), block, size=len(block))

    def ask(self, kind: int, *arguments: object) -> paramiko.Message:
        """Hear all earlier answers, send a request and return its answer; raises _RefusedError."""
        self._hear_all()
        self._post(kind, *arguments)
        self._hear_all()
        return self._answer

    def remove(self, path: str) -> None:
        """Remove a file, if the server still answers; what went wrong before is all that counts."""
        with suppress(_RefusedError, paramiko.SSHException, paramiko.SFTPError, OSError, EOFError):
            while self._unanswered:
                with suppress(_RefusedError):
                    self._hear_all()
            self.ask(CMD_REMOVE, path)

    def _post(self, kind: int, *arguments: object, size: int = 0) -> None:
        while len(self._unanswered) >= REQUESTS_IN_FLIGHT:
            self._sftp._read_response()
        if size:
            self._progress.acknowledged = self._confirmed
        self._unanswered[self._sftp._async_request(self, kind, *arguments)] = size

    def _hear_all(self) -> None:
        while self._unanswered:
            self._sftp._read_response()

    def _async_response(self, kind: int, message: paramiko.Message, number: int) -> None:
        """Take the answer that paramiko has read."""
        self._confirmed += self._unanswered.pop(number, 0)
        self._progress.acknowledged = self._confirmed if any(self._unanswered.values()) else None
        self._answer = message
        if kind == CMD_STATUS and (status := message.get_int()) != SFTP_OK:
            raise _RefusedError(status)
