"""In-memory fakes of what is counted of uploads, and of what is known of those that broke off."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from rosterbridge.flows.broken_uploads import BrokenUpload, StoredVersion
from rosterbridge.flows.models import ObjectRef
from rosterbridge.flows.upload_limits import TOO_MANY_BYTES, TOO_MANY_UPLOADS, Counted, UploadLimits

LIMITS = UploadLimits(uploads_per_day=100, bytes_per_day=10**10, bytes_per_upload=2 * 10**9)


class FakeUploadCounter:
    def __init__(self) -> None:
        self.days: dict[tuple[str, date], dict[str, int]] = {}

    def count(self, uploader_id: str, day: date, upload: str, size: int, limits: UploadLimits) -> Counted:
        counted = self.days.setdefault((uploader_id, day), {})
        if upload not in counted:
            if len(counted) >= limits.uploads_per_day:
                return TOO_MANY_UPLOADS
            if sum(counted.values()) + size > limits.bytes_per_day:
                return TOO_MANY_BYTES
            counted[upload] = size
        return "counted"


class FakeBrokenUploadStore:
    def __init__(self) -> None:
        self._versions: dict[tuple[str, str, str | None], tuple[StoredVersion, datetime]] = {}
        self._broken: dict[tuple[str, str, str], tuple[BrokenUpload, datetime]] = {}
        self._pairs: list[tuple[str, str | None]] = []

    def note_version(self, version: StoredVersion, until: datetime) -> None:
        ref = version.ref
        self._versions[ref.bucket, ref.key, ref.version_id] = (version, until)

    def note_broken(self, broken: BrokenUpload, until: datetime) -> None:
        self._broken[broken.ref.bucket, broken.ref.key, broken.id] = (broken, until)

    def versions(self, ref: ObjectRef, now: datetime) -> Sequence[StoredVersion]:
        place = (ref.bucket, ref.key)
        return [version for key, (version, until) in self._versions.items() if key[:2] == place and until > now]

    def broken(self, ref: ObjectRef, now: datetime) -> Sequence[BrokenUpload]:
        place = (ref.bucket, ref.key)
        return [broken for key, (broken, until) in self._broken.items() if key[:2] == place and until > now]

    def claim(self, broken: BrokenUpload, version: StoredVersion) -> bool:
        pair = (broken.id, version.ref.version_id)
        taken = any((known[0] == pair[0]) != (known[1] == pair[1]) for known in self._pairs)
        if not taken and pair not in self._pairs:
            self._pairs.append(pair)
        return not taken
