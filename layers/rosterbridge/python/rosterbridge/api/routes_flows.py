"""The templates, and the flows of an organization."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from rosterbridge.api.bodies import ID, FlowChanges, NewFlow, Sent
from rosterbridge.api.requests import (
    IdempotencyKey,
    IfMatch,
    OrganizationId,
    Routes,
    ThingId,
    answered,
    nothing,
    version_of,
)
from rosterbridge.api.views import (
    AsmAccountView,
    CreatedFlowView,
    FileAccountWithPasswordView,
    FlowView,
    Items,
    TemplateView,
    listed,
)

ALL = "/v1/organizations/<organization_id>/flows"
ONE = "/v1/organizations/<organization_id>/flows/<flow_id>"
routes = Routes("flows")


@routes.answer("GET", "/v1/templates")
def list_templates() -> Response[Items[TemplateView]]:
    """List the templates with what each needs beforehand."""
    return answered(listed(TemplateView, routes.service.flows.templates()))


@routes.answer("GET", ALL)
def list_flows(
    organization_id: OrganizationId,
    project_id: Annotated[str | None, Query(pattern=ID, description="Only flows of this project.")] = None,
) -> Response[Items[FlowView]]:
    """List the organization's flows, or those of one project."""
    return answered(listed(FlowView, routes.service.flows.list(routes.caller, organization_id, project_id)))


@routes.answer("POST", ALL, status=201, etag=True)
def create_flow(
    organization_id: OrganizationId,
    body: Sent[NewFlow],
    idempotency_key: IdempotencyKey = None,
) -> Response[CreatedFlowView]:
    """Create a flow and the accounts that are new, all or nothing; the ETag is the flow's."""
    told = routes.service.sftp.told()  # before the change: if that fails later, a new password is lost with it
    request = routes.repeatable(idempotency_key, body)
    made = routes.service.flows.create(routes.caller, organization_id, body, request)
    view = CreatedFlowView(
        flow=FlowView.of(made.flow),
        file_account=FileAccountWithPasswordView.of(
            made.file_account, **told(made.file_account.id), password=made.password
        ),
        asm_account=AsmAccountView.of(made.asm_account),
    )
    return answered(view, status=201, version=made.flow.version)


@routes.answer("GET", ONE, etag=True)
def get_flow(organization_id: OrganizationId, flow_id: ThingId) -> Response[FlowView]:
    """Show a flow."""
    found = routes.service.flows.get(routes.caller, organization_id, flow_id)
    return answered(FlowView.of(found), version=found.version)


@routes.answer("PATCH", ONE, etag=True)
def update_flow(
    organization_id: OrganizationId,
    flow_id: ThingId,
    body: Sent[FlowChanges],
    if_match: IfMatch = None,
) -> Response[FlowView]:
    """Rename a flow, switch it off or on, or replace its options."""
    changed = routes.service.flows.update(routes.caller, organization_id, flow_id, version_of(if_match), **body.given())
    return answered(FlowView.of(changed), version=changed.version)


@routes.answer("DELETE", ONE, status=204)
def delete_flow(organization_id: OrganizationId, flow_id: ThingId, if_match: IfMatch = None) -> Response[None]:
    """Delete a flow; its accounts and its history stay."""
    routes.service.flows.delete(routes.caller, organization_id, flow_id, version_of(if_match))
    return nothing()
