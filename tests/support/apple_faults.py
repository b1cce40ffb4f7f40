"""What can go wrong at Apple's side, what has to come of it, and the table of what came of it."""

from __future__ import annotations

import io
import random
import socket
import time
import zipfile
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.apple import AppleStandIn
from rosterbridge.adapters.sftp import Pace, SftpDelivery
from rosterbridge.errors import PermanentError, RosterbridgeError, TransientError
from tests.support.apple import ED25519, PASSWORD, PATIENT, USERNAME, account, saying
from tests.support.sftp import running

NAME = "rosterbridge-1.zip"
TRIES = 3
LATER = 0.05  # between two tries, in seconds
ANSWER_SECONDS = 1.0  # for each single answer; 30 where it is in earnest
TRY_SECONDS = 6 * ANSWER_SECONDS  # no try may take longer
PACE = Pace(least_bytes=240_000, seconds=ANSWER_SECONDS)


def _content() -> bytes:
    """Return a ZIP of about 1 MB, each block unlike a shifted one."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("students.csv", random.Random(4711).randbytes(1_000_000))  # noqa: S311
    return buffer.getvalue()


CONTENT = _content()


@dataclass(frozen=True)
class Scene:
    """A fault, and what has to come of a try that meets it; without a ``code`` the file has to arrive nevertheless.

    ``says``: nothing but this is heard from the port; ``away``: nobody listens. ``taken``: Apple has the file although
    the try failed. ``part``: a try that failed may leave one, since there is no connection to remove it by.
    """

    what: str
    code: str | None = None
    kind: type[RosterbridgeError] = TransientError
    fault: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    password: str = PASSWORD
    says: bytes | None = None
    away: bool = False
    taken: bool = False
    part: bool = False


HALF, LAST = {"fault_after": len(CONTENT) // 2}, {"fault_after": len(CONTENT) - 1}
LOST, SLOW, FULL, OTHER = "asm-connection-lost", "asm-timed-out", "asm-storage-refused", "asm-size-differs"
PASSING = (
    Scene("nobody listens", "asm-unreachable", away=True),
    Scene("silent instead of a banner", SLOW, says=b""),
    Scene("silent at the key exchange", SLOW, says=b"SSH-2.0-Silent\r\n"),
    Scene("not SSH at all", SLOW, says=b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    Scene("silent at the sign-in", SLOW, fault="silent-sign-in"),
    Scene("connection lost at the sign-in", LOST, fault="drop-sign-in"),
    Scene("silent at the start of SFTP", SLOW, fault="silent"),
    Scene("silent at the open", SLOW, fault="silent-open", part=True),
    Scene("open refused", FULL, fault="refuse-open"),
    Scene("quota reached at the open", FULL, fault="quota"),
    Scene("connection lost at 0 % of the bytes", LOST, fault="drop", options={"fault_after": 0}, part=True),
    Scene("connection lost at 50 % of the bytes", LOST, fault="drop", options=HALF, part=True),
    Scene("connection lost at 100 % of the bytes", LOST, fault="drop-close", part=True),
    Scene("connection lost after the file was taken", LOST, fault="drop-taken", taken=True),
    Scene("silent at 50 % of the bytes", SLOW, fault="stall", options=HALF, part=True),
    Scene("reads no more at 50 % of the bytes", SLOW, fault="slow", options=HALF, part=True),
    Scene("slow drip of whole answers", SLOW, fault="drip", part=True),
    Scene("slow drip of single bytes", SLOW, fault="crumble", part=True),
    Scene("disk full at 50 % of the bytes", FULL, fault="full", options=HALF),
    Scene("disk full at the last byte", FULL, fault="full", options=LAST),
    Scene("half of the file kept, all confirmed", OTHER, fault="short", options=HALF),
    Scene("close refused", FULL, fault="refuse-close"),
    Scene("close never answered, file taken", SLOW, fault="silent-close", taken=True),
)
HARMLESS = (
    Scene("none: the file is gone on close"),
    Scene("close answered late", fault="late-close"),
    Scene("answers in another order", fault="reorder"),
)
FINAL = (
    Scene("another host key", "asm-host-key-refused", PermanentError, fault="other-host-key"),
    Scene("SHA-1 only", "asm-algorithms-refused", PermanentError, fault="sha1-only"),
    Scene("password refused", "asm-sign-in-refused", PermanentError, password="wrong horse"),
    Scene("password refused, then gone", "asm-sign-in-refused", PermanentError, "leave-after-refusal", {}, "wrong"),
    Scene("no such folder", "asm-folder-missing", PermanentError, fault="no-folder"),
)


@dataclass
class Row:
    """A line of the table: how a try that meets the fault ends, and what lies at Apple's side in the end."""

    outcome: str = ""
    seconds: float = 0.0
    passes: str = ""
    stays: str = ""


ROWS: defaultdict[str, Row] = defaultdict(Row)


def table() -> str:
    """Return all rows as Markdown."""
    lines = ["| fault | a try ends | seconds | next try without it | fault stays |", "|---|---|--:|---|---|"]
    lines += [
        f"| {what} | {row.outcome} | {f'{row.seconds:.1f}' if row.stays else ''} | {row.passes} | {row.stays} |"
        for what, row in ROWS.items()
    ]
    return "\n".join(lines)


class World:
    """Apple's side: the stand-in, in which a fault is until it is mended, or something else on its port."""

    def __init__(self, root: Path, scene: Scene) -> None:
        self._root, self._scene = root, scene
        self._open = ExitStack()
        self._apple: AppleStandIn | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]

    def __enter__(self) -> World:
        if self._scene.says is not None:
            self._open.enter_context(saying(self._scene.says, self.port))
        elif not self._scene.away:
            self._start(self._scene.fault, **self._scene.options)
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def mend(self) -> None:
        """Take the fault away."""
        if self._apple is not None:
            self._apple.fault = None
            return
        self._open.close()
        self._start(None)

    def _start(self, fault: str | None, **options: Any) -> None:
        stand_in = AppleStandIn(
            self._root, USERNAME, PASSWORD, [ED25519], port=self.port, fault=fault, keeps_parts=True, **options
        )
        self._apple = self._open.enter_context(running(stand_in))

    @property
    def taken(self) -> bool:
        """Whether exactly one whole ZIP was taken; the test fails when there is anything else."""
        taken = self._files("received")
        assert set(taken) <= {NAME}
        assert set(taken.values()) <= {CONTENT}
        return bool(taken)

    @property
    def part(self) -> bool:
        """Whether a part lies in the dropbox; the test fails when there is anything else."""
        left = self._files("dropbox")
        assert set(left) <= {NAME}
        return bool(left)

    @property
    def bytes_in_dropbox(self) -> int:
        return sum(len(content) for content in self._files("dropbox").values())

    @property
    def lies(self) -> str:
        return f"{'one whole ZIP' if self.taken else 'no ZIP'}{', a part' if self.part else ''}"

    def _files(self, folder: str) -> dict[str, bytes]:
        path = self._root / folder
        return {file.name: file.read_bytes() for file in path.iterdir()} if path.exists() else {}


@dataclass
class Attempt:
    """What came of a delivery that is tried again like the state machine does."""

    first: RosterbridgeError | None = None
    error: RosterbridgeError | None = None
    tries: int = 0
    seconds: float = 0.0


def deliver(path: Path, world: World, *, password: str = PASSWORD, mended_after: int | None = None) -> Attempt:
    """Try until it works, fails for good or was tried often enough; a transient error alone is tried again."""
    attempt, started = Attempt(), time.monotonic()
    while attempt.tries < TRIES:
        attempt.tries += 1
        until = time.monotonic() + PATIENT
        delivery = SftpDelivery(_left(until), connect_seconds=ANSWER_SECONDS, answer_seconds=ANSWER_SECONDS, pace=PACE)
        try:
            sent = delivery.send(path, account(world.port, ED25519_PUBLIC), password, NAME)
        except RosterbridgeError as error:
            attempt.error, attempt.first = error, attempt.first or error
            if type(error) is not TransientError:
                break
        else:
            assert sent["bytes"] == len(CONTENT)
            attempt.error = None
            break
        if attempt.tries == mended_after:
            world.mend()
        time.sleep(LATER)
    attempt.seconds = time.monotonic() - started
    return attempt


def _left(until: float) -> Any:
    return lambda: until - time.monotonic()


ED25519_PUBLIC = " ".join(ED25519.export_public_key().decode().split()[:2])


def note(scene: Scene, attempt: Attempt, world: World, *, passes: bool = False) -> None:
    """Fill in the row of a fault that passes after the first try, or stays."""
    row = ROWS[scene.what]
    if passes:
        row.passes = world.lies
        row.outcome = row.outcome or "killed"
        return
    row.stays = world.lies
    row.seconds = attempt.seconds / attempt.tries
    row.outcome = f"{_word(attempt.error)}, `{attempt.error.code}`" if attempt.error else "sent"


def _word(error: RosterbridgeError) -> str:
    return "transient" if isinstance(error, TransientError) else "permanent"
