"""Organizations: operators create them, and each names itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rosterbridge.flows.access import Caller
from rosterbridge.flows.changes import Changes, checked, new_id
from rosterbridge.flows.models import Organization, Role
from rosterbridge.flows.ports import Request


@dataclass(frozen=True)
class Organizations:
    """What can be done with organizations."""

    changes: Changes

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

    def rename(self, caller: Caller, organization_id: str, name: str, version: int) -> Organization:
        """Change the name; raises NotFoundError, or ConflictError ``version-changed``."""
        caller.check_organization(organization_id)
        organization = self.changes.current(Organization, organization_id, organization_id, version)
        return self.changes.update(caller, organization, {"name": name})
