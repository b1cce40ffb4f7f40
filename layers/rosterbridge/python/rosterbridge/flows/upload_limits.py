"""How many files, and how many bytes, a file account may upload in a day, and how large one file may be.

The files that an organization has looked at in dry runs are counted likewise.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal, Protocol

from rosterbridge.flows.messages import message

TOO_MANY_UPLOADS: Final = "too-many-uploads"
TOO_MANY_BYTES: Final = "too-many-bytes"
TOO_LARGE = "upload-too-large"
Counted = Literal["counted", "too-many-uploads", "too-many-bytes"]
UNITS = ((10**9, "GB"), (10**6, "MB"), (10**3, "KB"))


@dataclass(frozen=True)
class UploadLimits:
    """The most that is taken of one uploader in one UTC day, in files and bytes, and of one file in bytes."""

    uploads_per_day: int
    bytes_per_day: int
    bytes_per_upload: int


class UploadCounter(Protocol):
    """Counts uploads; right however many come at once."""

    def count(self, uploader_id: str, day: date, upload: str, size: int, limits: UploadLimits) -> Counted:
        """Count an upload if the day's limits allow it, once for its id; what was counted once stays so.

        One that is over a limit is not counted, and stays over it: what a day has counted never becomes less.
        """


@dataclass(frozen=True)
class OverLimit:
    """Why an upload is not taken, with one sentence that names the limit and when it ends."""

    code: str
    sentence: str


@dataclass(frozen=True)
class LimitCheck:
    """Counts an account's uploads and tells which of them are too many."""

    counter: UploadCounter
    limits: UploadLimits

    def check(self, account_id: str, upload: str, size: int, at: datetime) -> OverLimit | None:
        """Count an upload, by its id, ``size`` in bytes, on the day of its receipt; return None if it is taken."""
        if size > self.limits.bytes_per_upload:
            return OverLimit(
                TOO_LARGE, f"{message(TOO_LARGE)} At most {_bytes(self.limits.bytes_per_upload)} are taken."
            )
        counted = self.counter.count(account_id, at.date(), upload, size, self.limits)
        if counted == "counted":
            return None
        most = {
            TOO_MANY_UPLOADS: f"{self.limits.uploads_per_day} files",
            TOO_MANY_BYTES: _bytes(self.limits.bytes_per_day),
        }[counted]
        again = at.date() + timedelta(days=1)
        return OverLimit(
            counted, f"{message(counted)} At most {most} a day are taken, and from {again} 00:00 UTC again."
        )


def _bytes(count: int) -> str:
    for size, unit in UNITS:
        if count >= size:
            return f"{count / size:.4g} {unit}"
    return f"{count} bytes"
