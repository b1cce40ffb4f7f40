"""What sending to Apple needs from outside; ``rosterbridge.adapters`` fulfils it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from rosterbridge.flows.models import AsmAccount


@dataclass(frozen=True)
class Probe:
    """How far a connection test came: ``reached`` → ``accepted`` its host key → ``signed_in`` → ``folder_found``."""

    host_key: str | None = None
    fingerprint: str | None = None
    server: str | None = None
    reached: bool = False
    accepted: bool = False
    signed_in: bool = False
    folder_found: bool = False
    code: str | None = None


class Delivery(Protocol):
    """Puts a file on Apple's server."""

    def send(self, path: Path, account: AsmAccount, password: str, remote_name: str) -> dict[str, object]:
        """Send the file and return what is worth recording (sizes, path, banner; never credentials).

        Raises TransientError (away, slow, broken off) or PermanentError (sign-in or host key refused).
        """

    def probe(self, account: AsmAccount, password: str) -> Probe:
        """Connect as ``send`` does, without leaving a file: reach, host key, sign-in, folder.

        Never raises for what the other side does or is: the answer tells how far it came.
        """


class Passage(StrEnum):
    """Whether a delivery to a host may pass its circuit: ``FREE`` and ``TRIAL`` may."""

    FREE = "free"
    TRIAL = "trial"  # alone, to find out whether the host is back
    AWAITED = "awaited"  # another delivery finds that out at this moment
    BARRED = "barred"


class Circuit(Protocol):
    """Keeps for each host, ``<host>:<port>``, whether it is away; all processes share what is known."""

    def allows(self, host: str, now: datetime) -> Passage:
        """Tell whether a delivery may pass; whoever gets ``TRIAL`` is the only one."""

    def failed(self, host: str, now: datetime, *, trial: bool) -> bool:
        """Note that a delivery found the host away; True when the circuit opened by that."""

    def succeeded(self, host: str) -> bool:
        """Note that the host is there; True when the circuit closed by that."""
