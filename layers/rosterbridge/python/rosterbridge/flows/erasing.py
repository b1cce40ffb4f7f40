"""Erase an organization: nothing goes on for it any more, then all that it has is removed, and a certificate tells it.

What was under way when it began may go on for a moment and write once more. So first everything is stopped, then
nothing is done for as long as any function lives, and only then it is removed: the records last that lead to the rest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol

from pydantic import Field

from rosterbridge.errors import ConflictError, InvalidRequestError, NotFoundError
from rosterbridge.flows.access import Caller
from rosterbridge.flows.changes import Changes
from rosterbridge.flows.lanes import lane_folder
from rosterbridge.flows.models import (
    APPLE_HOST,
    FINAL,
    AsmAccount,
    AuditEntry,
    FileAccount,
    Flow,
    Model,
    Organization,
    Project,
    Role,
    RunStatus,
)
from rosterbridge.flows.ports import AccountStore, AuditStore, ObjectStore, RunFilter, RunStore, UserDirectory
from rosterbridge.flows.run_files import dry_run_folder, run_folders
from rosterbridge.flows.signing_in import home_prefix

PAGE = 100
TRAIL_PAGE = 1000
# How long AWS keeps by itself what nobody can remove before
BACKUPS, EXECUTIONS, MESSAGES = timedelta(days=35), timedelta(days=90), timedelta(days=14)

Next = Literal["wait", "again", "done"]


class Erasure(Model):
    """The erasing of an organization, and when it has ended its certificate: ids of ours, times and counts.

    Nothing is removed before ``quiet_until``. ``counts`` are by what was removed, ``remains`` tells until when what
    cannot be removed is kept.
    """

    organization_id: str
    requested_at: datetime
    requested_by: str
    quiet_until: datetime | None = None
    ended_at: datetime | None = None
    counts: dict[str, int] = Field(default_factory=dict)
    remains: dict[str, datetime] = Field(default_factory=dict)
    expires_at: datetime


class ErasureStore(Protocol):
    """Keeps erasures, and their certificates for as long as entries of the audit trail."""

    def begin(self, erasure: Erasure) -> Erasure:
        """Store an erasure and return it; one that is known already stays as it is and is returned instead."""

    def get(self, organization_id: str) -> Erasure | None:
        """Return an organization's erasure, as it is stored now."""

    def list(self) -> Sequence[Erasure]:
        """Return all erasures, the newest first."""

    def count(self, organization_id: str, counts: Mapping[str, int]) -> None:
        """Add to the counts."""

    def quiet(self, organization_id: str, until: datetime) -> None:
        """Note that everything is stopped, and from when on it is removed."""

    def end(self, organization_id: str, at: datetime, remains: Mapping[str, datetime], expires_at: datetime) -> None:
        """Note that all is removed."""


class Belongings(Protocol):
    """What the tables hold of an organization; each answer counts what was there, by its kind."""

    def close_doors(self, organization_id: str) -> None:
        """Remove what lets clients sign in, uploads start runs, and missing uploads be noticed."""

    def remove_run(self, run_id: str) -> Mapping[str, int]:
        """Remove the record of a run, and that it waits for somebody."""

    def remove_flow(self, flow_id: str) -> Mapping[str, int]:
        """Remove what belongs to a flow beside the flow itself: its lane, and what was told of it."""

    def remove_file_account(self, account_id: str, username: str | None) -> Mapping[str, int]:
        """Remove what belongs to a file account beside itself: what is known of its uploads and its sign-ins."""

    def remove_circuit(self, host: str) -> Mapping[str, int]:
        """Remove what is known of a host, ``<host>:<port>``."""

    def remove_requests(self, user_id: str, about: Collection[str] | None) -> Mapping[str, int]:
        """Remove what is known of a user's requests; if ``about`` is given, of those that created some of it."""

    def remove_things(self, organization_id: str) -> Mapping[str, int]:
        """Remove projects, accounts, flows and memberships."""

    def remove_trail(self, organization_id: str) -> Mapping[str, int]:
        """Remove the entries of the audit trail."""

    def remove_organization(self, organization_id: str) -> None:
        """Remove the organization itself."""


class Executions(Protocol):
    """Executions of runs that are under way."""

    def stop(self, run_id: str) -> None:
        """Stop a run's execution; one that does not run is no error."""


class ErasureJob(Protocol):
    """What does the work, which takes longer than a request may."""

    def start(self, organization_id: str, at: datetime) -> None:
        """Start it; it may be started again at any time."""


class Unsubscribing(Protocol):
    """Takes addresses off the list of those that can get notices."""

    def unsubscribe(self, addresses: Collection[str]) -> int:
        """Return how many were on it."""


@dataclass(frozen=True)
class Erasures:
    """What operators can do: begin an erasure, and read the certificates."""

    changes: Changes
    store: ErasureStore
    job: ErasureJob

    def list(self, caller: Caller) -> Sequence[Erasure]:
        """Return all erasures to an operator; nobody else knows of any."""
        return self.store.list() if caller.role is Role.OPERATOR else []

    def begin(self, caller: Caller, organization_id: str, name: str) -> Erasure:
        """Begin to erase an organization, or go on with it; ``name`` is its own, so that it is surely the one meant.

        Raises ForbiddenError ``operators-only``, NotFoundError ``organization-missing``, or InvalidRequestError
        ``name-differs``.
        """
        caller.check_organization(organization_id)
        caller.check_operator()
        known = self.store.get(organization_id)
        if known is not None and known.ended_at is not None:
            return known
        organization = self.changes.accounts.get(Organization, organization_id, organization_id)
        if organization is not None and organization.name != name:
            raise InvalidRequestError("name-differs", field="name")
        if organization is None and known is None:
            raise NotFoundError("organization-missing")
        now = self.changes.now()
        erasure = self.store.begin(
            Erasure(
                organization_id=organization_id,
                requested_at=now,
                requested_by=caller.user_id,
                expires_at=now + self.changes.keep_audit,
            )
        )
        if organization is not None and organization.erasing_since is None:
            self.changes.update(caller, organization, {"erasing_since": now}, action="erase")
        self.job.start(organization_id, now)
        return erasure

    def check(self, caller: Caller, organization_id: str) -> None:
        """Raise ConflictError ``organization-erasing`` for one that is being erased, if the caller may know of it.

        Raises NotFoundError ``organization-missing`` for an administrator whose organization is gone.
        """
        if caller.role is not Role.OPERATOR and caller.organization_id != organization_id:
            return  # refused where it is asked for, without a word of what there is
        organization = self.changes.accounts.get(Organization, organization_id, organization_id)
        if organization is not None and organization.erasing_since is not None:
            raise ConflictError("organization-erasing")
        if organization is None and caller.role is not Role.OPERATOR:
            raise NotFoundError("organization-missing")


@dataclass
class _Known:
    """What leads to all that an organization has: ids of what there is, and of what its audit trail tells."""

    accounts: dict[str, str | None] = field(default_factory=dict)  # to the user name, of those that are there
    flows: set[str] = field(default_factory=set)
    invited: set[str] = field(default_factory=set)
    actors: dict[str, bool] = field(default_factory=dict)  # whether an operator, who has requests of others too
    ids: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Keeping:
    """How long the certificate and the functions' logs are kept, and how long nothing is done after the stop."""

    certificates: timedelta
    logs: timedelta
    quiet: timedelta


@dataclass(frozen=True)
class Eraser:
    """Does the work piece by piece; each piece may be repeated, also after it broke off anywhere."""

    accounts: AccountStore
    audit: AuditStore
    runs: RunStore
    objects: ObjectStore
    users: UserDirectory
    executions: Executions
    belongings: Belongings
    store: ErasureStore
    notifications: Unsubscribing | None
    home_bucket: str
    run_bucket: str
    keeping: Keeping
    now: Callable[[], datetime]

    def go_on(self, organization_id: str, in_time: Callable[[], bool]) -> Next:
        """Do the next piece, as long as ``in_time`` says so, and tell what is to come."""
        erasure = self.store.get(organization_id)
        if erasure is None or erasure.ended_at is not None:
            return "done"
        counts: Counter[str] = Counter()
        try:
            if erasure.quiet_until is None:
                self._stop(organization_id, counts)
                self.store.quiet(organization_id, self.now() + self.keeping.quiet)
                return "wait"
            if self.now() < erasure.quiet_until:
                return "wait"
            if not self._remove(organization_id, in_time, counts):
                return "again"
        finally:
            self.store.count(organization_id, +counts)
        self._end(organization_id)
        return "done"

    def _stop(self, organization_id: str, counts: Counter[str]) -> None:
        """Let nobody in, start nothing, tell nobody, and stop what runs."""
        counts["subscriptions"] += self._unsubscribe(organization_id)
        self.belongings.close_doors(organization_id)
        for user in self.users.users(organization_id):
            self.users.remove(user.id)
            counts["users"] += 1
        for project in self.accounts.list(Project, organization_id):
            for status in (status for status in RunStatus if status not in FINAL):
                for run_id in self._run_ids(RunFilter(organization_id, project.id, status=status)):
                    self.executions.stop(run_id)
                    self.accounts.forget_start(run_id)

    def _unsubscribe(self, organization_id: str) -> int:
        """Unsubscribe the addresses that no other organization names."""
        organizations = self.accounts.organizations()
        own = {address for one in organizations if one.id == organization_id for address in one.notify}
        others = {address for one in organizations if one.id != organization_id for address in one.notify}
        if self.notifications is None or not own - others:
            return 0
        return self.notifications.unsubscribe(own - others)

    def _remove(self, organization_id: str, in_time: Callable[[], bool], counts: Counter[str]) -> bool:
        """Remove everything, what leads to the rest last; return whether it was all."""
        for project in self.accounts.list(Project, organization_id):
            for run_id in self._run_ids(RunFilter(organization_id, project.id)):
                if not in_time():
                    return False
                self._remove_run(run_id, counts)
        counts["dry_run_files"] += self.objects.empty(self.run_bucket, dry_run_folder(organization_id))
        known = self._known(organization_id)
        for flow_id in known.flows:
            counts["lane_files"] += self.objects.empty(self.run_bucket, lane_folder(flow_id))
            counts.update(self.belongings.remove_flow(flow_id))
            self.accounts.forget_lane(flow_id)
        for account_id, username in known.accounts.items():
            counts["home_files"] += self.objects.empty(self.home_bucket, f"{home_prefix(account_id)}/")
            counts.update(self.belongings.remove_file_account(account_id, username))
            self.accounts.forget_home(account_id)
        self._remove_people(organization_id, known, counts)
        for account in self.accounts.list(AsmAccount, organization_id):
            if account.host != APPLE_HOST:  # which others share
                counts.update(self.belongings.remove_circuit(f"{account.host}:{account.port}"))
        counts.update(self.belongings.remove_things(organization_id))
        counts.update(self.belongings.remove_trail(organization_id))
        self.belongings.remove_organization(organization_id)
        return True

    def _remove_run(self, run_id: str, counts: Counter[str]) -> None:
        for folder in run_folders(run_id):
            counts["run_files"] += self.objects.empty(self.run_bucket, folder)
        self.accounts.forget_start(run_id)
        counts.update(self.belongings.remove_run(run_id))

    def _remove_people(self, organization_id: str, known: _Known, counts: Counter[str]) -> None:
        """Remove users whose invitation broke off, and what is known of everybody's requests."""
        for user_id in known.invited:
            if self.users.find(user_id, organization_id) is not None:
                self.users.remove(user_id)
                counts["users"] += 1
        for user_id, is_operator in known.actors.items():
            counts.update(self.belongings.remove_requests(user_id, known.ids if is_operator else None))

    def _run_ids(self, wanted: RunFilter) -> Iterator[str]:
        cursor = None
        while True:
            page = self.runs.page(wanted, limit=PAGE, cursor=cursor)
            yield from (run.id for run in page.items)
            cursor = page.cursor
            if cursor is None:
                return

    def _known(self, organization_id: str) -> _Known:
        known = _Known(ids={organization_id})
        for entry in self._trail(organization_id):
            known.ids.add(entry.target_id)
            known.actors[entry.actor] = entry.role is Role.OPERATOR
            if entry.kind == "flow":
                known.flows.add(entry.target_id)
            elif entry.kind == "file-account":
                known.accounts[entry.target_id] = None
            elif entry.kind == "user":
                known.invited.add(entry.target_id)
        known.flows.update(flow.id for flow in self.accounts.list(Flow, organization_id))
        known.accounts.update({one.id: one.username for one in self.accounts.list(FileAccount, organization_id)})
        return known

    def _trail(self, organization_id: str) -> Iterator[AuditEntry]:
        cursor = None
        while True:
            page = self.audit.page(organization_id, limit=TRAIL_PAGE, cursor=cursor)
            yield from page.items
            cursor = page.cursor
            if cursor is None:
                return

    def _end(self, organization_id: str) -> None:
        now = self.now()
        expires_at = now + self.keeping.certificates
        remains = {
            "messages": now + MESSAGES,
            "backups": now + BACKUPS,
            "executions": now + EXECUTIONS,
            "logs": now + self.keeping.logs,
            "certificate": expires_at,
        }
        self.store.end(organization_id, now, remains, expires_at)
