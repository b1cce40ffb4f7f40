"""Uploads that broke off: Transfer Family tells of them, before or after S3 tells of what came of the file.

Either message may come first, late, again or never. So each side notes what it knows before it looks for what the other
side has noted: one of the two always sees both. One failure stands for one version of an object.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from rosterbridge.flows.models import ObjectRef, Run
from rosterbridge.flows.ports import LaneStore, RunStore

KEPT = timedelta(days=1)  # longer than either message is late
BROKEN_OFF = "upload-incomplete"
SENTENCE = "The connection broke off before the file was whole, so nothing of it was sent: upload it again."


@dataclass(frozen=True)
class StoredVersion:
    """A version of an object, the runs that were made of it, and its content by S3's tag and ``size`` in bytes."""

    ref: ObjectRef
    etag: str
    size: int
    run_ids: tuple[str, ...]


@dataclass(frozen=True)
class BrokenUpload:
    """An upload that Transfer Family says failed; ``id`` is the same each time it says so, ``etag`` may be missing."""

    id: str
    ref: ObjectRef
    etag: str
    size: int

    def fits(self, version: StoredVersion) -> bool:
        """Tell whether the version can be what came of the upload."""
        return self.etag == version.etag if self.etag and version.etag else self.size == version.size


class BrokenUploadStore(Protocol):
    """Keeps, for a day, what both sides know of the objects of one key; the key is known by its digest alone."""

    def note_version(self, version: StoredVersion, until: datetime) -> None:
        """Keep a version; may be repeated."""

    def note_broken(self, broken: BrokenUpload, until: datetime) -> None:
        """Keep a failure; what it stands for already stays so."""

    def versions(self, ref: ObjectRef, now: datetime) -> Sequence[StoredVersion]:
        """Return the versions of an object, whatever version ``ref`` names, as they are stored now."""

    def broken(self, ref: ObjectRef, now: datetime) -> Sequence[BrokenUpload]:
        """Return the failures of an object, likewise."""

    def claim(self, broken: BrokenUpload, version: StoredVersion) -> bool:
        """Let a failure stand for a version, one for one; False if either has another already. May be repeated."""


@dataclass(frozen=True)
class BrokenUploads:
    """Brings the two sides together and ends the runs of what broke off."""

    store: BrokenUploadStore
    runs: RunStore
    lanes: LaneStore

    def is_broken(self, version: StoredVersion, now: datetime) -> bool:
        """Note a version whose runs are recorded, and tell whether it is what came of a failed upload."""
        self.store.note_version(version, now + KEPT)
        found = (broken for broken in self.store.broken(version.ref, now) if broken.fits(version))
        return any(self.store.claim(broken, version) for broken in found)

    def hear(self, broken: BrokenUpload, now: datetime) -> list[str]:
        """Note a failed upload, and end the runs of what came of it; return the ids of those that have so ended."""
        self.store.note_broken(broken, now + KEPT)
        for version in self.store.versions(broken.ref, now):
            if broken.fits(version) and self.store.claim(broken, version):
                return self.end(version.run_ids, now)
        return []

    def end(self, run_ids: Sequence[str], now: datetime) -> list[str]:
        """End these runs, but those that are being sent or have ended; return the ids of those that have so ended."""
        ended = []
        for run_id in run_ids:
            run = self.runs.reject(run_id, BROKEN_OFF, SENTENCE, now) or self.runs.get(run_id)
            if run is not None and run.error == BROKEN_OFF:  # also one that an earlier try has ended
                self._clear_the_lane(run)
                ended.append(run_id)
        return ended

    def _clear_the_lane(self, run: Run) -> None:
        """Let the next run go on, and build on what was accepted before this one."""
        self.lanes.leave(run.flow_id, run.id)
        self.lanes.revert(run.flow_id, run.id)


def failure_id(session: str, ended: str) -> str:
    """Return what tells one failure from another: the same client may fail at the same byte twice."""
    return hashlib.sha256(f"{session}\n{ended}".encode()).hexdigest()[:32]
