"""Projects: an organization's groups of flows, and whether their runs keep request and response data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rosterbridge.flows.access import Caller
from rosterbridge.flows.changes import Changes, checked, given_only, new_id
from rosterbridge.flows.models import Project
from rosterbridge.flows.ports import Request


@dataclass(frozen=True)
class Projects:
    """What can be done with projects."""

    changes: Changes

    def list(self, caller: Caller, organization_id: str) -> Sequence[Project]:
        """Return the organization's projects, in the order of their creation."""
        self.changes.enter(caller, organization_id)
        return self.changes.accounts.list(Project, organization_id)

    def create(
        self,
        caller: Caller,
        organization_id: str,
        name: str,
        save_data: bool = False,
        request: Request | None = None,
    ) -> Project:
        """Create a project."""
        self.changes.enter(caller, organization_id)
        now = self.changes.now()
        with checked():
            project = Project(
                id=new_id("project"),
                organization_id=organization_id,
                created_at=now,
                name=name,
                **self._saving(caller, on=save_data),
            )
        return self.changes.create(caller, project, request)[0]

    def get(self, caller: Caller, organization_id: str, project_id: str) -> Project:
        """Return a project; raises NotFoundError ``project-missing``."""
        caller.check_organization(organization_id)
        return self.changes.find(Project, organization_id, project_id)

    def update(
        self,
        caller: Caller,
        organization_id: str,
        project_id: str,
        version: int,
        *,
        name: str | None = None,
        save_data: bool | None = None,
    ) -> Project:
        """Rename, or switch the saving of request and response data; raises ConflictError ``version-changed``."""
        caller.check_organization(organization_id)
        project = self.changes.current(Project, organization_id, project_id, version)
        switched = save_data is not None and save_data != project.save_data
        saving = self._saving(caller, on=bool(save_data)) if switched else {}
        fields = [*(["name"] if name not in {None, project.name} else []), *(["save_data"] if switched else [])]
        return self.changes.update(caller, project, {**given_only(name=name), **saving}, fields=fields)

    def _saving(self, caller: Caller, *, on: bool) -> dict[str, Any]:
        return {
            "save_data": on,
            "save_data_since": self.changes.now() if on else None,
            "save_data_by": caller.user_id if on else None,
        }
