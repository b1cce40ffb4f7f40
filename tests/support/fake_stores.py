"""In-memory fakes of the stores of accounts, runs and audit entries."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from rosterbridge.errors import ConflictError, InvalidRequestError, NotFoundError, PermanentError, RepeatedRequestError
from rosterbridge.flows.models import (
    STEPS,
    AsmAccount,
    AuditEntry,
    DryRun,
    FileAccount,
    Flow,
    Hold,
    Organization,
    Project,
    Run,
    RunStatus,
    RunSummary,
    Step,
    Thing,
)
from rosterbridge.flows.notice_ports import Watch
from rosterbridge.flows.ports import Change, M, Page, RepeatedRequest, Request, RunFilter, T


class FakeAccountStore:
    """Keeps things by kind, organization and id; ``audit`` gets the entries of its changes."""

    def __init__(self, audit: FakeAuditStore | None = None, *, home_grace: timedelta = timedelta(days=7)) -> None:
        self.audit = audit or FakeAuditStore()
        self.homes: dict[str, datetime] = {}
        self.starts: dict[str, datetime] = {}
        self.watches: dict[str, Watch] = {}
        self.gone_lanes: dict[str, datetime] = {}
        self._things: dict[tuple[type, str, str], Any] = {}
        self._requests: dict[tuple[str, str], tuple[datetime, str, tuple[str, ...]]] = {}
        self._home_grace = home_grace
        self._lock = Lock()

    def put(self, *things: Organization | Thing) -> None:
        """Store things as they are: what a test starts from; flows are known to the accounts that are there."""
        for thing in things:
            self._things[_key(thing)] = thing
        for flow in (thing for thing in things if isinstance(thing, Flow)):
            for key in _account_keys(flow):
                if key in self._things:
                    self._link(key, self._things[key].flow_ids | {flow.id})

    def get(self, kind: type[T], organization_id: str, identity: str) -> T | None:
        return self._things.get((kind, organization_id, identity))

    def list(self, kind: type[T], organization_id: str) -> Sequence[T]:
        return self._sorted(lambda key: key[:2] == (kind, organization_id))

    def organizations(self) -> Sequence[Organization]:
        return self._sorted(lambda key: key[0] is Organization)

    def commit(self, change: Change) -> None:
        with self._lock:
            self._check_request(change)
            self._check(change)
            for thing in change.creates:
                self._things[_key(thing)] = thing
            for thing in change.updates:
                stored = self._things[_key(thing)]
                names = (*KEPT, "username") if isinstance(stored, FileAccount) else KEPT
                kept = {name: getattr(stored, name) for name in names if hasattr(stored, name)}
                self._things[_key(thing)] = thing.model_copy(update={**kept, "version": stored.version + 1})
            for thing in change.removes:
                del self._things[_key(thing)]
                if isinstance(thing, FileAccount):
                    self.homes[thing.id] = change.audit.at + self._home_grace
                if isinstance(thing, Flow):
                    self.gone_lanes[thing.id] = change.audit.at + timedelta(days=1)
            self._note_flows(change)
            self._watch_flows(change)
            self.audit.add(change.audit)
            self._note_request(change)

    def file_account_by_username(self, username: str) -> FileAccount | None:
        found = self._sorted(lambda key: key[0] is FileAccount)
        return next((account for account in found if account.username == username), None)

    def flows_of_file_account(self, file_account_id: str) -> Sequence[Flow]:
        found = self._sorted(lambda key: key[0] is Flow)
        return sorted((flow for flow in found if flow.file_account_id == file_account_id), key=lambda flow: flow.id)

    def note_login(self, account: FileAccount, at: datetime) -> None:
        self._note(account, "last_login_at", at)

    def note_upload(self, account: FileAccount, at: datetime) -> None:
        self._note(account, "last_upload_at", at)

    def due_homes(self, now: datetime) -> Sequence[str]:
        return _until(self.homes, now)

    def forget_home(self, file_account_id: str) -> None:
        self.homes.pop(file_account_id, None)

    def due_lanes(self, now: datetime) -> Sequence[str]:
        return _until(self.gone_lanes, now)

    def forget_lane(self, flow_id: str) -> None:
        self.gone_lanes.pop(flow_id, None)

    def note_start(self, run_id: str, at: datetime) -> None:
        self.starts[run_id] = at

    def open_starts(self, before: datetime) -> Sequence[str]:
        return _until(self.starts, before)

    def forget_start(self, run_id: str) -> None:
        self.starts.pop(run_id, None)

    def remove_all(self, organization_id: str) -> Sequence[str]:
        """Remove all things of an organization, and return their kinds."""
        gone = [key for key in self._things if key[1] == organization_id and key[0] is not Organization]
        for key in gone:
            del self._things[key]
        return [KINDS[key[0]] for key in gone]

    def forget(self, kind: type, identity: str) -> None:
        """Remove one thing whose id says where it is."""
        self._things.pop((kind, identity, identity), None)

    def _sorted(self, wanted: Callable[[tuple[type, str, str]], bool]) -> list[Any]:
        found = [thing for key, thing in list(self._things.items()) if wanted(key)]
        return sorted(found, key=lambda thing: (thing.created_at, thing.id))

    def repeated(self, request: Request, now: datetime) -> RepeatedRequest | None:
        known = self._requests.get((request.user_id, request.key))
        return RepeatedRequest(*known[1:]) if known and known[0] > now else None

    def _check_request(self, change: Change) -> None:
        known = self.repeated(change.request, change.audit.at) if change.request else None
        if known:
            raise RepeatedRequestError(known.fingerprint, known.target_ids)

    def _note_request(self, change: Change) -> None:
        if change.request:
            until = change.audit.at + timedelta(hours=24)
            known = (until, change.request.fingerprint, change.target_ids)
            self._requests[change.request.user_id, change.request.key] = known

    def _check(self, change: Change) -> None:
        for thing in change.creates:
            if isinstance(thing, FileAccount) and self.file_account_by_username(thing.username):
                raise ConflictError("username-taken")
        for thing in (*change.updates, *change.removes):
            stored = self._things.get(_key(thing))
            if thing in change.removes and getattr(stored, "flow_ids", None):
                raise ConflictError("in-use", thing.id)
            if stored is None or stored.version != thing.version:
                raise ConflictError("version-changed", thing.id)
        known = self._things.keys() | {_key(thing) for thing in change.creates}
        for flow in (thing for thing in change.creates if isinstance(thing, Flow)):
            for key in _account_keys(flow):
                if key not in known:
                    raise ConflictError("account-gone", key[2])
        if any(_key(thing) in self._things for thing in change.creates):
            raise PermanentError("aws-refused")

    def _note_flows(self, change: Change) -> None:
        for thing in (*change.creates, *change.removes):
            for key in _account_keys(thing) if isinstance(thing, Flow) else ():
                others = self._things[key].flow_ids - {thing.id}
                self._link(key, others | {thing.id} if thing in change.creates else others)

    def _watch_flows(self, change: Change) -> None:
        for flow in (thing for thing in (*change.creates, *change.updates, *change.removes) if isinstance(thing, Flow)):
            self.watches.pop(flow.id, None)
            if flow.enabled and flow.expected_by and flow not in change.removes:
                since = change.audit.at
                self.watches[flow.id] = Watch(flow.id, flow.organization_id, flow.time_zone, flow.expected_by, since)

    def _link(self, key: tuple[type, str, str], flow_ids: frozenset[str]) -> None:
        self._things[key] = self._things[key].model_copy(update={"flow_ids": flow_ids})

    def _note(self, account: FileAccount, name: str, at: datetime) -> None:
        stored = self._things.get(_key(account))
        if stored is not None and (getattr(stored, name) is None or getattr(stored, name) < at):
            self._things[_key(account)] = stored.model_copy(update={name: at})


KINDS = {Project: "project", FileAccount: "file_account", AsmAccount: "asm_account", Flow: "flow", DryRun: "dry_run"}
# What a change of theirs leaves as it is stored
KEPT = ("file_account_id", "asm_account_id", "flow_ids", "last_login_at", "last_upload_at")


def _until(times: dict[str, datetime], end: datetime) -> list[str]:
    return [identity for identity, at in sorted(times.items(), key=lambda entry: entry[::-1]) if at <= end]


def _key(thing: Organization | Thing) -> tuple[type, str, str]:
    return (type(thing), thing.organization_id, thing.id)


def _account_keys(flow: Flow) -> tuple[tuple[type, str, str], ...]:
    owner = flow.organization_id
    return ((FileAccount, owner, flow.file_account_id), (AsmAccount, owner, flow.asm_account_id))


class FakeAuditStore:
    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []

    def add(self, entry: AuditEntry) -> None:
        if all(known.id != entry.id for known in self.entries):
            self.entries.append(entry)

    def page(self, organization_id: str, *, limit: int, cursor: str | None = None) -> Page[AuditEntry]:
        found = [entry for entry in self.entries if entry.organization_id == organization_id]
        return _page(found, lambda entry: (entry.at, entry.id), limit, cursor)


def _page(found: list[M], key: Callable[[M], tuple[datetime, str]], limit: int, cursor: str | None) -> Page[M]:
    """Return some of what was found, the highest key first; a cursor is the key of the last one before it."""
    after = _position(cursor) if cursor is not None else None
    rest = sorted((one for one in found if after is None or key(one) < after), key=key, reverse=True)
    page = tuple(rest[:limit])
    return Page(page, _cursor(key(page[-1])) if len(rest) > limit else None)


def _cursor(position: tuple[datetime, str]) -> str:
    at, identity = position
    return base64.urlsafe_b64encode(json.dumps([at.isoformat(), identity]).encode()).decode()


def _position(cursor: str) -> tuple[datetime, str]:
    try:
        at, identity = json.loads(base64.b64decode(cursor, altchars=b"-_", validate=True))
        return datetime.fromisoformat(at), str(identity)
    except (ValueError, TypeError):
        raise InvalidRequestError("cursor-invalid", field="cursor") from None


class FakeRunStore:
    def __init__(self) -> None:
        self.runs: dict[str, Run] = {}
        self.tokens: dict[str, str] = {}

    def create(self, run: Run) -> Run:
        return self.runs.setdefault(run.id, run)

    def get(self, run_id: str) -> Run | None:
        return self.runs.get(run_id)

    def peek(self, run_id: str) -> RunSummary | None:
        run = self.runs.get(run_id)
        return _summary(run) if run else None

    def page(self, wanted: RunFilter, *, limit: int, cursor: str | None = None) -> Page[RunSummary]:
        if cursor is not None and not _is_in_span(_position(cursor)[0], wanted):
            raise InvalidRequestError("cursor-invalid", field="cursor")
        found = [_summary(run) for run in self.runs.values() if _is_wanted(run, wanted)]
        return _page(found, lambda run: (run.received_at, run.id), limit, cursor)

    def neighbours(self, run: Run) -> tuple[str | None, str | None]:
        wanted = RunFilter(run.organization_id, run.project_id)
        around = sorted((other.received_at, other.id) for other in self.runs.values() if _is_wanted(other, wanted))
        before = [identity for at, identity in around if (at, identity) < (run.received_at, run.id)]
        after = [identity for at, identity in around if (at, identity) > (run.received_at, run.id)]
        return before[-1] if before else None, after[0] if after else None

    def start_step(self, run_id: str, status: RunStatus, step: Step) -> None:
        run = self._known(run_id)
        if run.ended_at:
            raise PermanentError("run-ended", run_id)
        self._put(run, step, status=status)

    def end_step(self, run_id: str, step: Step, *, summary: str = "", **produced: Any) -> None:
        run = self._known(run_id)
        given = {name: value for name, value in produced.items() if value is not None}
        if summary and not run.ended_at:
            given["summary"] = summary
        self._put(run, step, **given)

    def wait(self, run_id: str, task_token: str) -> None:
        run = self._known(run_id)
        if run.ended_at or run.hold is None:
            raise PermanentError("run-ended", run_id)
        self.runs[run_id] = run.model_copy(update={"status": RunStatus.HELD})
        self.tokens[run_id] = task_token

    def decide(self, run_id: str, hold: Hold) -> str | None:
        run = self.runs.get(run_id)
        if run is None or run.ended_at or run.status is not RunStatus.HELD or run.hold is None:
            return None
        if run.hold.decision not in {None, hold.decision}:
            return None
        self.runs[run_id] = run.model_copy(update={"hold": hold})
        return self.tokens[run_id]

    def reject(self, run_id: str, code: str, sentence: str, at: datetime) -> Run | None:
        run = self.runs.get(run_id)
        if run is None or run.ended_at or run.status is RunStatus.FORWARDING:
            return None
        update = {"outcome": "rejected", "code": code, "message": sentence}
        steps = tuple(step.model_copy(update=update) if step.name == "receive" else step for step in run.steps)
        ended = {"status": RunStatus.REJECTED, "ended_at": at, "error": code, "summary": sentence, "steps": steps}
        self.runs[run_id] = run.model_copy(update=ended)
        return self.runs[run_id]

    def end(self, run_id: str, **how: Any) -> None:
        """Close a record, as the state machine does."""
        self.runs[run_id] = self._known(run_id).model_copy(update=how)

    def _known(self, run_id: str) -> Run:
        if run_id not in self.runs:
            raise NotFoundError("run-missing", run_id)
        return self.runs[run_id]

    def _put(self, run: Run, step: Step, **update: Any) -> None:
        steps = {**{known.name: known for known in run.steps}, step.name: step}
        ordered = tuple(steps[name] for name in STEPS if name in steps)
        self.runs[run.id] = run.model_copy(update={**update, "steps": ordered})


def _summary(run: Run) -> RunSummary:
    return RunSummary.model_validate(run.model_dump(include=set(RunSummary.model_fields)))


def _is_wanted(run: Run, wanted: RunFilter) -> bool:
    return (
        (run.organization_id, run.project_id) == (wanted.organization_id, wanted.project_id)
        and wanted.flow_id in {None, run.flow_id}
        and wanted.status in {None, run.status}
        and _is_in_span(run.received_at, wanted)
    )


def _is_in_span(at: datetime, wanted: RunFilter) -> bool:
    return (wanted.since is None or at >= wanted.since) and (wanted.until is None or at < wanted.until)
