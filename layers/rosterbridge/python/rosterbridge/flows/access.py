"""Who asks, and what they may: administrators everything of their organization, operators of all."""

from __future__ import annotations

from dataclasses import dataclass

from rosterbridge.errors import ForbiddenError, NotFoundError
from rosterbridge.flows.models import Role


@dataclass(frozen=True)
class Caller:
    """A signed-in user; an operator belongs to no organization."""

    user_id: str
    role: Role
    organization_id: str | None
    source_ip: str

    def check_operator(self) -> None:
        """Raise ForbiddenError ``operators-only`` for anybody else."""
        if self.role is not Role.OPERATOR:
            raise ForbiddenError("operators-only")

    def check_organization(self, organization_id: str) -> None:
        """Raise NotFoundError ``organization-missing`` where the caller has nothing to see: it tells nothing."""
        if self.role is not Role.OPERATOR and self.organization_id != organization_id:
            raise NotFoundError("organization-missing")
