"""Erasing organizations, and the certificates that tell of it."""

from __future__ import annotations

from aws_lambda_powertools.event_handler import Response

from rosterbridge.api.bodies import NewErasure, Sent
from rosterbridge.api.requests import OrganizationId, Routes, answered
from rosterbridge.api.views import ErasureView, Items, listed

ALL = "/v1/erasures"
ERASURE = "erasure"
routes = Routes("erasures")


@routes.answer("GET", ALL)
def list_erasures() -> Response[Items[ErasureView]]:
    """List the erasures that there were, the newest first; nobody but operators knows of any."""
    return answered(listed(ErasureView, routes.service.erasures.list(routes.caller)))


@routes.answer("POST", f"/v1/organizations/<organization_id>/{ERASURE}", status=202, operators=True)
def erase_organization(organization_id: OrganizationId, body: Sent[NewErasure]) -> Response[ErasureView]:
    """Begin to erase an organization with all that it has, or go on with it; operators only."""
    begun = routes.service.erasures.begin(routes.caller, organization_id, body.name)
    return answered(ErasureView.of(begun), status=202)
