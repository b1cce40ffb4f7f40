"""The users of an organization."""

from __future__ import annotations

from aws_lambda_powertools.event_handler import Response

from rosterbridge.api.bodies import NewUser, Sent
from rosterbridge.api.requests import IdempotencyKey, OrganizationId, Routes, ThingId, answered, nothing
from rosterbridge.api.views import Items, UserView, listed

ALL = "/v1/organizations/<organization_id>/users"
ONE = "/v1/organizations/<organization_id>/users/<user_id>"
routes = Routes("users")


@routes.answer("GET", ALL)
def list_users(organization_id: OrganizationId) -> Response[Items[UserView]]:
    """List the organization's users."""
    return answered(listed(UserView, routes.service.users.list(routes.caller, organization_id)))


@routes.answer("POST", ALL, status=201, operators=True)
def invite_user(
    organization_id: OrganizationId, body: Sent[NewUser], idempotency_key: IdempotencyKey = None
) -> Response[UserView]:
    """Invite an administrator, who gets an e-mail; operators only."""
    request = routes.repeatable(idempotency_key, body)
    invited = routes.service.users.invite(routes.caller, organization_id, body.email, request)
    return answered(UserView.of(invited), status=201)


@routes.answer("DELETE", ONE, status=204, operators=True)
def remove_user(organization_id: OrganizationId, user_id: ThingId) -> Response[None]:
    """Remove a user, who is signed out everywhere; operators only."""
    routes.service.users.remove(routes.caller, organization_id, user_id)
    return nothing()
