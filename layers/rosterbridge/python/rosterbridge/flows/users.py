"""An organization's administrators: operators invite and remove them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rosterbridge.errors import ConflictError, InvalidRequestError, NotFoundError
from rosterbridge.flows.access import Caller
from rosterbridge.flows.changes import Changes
from rosterbridge.flows.ports import AuditStore, Change, Request, User, UserDirectory

LONGEST_EMAIL = 254
EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]+@[^@\s.]+(\.[^@\s.]+)+")


@dataclass(frozen=True)
class Users:
    """What can be done with users."""

    changes: Changes
    audit: AuditStore
    directory: UserDirectory

    def list(self, caller: Caller, organization_id: str) -> Sequence[User]:
        """Return the organization's users."""
        self.changes.enter(caller, organization_id)
        return self.directory.users(organization_id)

    def invite(self, caller: Caller, organization_id: str, email: str, request: Request | None = None) -> User:
        """Create an administrator, who gets an e-mail; a repeated invitation completes one that broke off.

        Raises ForbiddenError ``operators-only``, InvalidRequestError ``email-invalid``, or ConflictError
        ``user-known``.
        """
        self.changes.enter(caller, organization_id)
        caller.check_operator()
        if len(email) > LONGEST_EMAIL or not EMAIL.fullmatch(email):
            raise InvalidRequestError("email-invalid", field="email")
        earlier = self.changes.repeated(request)
        user = (
            self._known(organization_id, earlier) if earlier else self._create(caller, organization_id, email, request)
        )
        self.directory.admit(user)
        return user

    def _create(self, caller: Caller, organization_id: str, email: str, request: Request | None) -> User:
        """Create a user and tell it: nobody has rights of whose invitation the audit trail does not tell."""
        user = self.directory.create(email, organization_id)
        entry = self.changes.entry_about(caller, "invite", organization_id, "user", user.id)
        earlier = self.changes.commit(Change(audit=entry, request=request, user_ids=(user.id,)))
        return self._known(organization_id, earlier) if earlier else user

    def _known(self, organization_id: str, ids: tuple[str, ...]) -> User:
        user = self.directory.find(ids[0], organization_id)
        if user is None:
            raise NotFoundError("user-missing")
        return user

    def remove(self, caller: Caller, organization_id: str, user_id: str) -> None:
        """Delete a user, who is signed out everywhere.

        Raises ForbiddenError ``operators-only``, NotFoundError ``user-missing``, or ConflictError ``own-user``.
        """
        self.changes.enter(caller, organization_id)
        caller.check_operator()
        if user_id == caller.user_id:
            raise ConflictError("own-user")
        if all(user.id != user_id for user in self.directory.users(organization_id)):
            raise NotFoundError("user-missing")
        self.audit.add(self.changes.entry_about(caller, "remove", organization_id, "user", user_id))
        self.directory.remove(user_id)
