"""What telling people needs from outside; ``rosterbridge.adapters`` fulfils it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol


class Outcomes(Protocol):
    """Hears of runs that have ended or are held."""

    def tell(self, run_id: str) -> None:
        """Tell that a run has ended or is held; may be repeated, and in any order."""


@dataclass(frozen=True)
class Notice:
    """A message to an organization: without pupil data, values of files, and names that a client chose."""

    kind: str
    subject: str
    text: str


class Notifications(Protocol):
    """Brings notices to people."""

    def subscribe(self, address: str) -> None:
        """Make sure that the address can get notices: by some ways its owner has to agree first. May be repeated."""

    def send(self, addresses: Sequence[str], notice: Notice) -> None:
        """Send a notice to these e-mail addresses."""


@dataclass(frozen=True)
class Watch:
    """A flow that expects an upload by a time of day; ``since`` it does so, ``done_on`` is the last day judged."""

    flow_id: str
    organization_id: str
    time_zone: str
    expected_by: str
    since: datetime
    done_on: date | None = None


@dataclass(frozen=True)
class HeldRun:
    """A run that waits for somebody, ``since`` when."""

    run_id: str
    since: datetime


class NoticeStore(Protocol):
    """Keeps which flows are watched, which runs wait, and what people were told: nobody is told twice or flooded."""

    def begin(self, flow_id: str, kind: str, about: str, now: datetime, quiet_until: datetime) -> bool:
        """Tell whether a notice may be sent, and keep the others of its kind back until ``quiet_until``.

        ``about`` names what the notice tells of: it may begin again until it is noted as sent, and never after that.
        """

    def sent(self, flow_id: str, kind: str, about: str, at: datetime) -> None:
        """Note that a notice was sent."""

    def watches(self) -> Sequence[Watch]:
        """Return all flows that expect an upload by a time of day."""

    def judged(self, flow_id: str, day: date) -> None:
        """Note that a flow's day needs no further look; a flow that is not watched any more stays so."""

    def note_held(self, held: HeldRun) -> None:
        """Note that a run waits for somebody; may be repeated."""

    def forget_held(self, run_id: str) -> None:
        """Note that a run waits no longer; may be repeated."""

    def held(self, before: datetime) -> Sequence[HeldRun]:
        """Return the runs that are noted to wait since then or longer; some of them may wait no longer."""
