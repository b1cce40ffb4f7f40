"""The audit trail of an organization."""

from __future__ import annotations

from aws_lambda_powertools.event_handler import Response

from rosterbridge.api.requests import Cursor, Limit, OrganizationId, Routes, answered
from rosterbridge.api.views import AuditEntryView, Items, listed

routes = Routes("audit")


@routes.answer("GET", "/v1/organizations/<organization_id>/audit")
def list_audit_entries(
    organization_id: OrganizationId, limit: Limit = 50, cursor: Cursor = None
) -> Response[Items[AuditEntryView]]:
    """List who did what, when and from where, newest first."""
    page = routes.service.audit.page(routes.caller, organization_id, limit=limit, cursor=cursor)
    return answered(listed(AuditEntryView, page.items, page.cursor))
