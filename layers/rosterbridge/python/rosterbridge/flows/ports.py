"""What the use cases need from outside; ``rosterbridge.adapters`` fulfils it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from rosterbridge.flows.models import (
    Accepted,
    AuditEntry,
    FileAccount,
    Flow,
    Hold,
    Lane,
    Model,
    ObjectRef,
    Organization,
    Role,
    Run,
    RunStatus,
    RunSummary,
    Sent,
    Step,
    Thing,
)

M = TypeVar("M", bound=Model)


T = TypeVar("T", bound=Organization | Thing)


@dataclass(frozen=True)
class Request:
    """A creation that its sender may repeat: the same ``key`` by the same user with the same content is done once."""

    key: str
    user_id: str
    fingerprint: str


@dataclass(frozen=True)
class RepeatedRequest:
    """What is known of a request that was fulfilled: its ``fingerprint``, and the ids of what it created."""

    fingerprint: str
    target_ids: tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """What is stored together or not at all, with the entry in the audit trail that tells of it.

    ``updates`` hold the version that was read; they are stored under the next one. ``removes`` likewise. ``user_ids``
    are users whom the directory has created for the request: they are no things of ours.
    """

    audit: AuditEntry
    creates: tuple[Organization | Thing, ...] = ()
    updates: tuple[Organization | Thing, ...] = ()
    removes: tuple[Thing, ...] = ()
    request: Request | None = None
    user_ids: tuple[str, ...] = ()

    @property
    def target_ids(self) -> tuple[str, ...]:
        """The ids of what the change creates."""
        return (*(thing.id for thing in self.creates), *self.user_ids)


@dataclass(frozen=True)
class Page(Generic[M]):
    """Some of a list, and the opaque cursor with which it goes on; None at its end."""

    items: tuple[M, ...]
    cursor: str | None = None


class AccountStore(Protocol):
    """Keeps organizations with their projects, accounts and flows; nothing is found but in its own organization."""

    def get(self, kind: type[T], organization_id: str, identity: str) -> T | None:
        """Return one thing of the organization, as it is stored now."""

    def list(self, kind: type[T], organization_id: str) -> Sequence[T]:
        """Return all things of a kind that the organization has, in the order of their creation."""

    def organizations(self) -> Sequence[Organization]:
        """Return all organizations, in the order of their creation."""

    def commit(self, change: Change) -> None:
        """Store the change whole.

        A flow is written into the ``flow_ids`` of its two accounts with it. Raises ConflictError ``version-changed``
        (another change was stored meanwhile), ``username-taken``, ``in-use`` (an account that a flow uses is removed),
        ``account-gone`` (an account that a new flow names is removed), or RepeatedRequestError.
        """

    def repeated(self, request: Request, now: datetime) -> RepeatedRequest | None:
        """Return what a request with the same key of the same user created within the last 24 hours."""

    def file_account_by_username(self, username: str) -> FileAccount | None:
        """Return the file account that signs in with ``username``."""

    def flows_of_file_account(self, file_account_id: str) -> Sequence[Flow]:
        """Return the flows that an upload to this file account starts."""

    def note_login(self, account: FileAccount, at: datetime) -> None:
        """Keep when the account signed in last; its version stays. One that is removed meanwhile stays removed."""

    def note_upload(self, account: FileAccount, at: datetime) -> None:
        """Keep when the account uploaded last, likewise."""

    def due_homes(self, now: datetime) -> Sequence[str]:
        """Return the ids of removed file accounts whose home folders are to be removed by now."""

    def forget_home(self, file_account_id: str) -> None:
        """Note that a removed account's home folder is gone."""

    def due_lanes(self, now: datetime) -> Sequence[str]:
        """Return the ids of removed flows whose lanes are to be removed by now."""

    def forget_lane(self, flow_id: str) -> None:
        """Note that a removed flow's lane is gone."""

    def note_start(self, run_id: str, at: datetime) -> None:
        """Note that a run is about to be recorded and started: whoever finds the note later makes sure that it was."""

    def open_starts(self, before: datetime) -> Sequence[str]:
        """Return the ids of runs that were noted by then and not forgotten since."""

    def forget_start(self, run_id: str) -> None:
        """Note that a run was started."""


class AuditStore(Protocol):
    """The audit trail; entries come in by ``AccountStore.commit``, or alone for what changes no thing of ours."""

    def add(self, entry: AuditEntry) -> None:
        """Store an entry."""

    def page(self, organization_id: str, *, limit: int, cursor: str | None = None) -> Page[AuditEntry]:
        """Return an organization's entries, newest first; raises InvalidRequestError ``cursor-invalid``."""


@dataclass(frozen=True)
class RunFilter:
    """Which runs of a project are meant: of one flow, with one status, received from ``since`` on, before ``until``."""

    organization_id: str
    project_id: str
    flow_id: str | None = None
    status: RunStatus | None = None
    since: datetime | None = None
    until: datetime | None = None


class RunStore(Protocol):
    """Keeps the history."""

    def create(self, run: Run) -> Run:
        """Store a new run and return it; one that is known already stays as it is and is returned instead."""

    def get(self, run_id: str) -> Run | None:
        """Return the run with its steps, as it is stored now."""

    def peek(self, run_id: str) -> RunSummary | None:
        """Return the run without its steps, cheaply, and at most a second behind."""

    def page(self, wanted: RunFilter, *, limit: int, cursor: str | None = None) -> Page[RunSummary]:
        """Return runs, newest first; raises InvalidRequestError ``cursor-invalid``."""

    def neighbours(self, run: Run) -> tuple[str | None, str | None]:
        """Return the ids of the run before and the run after this one in its project."""

    def start_step(self, run_id: str, status: RunStatus, step: Step) -> None:
        """Record that a step begins and what the run is doing.

        Raises NotFoundError ``run-missing``, or PermanentError ``run-ended``: an ended run is not opened again.
        """

    def end_step(
        self,
        run_id: str,
        step: Step,
        *,
        summary: str = "",
        report: ObjectRef | None = None,
        result: ObjectRef | None = None,
        provenance: ObjectRef | None = None,
        full_set: ObjectRef | None = None,
        base: str | None = None,
        changes: ObjectRef | None = None,
        compared: str | None = None,
        hold: Hold | None = None,
        delivered_to: str | None = None,
        rows: Mapping[str, int] | None = None,
    ) -> None:
        """Record how a step ended, with what it produced; an ended run keeps its summary.

        Raises NotFoundError ``run-missing``.
        """

    def wait(self, run_id: str, task_token: str) -> None:
        """Record that the run waits for somebody, who answers with the token; raises PermanentError ``run-ended``."""

    def decide(self, run_id: str, hold: Hold) -> str | None:
        """Record the decision about a held run, once, and return the token of whoever waits for it.

        None where the run is not held, has ended or has another decision already; the same decision may be repeated.
        """

    def reject(self, run_id: str, code: str, sentence: str, at: datetime) -> Run | None:
        """End a run whose file must not be sent, and return it as it is then.

        None where it is unknown, is being sent or has ended: those stay as they are.
        """


class Claim(StrEnum):
    """Whether a run may be sent now; only with ``CLAIMED`` it may."""

    CLAIMED = "claimed"
    BUSY = "busy"  # another run of the flow is being sent
    OVERTAKEN = "overtaken"  # a newer run was sent
    STALE = "stale"  # something else was sent than what the run was compared with
    SENT = "sent"  # the run itself was sent


class LaneStore(Protocol):
    """Keeps the lanes of flows: what two runs of a flow at once may do is decided here."""

    def get(self, flow_id: str) -> Lane:
        """Return the lane as it is stored now, an empty one where there is none."""

    def enter(self, flow_id: str, run_id: str, position: str, at: datetime) -> None:
        """Note that a run was received; may be repeated."""

    def leave(self, flow_id: str, run_id: str) -> None:
        """Note that a run keeps nobody waiting any more; may be repeated."""

    def accept(self, flow_id: str, accepted: Accepted, *, base: str | None = None) -> bool:
        """Keep the full set of a run, which leaves; False, and nothing is done, when a newer one is kept.

        With a ``base`` also when the one that is kept is not that run's. May be repeated.
        """

    def revert(self, flow_id: str, run_id: str) -> None:
        """Forget the full set of a run that was turned down, if it is the one that is kept: what Apple has is again."""

    def hold(self, flow_id: str, run_id: str | None) -> None:
        """Note which run waits for somebody, or that none does."""

    def claim(self, flow_id: str, run: tuple[str, str], compared: str | None, now: datetime, until: datetime) -> Claim:
        """Try to become the one that sends, until ``until``; ``run`` is position and id, ``compared`` a run's id.

        May be repeated by the run that has it. Nobody has it any more after the end of the time.
        """

    def release(self, flow_id: str, run_id: str) -> None:
        """Let others send; nothing is done for a run that has it not."""

    def note_sent(self, flow_id: str, sent: Sent) -> bool:
        """Keep what Apple holds now and let others send; False, and nothing is done, for a run that has it not."""

    def remove(self, flow_id: str) -> None:
        """Remove all that is known of a flow's lane."""


@dataclass(frozen=True)
class Form:
    """Where a file is posted to, as ``file`` after these fields."""

    url: str
    fields: Mapping[str, str]


class ObjectStore(Protocol):
    """Keeps uploads, results and reports."""

    def exists(self, ref: ObjectRef) -> bool:
        """Tell whether the object (this version of it, if named) is there."""

    def copy(self, source: ObjectRef, target: ObjectRef) -> None:
        """Copy; overwrites; raises NotFoundError when the source is gone."""

    def delete(self, ref: ObjectRef) -> None:
        """Delete this version; a missing one is no error."""

    def download(self, ref: ObjectRef, path: Path) -> None:
        """Write the object to ``path``; raises NotFoundError."""

    def upload(self, path: Path, ref: ObjectRef) -> None:
        """Store the file."""

    def put_text(self, text: str, ref: ObjectRef) -> None:
        """Store a small text, such as a report in JSON."""

    def get_text(self, ref: ObjectRef) -> str:
        """Return a small text; raises NotFoundError."""

    def link(self, ref: ObjectRef, *, file_name: str, seconds: int) -> str:
        """Return an address from which the object can be downloaded under ``file_name`` for so long, by anybody."""

    def form(self, ref: ObjectRef, *, most_bytes: int, seconds: int) -> Form:
        """Return the form by which anybody can store the object for so long, with up to so many bytes."""

    def empty(self, bucket: str, prefix: str) -> int:
        """Delete every version of every object below the prefix; return how many."""

    def keys(self, bucket: str, prefix: str) -> Sequence[str]:
        """Return the keys of all objects that begin with the prefix, in the order of the keys."""

    def erase(self, ref: ObjectRef) -> None:
        """Delete every version of one object; a missing one is no error."""


class SecretBox(Protocol):
    """Encrypts what must be read again, bound to its organization."""

    def encrypt(self, secret: str, *, organization_id: str) -> str:
        """Return the ciphertext as text."""

    def decrypt(self, ciphertext: str, *, organization_id: str) -> str:
        """Return the secret; raises PermanentError ``secret-unreadable`` when it is not this organization's."""


class Workflow(Protocol):
    """Starts what happens to a received upload."""

    def start(self, run_id: str, source: ObjectRef) -> None:
        """Start the run's execution; starting it again is no error."""


class Waiting(Protocol):
    """Executions that wait for somebody."""

    def resume(self, task_token: str, decision: str) -> None:
        """Tell a waiting execution what was decided; one that waits no longer is no error."""


@dataclass(frozen=True)
class User:
    """Somebody who may sign in; ``status`` is the directory's own word."""

    id: str
    email: str
    role: Role
    organization_id: str | None
    status: str
    created_at: datetime


class UserDirectory(Protocol):
    """Who may sign in, and to which organization they belong."""

    def create(self, email: str, organization_id: str | None) -> User:
        """Create a user, who gets a temporary password by e-mail and may do nothing yet.

        Of no organization it is an operator. One who was never admitted is returned again. Raises ConflictError
        ``user-known``.
        """

    def admit(self, user: User) -> None:
        """Give a user the rights of the role in the organization; may be repeated."""

    def find(self, user_id: str, organization_id: str | None) -> User | None:
        """Return a user of the organization, admitted or not."""

    def users(self, organization_id: str | None) -> Sequence[User]:
        """Return the users of an organization; of none: the operators."""

    def remove(self, user_id: str) -> None:
        """Delete a user, who is signed out everywhere."""


class SftpServer(Protocol):
    """The endpoint that file accounts upload to."""

    def host_key_fingerprints(self) -> Sequence[str]:
        """Return its host keys' fingerprints, ``SHA256:…``."""
