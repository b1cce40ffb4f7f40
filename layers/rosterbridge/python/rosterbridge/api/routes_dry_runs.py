"""Dry runs: what a file would do, without anything being sent."""

from __future__ import annotations

from aws_lambda_powertools.event_handler import Response

from rosterbridge.api.bodies import NewDryRun, Sent
from rosterbridge.api.requests import IdempotencyKey, OrganizationId, Routes, ThingId, answered
from rosterbridge.api.views import DryRunView, UploadFormView

ALL = "/v1/organizations/<organization_id>/dry-runs"
ONE = "/v1/organizations/<organization_id>/dry-runs/<dry_run_id>"
routes = Routes("dry-runs")


@routes.answer("POST", ALL, status=201)
def start_dry_run(
    organization_id: OrganizationId, body: Sent[NewDryRun], idempotency_key: IdempotencyKey = None
) -> Response[DryRunView]:
    """Ask what a file would do as an upload to a flow; it is posted to the form of the answer within ten minutes."""
    request = routes.repeatable(idempotency_key, body)
    dry_run, upload = routes.service.dry_runs.create(
        routes.caller, organization_id, body.flow_id, body.file_name, body.file_bytes, request
    )
    form = UploadFormView.of(upload.form, expires_at=upload.expires_at) if upload else None
    return answered(DryRunView.of(dry_run, upload=form), status=201)


@routes.answer("GET", ONE)
def get_dry_run(organization_id: OrganizationId, dry_run_id: ThingId) -> Response[DryRunView]:
    """Show a dry run, with its report once it is done."""
    dry_run, report = routes.service.dry_runs.get(routes.caller, organization_id, dry_run_id)
    return answered(DryRunView.of(dry_run, report=report))
