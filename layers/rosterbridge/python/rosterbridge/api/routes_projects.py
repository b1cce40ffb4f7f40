"""The projects of an organization."""

from __future__ import annotations

from aws_lambda_powertools.event_handler import Response

from rosterbridge.api.bodies import NewProject, ProjectChanges, Sent
from rosterbridge.api.requests import IdempotencyKey, IfMatch, OrganizationId, Routes, ThingId, answered, version_of
from rosterbridge.api.views import Items, ProjectView, listed

ALL = "/v1/organizations/<organization_id>/projects"
ONE = "/v1/organizations/<organization_id>/projects/<project_id>"
routes = Routes("projects")


@routes.answer("GET", ALL)
def list_projects(organization_id: OrganizationId) -> Response[Items[ProjectView]]:
    """List the organization's projects."""
    return answered(listed(ProjectView, routes.service.projects.list(routes.caller, organization_id)))


@routes.answer("POST", ALL, status=201, etag=True)
def create_project(
    organization_id: OrganizationId,
    body: Sent[NewProject],
    idempotency_key: IdempotencyKey = None,
) -> Response[ProjectView]:
    """Create a project."""
    request = routes.repeatable(idempotency_key, body)
    made = routes.service.projects.create(routes.caller, organization_id, body.name, body.save_data, request)
    return answered(ProjectView.of(made), status=201, version=made.version)


@routes.answer("GET", ONE, etag=True)
def get_project(organization_id: OrganizationId, project_id: ThingId) -> Response[ProjectView]:
    """Show a project."""
    found = routes.service.projects.get(routes.caller, organization_id, project_id)
    return answered(ProjectView.of(found), version=found.version)


@routes.answer("PATCH", ONE, etag=True)
def update_project(
    organization_id: OrganizationId,
    project_id: ThingId,
    body: Sent[ProjectChanges],
    if_match: IfMatch = None,
) -> Response[ProjectView]:
    """Rename a project, or switch the saving of request and response data."""
    changed = routes.service.projects.update(
        routes.caller, organization_id, project_id, version_of(if_match), **body.given()
    )
    return answered(ProjectView.of(changed), version=changed.version)
