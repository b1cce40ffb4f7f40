"""The audit trail as its organization reads it."""

from __future__ import annotations

from dataclasses import dataclass

from rosterbridge.flows.access import Caller
from rosterbridge.flows.changes import Changes, check_limit
from rosterbridge.flows.models import AuditEntry
from rosterbridge.flows.ports import AuditStore, Page

MOST_ENTRIES = 100


@dataclass(frozen=True)
class AuditTrail:
    """What can be read of the audit trail; nothing in it is ever changed."""

    changes: Changes
    store: AuditStore

    def page(
        self, caller: Caller, organization_id: str, *, limit: int = 50, cursor: str | None = None
    ) -> Page[AuditEntry]:
        """Return up to 100 entries, newest first; raises InvalidRequestError ``limit-invalid``, ``cursor-invalid``."""
        self.changes.enter(caller, organization_id)
        check_limit(limit, MOST_ENTRIES)
        return self.store.page(organization_id, limit=limit, cursor=cursor)
