"""What an SFTP client can do, as with a Transfer Family server that stores in S3."""

from __future__ import annotations

import errno
import stat
import tempfile
from collections.abc import AsyncIterator, Callable
from typing import Any, Protocol, TypeVar

from asyncssh import (
    FXF_APPEND,
    FXF_CREAT,
    FXF_EXCL,
    FXF_READ,
    FXF_TRUNC,
    FXF_WRITE,
    SFTPAttrs,
    SFTPBadMessage,
    SFTPName,
    SFTPOpUnsupported,
)

from local.sftp_front.home import Home, Place, normalized
from local.sftp_front.store import Entry, Store, logger
from local.sftp_session import Server

MEMORY_BYTES = 8 * 1024 * 1024  # of an upload; what is more lies in an unnamed temporary file
READ_BYTES = 4 * 1024 * 1024  # fetched at once for a download

T = TypeVar("T")


class Run(Protocol):
    """Calls a blocking function in a thread."""

    async def __call__(self, function: Callable[..., T], *arguments: Any) -> T:
        """Return what the function returns."""


class Failed(Protocol):
    """Hears of an upload that broke off, in the thread that stored it."""

    def __call__(self, place: Place, size: int, etag: str) -> None:
        """Tell of it: ``size`` in bytes, ``etag`` is S3's tag of what was stored."""


class Upload:
    """A file being written, from its start to its end; stored when it is closed."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.size = 0
        self.whole = True
        self._content = tempfile.SpooledTemporaryFile(MEMORY_BYTES)  # noqa: SIM115 - store() closes it

    def write(self, offset: int, data: bytes) -> int:
        """Append; anything else is refused, and then nothing is stored."""
        if offset != self.size:
            self.whole = False
            raise SFTPOpUnsupported("Random access writes are not supported")
        self._content.write(data)
        self.size += len(data)
        return len(data)

    def store(self, store: Store) -> None:
        """Put what came into S3."""
        with self._content:
            self._check()
            store.put(self.place, self._content)

    def store_rest(self, store: Store, failed: Failed) -> None:
        """Put what came before the client left into S3, and tell that it broke off."""
        with self._content:
            self._check()
            failed(self.place, self.size, store.put_rest(self.place, self._content))

    def _check(self) -> None:
        if not self.whole:
            raise OSError(errno.EIO, "The file is not whole, so it was not stored")


class Download:
    """A file being read, a large block at a time."""

    def __init__(self, place: Place, file: Entry) -> None:
        self.place, self.file = place, file
        self._start, self._block = 0, b""

    def read(self, store: Store, offset: int, size: int) -> bytes:
        """Return bytes from the block at hand, or fetch the next one."""
        if not self._start <= offset < self._start + len(self._block):
            self._start, self._block = offset, store.read(self.place, self.file, offset, max(size, READ_BYTES))
        begin = offset - self._start
        return self._block[begin : begin + size]


class FrontSession(Server):
    """One client's session. Every method of asyncssh's own server is replaced: those work on this machine's files."""

    def __init__(
        self, chan: Any, home: Home, store: Store, run: Run, *, ignores_set_stat: bool, failed: Failed
    ) -> None:
        super().__init__(chan)
        self._home, self._store, self._run, self._failed = home, store, run, failed
        self._ignores_set_stat = ignores_set_stat

    # -- finding the way ----------------------------------------------------------------------------------------------

    def realpath(self, path: bytes) -> bytes:
        """Return the absolute path, which never leads out of the home."""
        return _path(path).encode()

    async def stat(self, path: bytes) -> SFTPAttrs:
        """Return size and time of a file, or that it is a folder."""
        entry = await self._run(self._look, _path(path))
        if entry is None:
            raise FileNotFoundError(errno.ENOENT, "No such file")
        return _attributes(entry)

    async def lstat(self, path: bytes) -> SFTPAttrs:
        """Do as ``stat``: there are no links."""
        return await self.stat(path)

    async def scandir(self, path: bytes) -> AsyncIterator[SFTPName]:
        """Yield what lies in a folder: latest versions, nothing deleted."""
        for entry in await self._run(self._list, _path(path)):
            yield SFTPName(entry.name.encode(), attrs=_attributes(entry))

    def _look(self, path: str) -> Entry | None:
        place = self._home.place(path)
        if self._home.is_entry(path) or (place is None and (path == "/" or self._home.below(path))):
            return Entry(path.rpartition("/")[2], True)
        if place is None:
            return None
        file = self._store.file(place)
        return file or (Entry(path.rpartition("/")[2], True) if self._store.is_folder(place) else None)

    def _list(self, path: str) -> list[Entry]:
        place, mapped = self._home.place(path), self._home.below(path)
        entries = [Entry(name, True) for name in mapped]
        if place is not None:
            entries += [entry for entry in self._store.list(place) if entry.name not in mapped]
        if not entries and not ((found := self._look(path)) and found.is_folder):
            raise FileNotFoundError(errno.ENOENT, "No such folder")
        return entries

    def _place(self, path: bytes) -> tuple[str, Place]:
        """Return the place of something that may be changed: not the home itself, nor a folder above it."""
        name = _path(path)
        place = self._home.place(name)
        if place is None or self._home.is_entry(name):
            raise PermissionError(errno.EACCES, "Permission denied")
        return name, place

    # -- files --------------------------------------------------------------------------------------------------------

    async def open(self, path: bytes, pflags: int, attrs: SFTPAttrs) -> Upload | Download:  # noqa: ARG002
        """Open for reading, or for writing a file from its start to its end."""
        name, place = self._place(path)
        if not pflags & FXF_WRITE:
            return await self._run(self._open_to_read, name, place)
        if pflags & (FXF_READ | FXF_APPEND):
            raise SFTPOpUnsupported("Appending, or reading while writing, is not supported")
        await self._run(self._check_writing, name, place, pflags)
        return Upload(place)

    def _open_to_read(self, name: str, place: Place) -> Download:
        file = self._look(name)
        if file is None:
            raise FileNotFoundError(errno.ENOENT, "No such file")
        if file.is_folder:
            raise IsADirectoryError(errno.EISDIR, "A folder cannot be read")
        return Download(place, file)

    def _check_writing(self, name: str, place: Place, pflags: int) -> None:
        self._store.require("s3:PutObject", place)
        found = self._look(name)
        if found and found.is_folder:
            raise IsADirectoryError(errno.EISDIR, "There is a folder of that name")
        if found and pflags & FXF_EXCL:
            raise FileExistsError(errno.EEXIST, "The file exists")
        if found and not pflags & FXF_TRUNC:
            raise SFTPOpUnsupported("Changing a stored file is not supported")
        if found is None and not pflags & FXF_CREAT:
            raise FileNotFoundError(errno.ENOENT, "No such file")

    async def read(self, file_obj: Upload | Download, offset: int, size: int) -> bytes:
        """Return up to ``size`` bytes from ``offset``."""
        if isinstance(file_obj, Upload):
            raise SFTPOpUnsupported("The file is open for writing")
        return await self._run(file_obj.read, self._store, offset, size)

    def write(self, file_obj: Upload | Download, offset: int, data: bytes) -> int:
        """Append to an upload."""
        if isinstance(file_obj, Download):
            raise SFTPOpUnsupported("The file is open for reading")
        return file_obj.write(offset, data)

    def fstat(self, file_obj: Upload | Download) -> SFTPAttrs:
        """Return the size of an open file; of an upload, what has come so far."""
        if isinstance(file_obj, Upload):
            return _attributes(Entry("", False, file_obj.size))
        return _attributes(file_obj.file)

    async def close(self, file_obj: Upload | Download) -> None:
        """Store an upload; one whose client left unfinished too, as Transfer Family does."""
        if isinstance(file_obj, Download):
            return
        if not self.client_left:
            await self._run(file_obj.store, self._store)
            return
        try:
            await self._run(file_obj.store_rest, self._store, self._failed)
        except OSError as error:
            logger.warning("an unfinished upload was not stored: %s", errno.errorcode.get(error.errno or 0))

    # -- changes ------------------------------------------------------------------------------------------------------

    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Files only, and never onto something that exists."""
        (old_name, old), (new_name, new) = self._place(oldpath), self._place(newpath)
        await self._run(self._rename, old_name, old, new_name, new)

    def _rename(self, old_name: str, old: Place, new_name: str, new: Place) -> None:
        found = self._look(old_name)
        if found is None:
            raise FileNotFoundError(errno.ENOENT, "No such file")
        if found.is_folder:
            raise SFTPOpUnsupported("Folders cannot be renamed")
        if self._look(new_name) is not None:
            raise FileExistsError(errno.EEXIST, "The new name exists")
        self._store.move(old, new)

    async def remove(self, path: bytes) -> None:
        """Delete a file."""
        name, place = self._place(path)
        await self._run(self._remove, name, place)

    def _remove(self, name: str, place: Place) -> None:
        found = self._look(name)
        if found is None:
            raise FileNotFoundError(errno.ENOENT, "No such file")
        if found.is_folder:
            raise IsADirectoryError(errno.EISDIR, "That is a folder")
        self._store.delete(place)

    async def mkdir(self, path: bytes, attrs: SFTPAttrs) -> None:  # noqa: ARG002
        """Store the object that stands for a folder."""
        name, place = self._place(path)
        await self._run(self._mkdir, name, place)

    def _mkdir(self, name: str, place: Place) -> None:
        if self._look(name) is not None:
            raise FileExistsError(errno.EEXIST, "The name exists")
        self._store.make_folder(place)

    async def rmdir(self, path: bytes) -> None:
        """Remove an empty folder."""
        _, place = self._place(path)
        await self._run(self._store.remove_folder, place)

    def setstat(self, path: bytes, attrs: SFTPAttrs) -> None:  # noqa: ARG002
        """Set nothing."""
        self._set_stat()

    def lsetstat(self, path: bytes, attrs: SFTPAttrs) -> None:  # noqa: ARG002
        """Set nothing."""
        self._set_stat()

    def fsetstat(self, file_obj: object, attrs: SFTPAttrs) -> None:  # noqa: ARG002
        """Set nothing."""
        self._set_stat()

    def _set_stat(self) -> None:
        """Objects have no mode, owner or times to set; the server's setting says whether to tell."""
        if not self._ignores_set_stat:
            raise SFTPOpUnsupported("SETSTAT is not supported")

    # -- what S3 does not have ----------------------------------------------------------------------------------------

    def _unsupported(self, *_: object) -> Any:
        raise SFTPOpUnsupported("Operation not supported")

    open56 = readlink = symlink = link = lock = unlock = posix_rename = statvfs = fstatvfs = fsync = _unsupported

    def exit(self) -> None:
        """End: nothing is kept."""

    def format_user(self, uid: int | None) -> str:  # noqa: ARG002
        """Return what a listing shows in place of an owner."""
        return "-"

    def format_group(self, gid: int | None) -> str:  # noqa: ARG002
        """Return what a listing shows in place of a group."""
        return "-"


def _path(path: bytes) -> str:
    try:
        return normalized(path)
    except ValueError:
        raise SFTPBadMessage("A path must be UTF-8 without NUL") from None


def _attributes(entry: Entry) -> SFTPAttrs:
    kind = stat.S_IFDIR | 0o755 if entry.is_folder else stat.S_IFREG | 0o644
    seconds = int(entry.modified.timestamp()) if entry.modified else 0
    return SFTPAttrs(size=entry.size, permissions=kind, atime=seconds, mtime=seconds, nlink=1)
