"""Organizations: operators create them, and each names itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rosterbridge.flows.access import Caller
from rosterbridge.flows.changes import Changes, checked, given_only, new_id, revised
from rosterbridge.flows.models import Organization, Role
from rosterbridge.flows.notice_ports import Notifications
from rosterbridge.flows.ports import Request


@dataclass(frozen=True)
class Organizations:
    """What can be done with organizations; ``notifications`` bring notices to addresses that may have to agree."""

    changes: Changes
    notifications: Notifications | None = None

    def list(self, caller: Caller) -> Sequence[Organization]:
        """Return the organizations that the caller may see: all, or their own."""
        if caller.role is Role.OPERATOR:
            return self.changes.accounts.organizations()
        return [self.get(caller, caller.organization_id)] if caller.organization_id else []

    def create(self, caller: Caller, name: str, request: Request | None = None) -> Organization:
        """Create an organization; raises ForbiddenError ``operators-only``."""
        caller.check_operator()
        with checked():
            organization = Organization(id=new_id("org"), name=name, created_at=self.changes.now())
        return self.changes.create(caller, organization, request)[0]

    def get(self, caller: Caller, organization_id: str) -> Organization:
        """Return an organization; raises NotFoundError ``organization-missing``."""
        caller.check_organization(organization_id)
        return self.changes.find(Organization, organization_id, organization_id)

    def update(
        self,
        caller: Caller,
        organization_id: str,
        version: int,
        *,
        name: str | None = None,
        notify: Sequence[str] | None = None,
    ) -> Organization:
        """Change the name, or the e-mail addresses that hear what went wrong; an empty list ends it.

        Raises NotFoundError, InvalidRequestError ``value-invalid``, or ConflictError ``version-changed``.
        """
        caller.check_organization(organization_id)
        organization = self.changes.current(Organization, organization_id, organization_id, version)
        addresses = None if notify is None else tuple(dict.fromkeys(notify))
        changes = given_only(name=name, notify=addresses)
        for address in revised(organization, changes).notify:
            # beforehand, since a repeat finds nothing to change; one who is named nowhere gets nothing
            if self.notifications is not None and address not in organization.notify:
                self.notifications.subscribe(address)
        return self.changes.update(caller, organization, changes)
