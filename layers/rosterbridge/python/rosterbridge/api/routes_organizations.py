"""Who I am, and the organizations."""

from __future__ import annotations

from aws_lambda_powertools.event_handler import Response

from rosterbridge.api.bodies import NewOrganization, OrganizationChanges, Sent
from rosterbridge.api.requests import IdempotencyKey, IfMatch, OrganizationId, Routes, answered, version_of
from rosterbridge.api.views import Items, MeView, OrganizationView, SignInView, listed

SIGN_IN = "/v1/sign-in"
ALL = "/v1/organizations"
ONE = "/v1/organizations/<organization_id>"
routes = Routes("organizations")


@routes.answer("GET", SIGN_IN, anybody=True)
def get_sign_in() -> Response[SignInView]:
    """Tell where to sign in, to whoever has not yet."""
    return answered(SignInView.of(routes.service.sign_in))


@routes.answer("GET", "/v1/me")
def get_me() -> Response[MeView]:
    """Tell who is signed in, with which role and organization."""
    return answered(MeView.of(routes.caller))


@routes.answer("GET", ALL)
def list_organizations() -> Response[Items[OrganizationView]]:
    """List the organizations that the user may see."""
    return answered(listed(OrganizationView, routes.service.organizations.list(routes.caller)))


@routes.answer("POST", ALL, status=201, etag=True, operators=True)
def create_organization(
    body: Sent[NewOrganization], idempotency_key: IdempotencyKey = None
) -> Response[OrganizationView]:
    """Create an organization; operators only."""
    request = routes.repeatable(idempotency_key, body)
    made = routes.service.organizations.create(routes.caller, body.name, request)
    return answered(OrganizationView.of(made), status=201, version=made.version)


@routes.answer("GET", ONE, etag=True)
def get_organization(organization_id: OrganizationId) -> Response[OrganizationView]:
    """Show an organization."""
    found = routes.service.organizations.get(routes.caller, organization_id)
    return answered(OrganizationView.of(found), version=found.version)


@routes.answer("PATCH", ONE, etag=True)
def update_organization(
    organization_id: OrganizationId, body: Sent[OrganizationChanges], if_match: IfMatch = None
) -> Response[OrganizationView]:
    """Rename an organization, or change who is told of what went wrong."""
    version = version_of(if_match)
    changed = routes.service.organizations.update(routes.caller, organization_id, version, **body.given())
    return answered(OrganizationView.of(changed), version=changed.version)
