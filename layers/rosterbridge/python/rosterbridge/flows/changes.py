"""What every change has in common: it is checked, stored whole, told in the audit trail, and done once."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from pydantic import ValidationError

from rosterbridge.errors import ConflictError, InvalidRequestError, NotFoundError, RepeatedRequestError
from rosterbridge.flows.access import Caller
from rosterbridge.flows.models import (
    AsmAccount,
    AuditEntry,
    DryRun,
    FileAccount,
    Flow,
    Organization,
    Project,
    Role,
    Thing,
)
from rosterbridge.flows.ports import AccountStore, Change, RepeatedRequest, Request, T

# Whole codes, so that each can be looked up where it stands
MISSING: Mapping[type, str] = {
    Organization: "organization-missing",
    Project: "project-missing",
    FileAccount: "file-account-missing",
    AsmAccount: "asm-account-missing",
    Flow: "flow-missing",
    DryRun: "dry-run-missing",
}


def new_id(prefix: str) -> str:
    """Return a new id that tells what it names."""
    return f"{prefix}-{uuid.uuid4().hex[:20]}"


def kind_of(thing: Organization | Thing) -> str:
    """Return what a thing is called in the audit trail, such as ``file-account``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", type(thing).__name__).lower()


@dataclass(frozen=True)
class Changes:
    """Finds and changes things; ``now`` is the clock, ``keep_audit`` the time that an entry of the trail lives."""

    accounts: AccountStore
    now: Callable[[], datetime]
    keep_audit: timedelta

    def enter(self, caller: Caller, organization_id: str) -> None:
        """Raise NotFoundError ``organization-missing`` unless the caller may see it and it exists."""
        caller.check_organization(organization_id)
        if caller.role is Role.OPERATOR:  # an administrator's own is there
            self.find(Organization, organization_id, organization_id)

    def find(self, kind: type[T], organization_id: str, identity: str) -> T:
        """Return one thing of the organization; raises NotFoundError ``<thing>-missing``."""
        thing = self.accounts.get(kind, organization_id, identity)
        if thing is None:
            raise NotFoundError(MISSING[kind])
        return thing

    def current(self, kind: type[T], organization_id: str, identity: str, version: int) -> T:
        """Return one thing that is to be changed; raises ConflictError ``version-changed`` if it is another by now."""
        thing = self.find(kind, organization_id, identity)
        if thing.version != version:
            raise ConflictError("version-changed")
        return thing

    def entry(self, caller: Caller, action: str, thing: Organization | Thing, fields: Iterable[str] = ()) -> AuditEntry:
        """Return the entry that tells what the caller does to a thing of ours."""
        return self.entry_about(caller, action, thing.organization_id, kind_of(thing), thing.id, fields)

    def entry_about(
        self,
        caller: Caller,
        action: str,
        organization_id: str,
        kind: str,
        target_id: str,
        fields: Iterable[str] = (),
    ) -> AuditEntry:
        """Return the entry that tells what the caller does to a run or a user."""
        at = self.now()
        return AuditEntry(
            id=new_id("audit"),
            organization_id=organization_id,
            at=at,
            actor=caller.user_id,
            role=caller.role,
            source_ip=caller.source_ip,
            action=action,
            kind=kind,
            target_id=target_id,
            fields=tuple(fields),
            expires_at=at + self.keep_audit,
        )

    def commit(self, change: Change) -> tuple[str, ...] | None:
        """Store the change; return None, or the ids of what an equal request created before.

        Raises ConflictError as the store does, or ``idempotency-key-reused``.
        """
        try:
            self.accounts.commit(change)
        except RepeatedRequestError as repeated:
            known = RepeatedRequest(repeated.fingerprint, repeated.target_ids)
        else:
            return None
        return _same(change.request, known)

    def repeated(self, request: Request | None) -> tuple[str, ...] | None:
        """Return the ids of what an equal request created before, or None.

        Asked before a thing is built: what the first request named may be gone or expired by now. Raises ConflictError
        ``idempotency-key-reused``.
        """
        known = self.accounts.repeated(request, self.now()) if request else None
        return _same(request, known) if known else None

    def created_before(self, kind: type[T], organization_id: str, request: Request | None) -> T | None:
        """Return what an equal request created before, as it is now; raises NotFoundError when it is gone."""
        earlier = self.repeated(request)
        return None if earlier is None else self._created(kind, organization_id, earlier)

    def create(self, caller: Caller, thing: T, request: Request | None) -> tuple[T, bool]:
        """Store a new thing; return it, or what an equal request created before, and whether it is new."""
        change = Change(audit=self.entry(caller, "create", thing), creates=(thing,), request=request)
        earlier = self.commit(change)
        if earlier is None:
            return thing, True
        return self._created(type(thing), thing.organization_id, earlier), False

    def _created(self, kind: type[T], organization_id: str, ids: tuple[str, ...]) -> T:
        return self.find(kind, ids[0] if kind is Organization else organization_id, ids[0])

    def update(
        self, caller: Caller, thing: T, changes: dict[str, Any], *, action: str = "update", fields: Iterable[str] = ()
    ) -> T:
        """Store a thing with its changes and return it; one that stays as it is is not stored.

        ``fields`` name what changes, where the names in ``changes`` should not. Raises InvalidRequestError
        ``value-invalid``, or ConflictError as the store does.
        """
        given = {name: value for name, value in changes.items() if value != getattr(thing, name)}
        if not given:
            return thing
        changed = revised(thing, given)
        entry = self.entry(caller, action, thing, tuple(fields) or sorted(given))
        self.commit(Change(audit=entry, updates=(changed,)))
        return cast("T", changed.model_copy(update={"version": thing.version + 1}))

    def remove(self, caller: Caller, thing: Thing) -> None:
        """Remove a thing; raises ConflictError as the store does."""
        self.commit(Change(audit=self.entry(caller, "delete", thing), removes=(thing,)))


def _same(request: Request | None, known: RepeatedRequest) -> tuple[str, ...]:
    if request is None or known.fingerprint != request.fingerprint:
        raise ConflictError("idempotency-key-reused")
    return known.target_ids


def revised(thing: T, changes: dict[str, Any]) -> T:
    """Return a thing with changes, which are checked; raises InvalidRequestError ``value-invalid``."""
    with checked():
        return cast("T", type(thing).model_validate({**dict(thing), **changes}))


@contextmanager
def checked() -> Iterator[None]:
    """Turn pydantic's refusal of a value into ours, which holds no input."""
    try:
        yield
    except ValidationError as error:
        found = error.errors(include_input=False, include_context=False, include_url=False)[0]
        place = ".".join(str(part) for part in found["loc"])
        raise InvalidRequestError("value-invalid", found["type"], field=place) from None


@contextmanager
def inside(place: str) -> Iterator[None]:
    """Name the field of a refusal as the caller knows it: ``place.field``."""
    try:
        yield
    except InvalidRequestError as error:
        error.field = f"{place}.{error.field}" if error.field else place
        raise


def given_only(**values: Any) -> dict[str, Any]:
    """Return what is to be changed: what is not None."""
    return {name: value for name, value in values.items() if value is not None}


def check_limit(limit: int, most: int) -> None:
    """Raise InvalidRequestError ``limit-invalid`` for a page of no line or too many."""
    if not 1 <= limit <= most:
        raise InvalidRequestError("limit-invalid", field="limit")
