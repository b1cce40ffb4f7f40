"""The history: runs, their reports and files."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Header, Path, Query
from pydantic import AfterValidator, AwareDatetime, BeforeValidator

from rosterbridge.api.bodies import ID, Decision, Sent
from rosterbridge.api.requests import (
    Cursor,
    IdempotencyKey,
    Limit,
    OrganizationId,
    Routes,
    ThingId,
    answered,
    nothing,
)
from rosterbridge.api.views import (
    Downloadable,
    DownloadView,
    Items,
    NeighboursView,
    RunStatusView,
    RunSummaryView,
    RunView,
    listed,
)
from rosterbridge.flows.models import Role, Run, RunStatus
from rosterbridge.flows.ports import RunFilter
from rosterbridge.roster.report import Report

PROJECT = "/v1/organizations/<organization_id>/projects/<project_id>/runs"
ONE = "/v1/organizations/<organization_id>/runs/<run_id>"
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
routes = Routes("runs")


def _written_out(value: Any) -> Any:
    """Refuse what pydantic would take for seconds since 1970."""
    if isinstance(value, str) and "T" not in value.upper():
        raise ValueError
    return value


def _on_the_calendar(value: datetime) -> datetime:
    """Draw in what lies at the ends of the calendar, where another zone has no time for it; no run is there."""
    return max(EARLIEST, min(value, LATEST))


Moment = Annotated[AwareDatetime, BeforeValidator(_written_out), AfterValidator(_on_the_calendar)]


@routes.answer("GET", PROJECT)
def list_runs(
    organization_id: OrganizationId,
    project_id: ThingId,
    flow_id: Annotated[str | None, Query(pattern=ID, description="Only runs of this flow.")] = None,
    status: Annotated[RunStatus | None, Query(description="Only runs with this status.")] = None,
    since: Annotated[Moment | None, Query(description="Only runs received then or later.")] = None,
    until: Annotated[Moment | None, Query(description="Only runs received earlier.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response[Items[RunSummaryView]]:
    """List the runs of a project, newest first."""
    wanted = RunFilter(organization_id, project_id, flow_id, status, since, until)
    page = routes.service.history.page(routes.caller, wanted, limit=limit, cursor=cursor)
    return answered(listed(RunSummaryView, page.items, page.cursor))


@routes.answer("GET", ONE)
def get_run(organization_id: OrganizationId, run_id: ThingId) -> Response[RunView]:
    """Show a run with its steps."""
    return answered(_view(routes.service.history.get(routes.caller, organization_id, run_id)))


@routes.answer("GET", f"{ONE}/status", etag=True)
def get_run_status(
    organization_id: OrganizationId,
    run_id: ThingId,
    if_none_match: Annotated[str | None, Header(alias="If-None-Match", description="The ETag known so far.")] = None,
) -> Response[RunStatusView | None]:
    """Tell where a run is, cheaply enough to ask each second; 304 where nothing has changed."""
    found = routes.service.history.status(routes.caller, organization_id, run_id)
    view = RunStatusView.of(found, final=found.status.final)
    etag = f'"{hashlib.sha256(view.model_dump_json().encode()).hexdigest()[:16]}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    known = {known.strip().removeprefix("W/") for known in (if_none_match or "").split(",")}
    return nothing(304, headers) if etag in known else answered(view, headers=headers)


@routes.answer("GET", f"{ONE}/neighbours")
def get_run_neighbours(organization_id: OrganizationId, run_id: ThingId) -> Response[NeighboursView]:
    """Tell the runs before and after this one in its project."""
    previous, following = routes.service.history.neighbours(routes.caller, organization_id, run_id)
    return answered(NeighboursView(previous=previous, next=following))


@routes.answer("GET", f"{ONE}/report")
def get_run_report(organization_id: OrganizationId, run_id: ThingId) -> Response[Report]:
    """Show what validation and conversion found."""
    return answered(routes.service.history.report(routes.caller, organization_id, run_id))


@routes.answer("GET", f"{ONE}/downloads/<what>")
def get_run_download(
    organization_id: OrganizationId, run_id: ThingId, what: Annotated[Downloadable, Path()]
) -> Response[DownloadView]:
    """Make a link for five minutes to the upload, what Apple got, the errors, the provenance, or the changes."""
    return answered(DownloadView.of(routes.service.history.download(routes.caller, organization_id, run_id, what)))


@routes.answer("POST", f"{ONE}/rerun", status=201)
def rerun(
    organization_id: OrganizationId, run_id: ThingId, idempotency_key: IdempotencyKey = None
) -> Response[RunView]:
    """Run the same file again with today's options."""
    request = routes.repeatable(idempotency_key)
    return answered(_view(routes.service.history.rerun(routes.caller, organization_id, run_id, request)), status=201)


@routes.answer("POST", f"{ONE}/approve")
def approve(organization_id: OrganizationId, run_id: ThingId, body: Sent[Decision]) -> Response[RunView]:
    """Let a held run go on to Apple."""
    return answered(_view(routes.service.holds.approve(routes.caller, organization_id, run_id, body.reason)))


@routes.answer("POST", f"{ONE}/reject")
def reject(organization_id: OrganizationId, run_id: ThingId, body: Sent[Decision]) -> Response[RunView]:
    """End a held run; nothing of it is sent."""
    return answered(_view(routes.service.holds.reject(routes.caller, organization_id, run_id, body.reason)))


def _view(run: Run) -> RunView:
    here = f"/v1/organizations/{run.organization_id}"
    there = f"{here}/runs/{run.id}"
    files = {
        "source": run.source,
        "result": run.result,
        "provenance": run.provenance,
        "changes": run.changes,
        "errors": run.report,
    }
    waits = {word: f"{there}/{word}" for word in ("approve", "reject")} if run.status is RunStatus.HELD else {}
    links = {
        "flow": f"{here}/flows/{run.flow_id}",
        "neighbours": f"{there}/neighbours",
        "project": f"{here}/projects/{run.project_id}",
        "rerun": f"{there}/rerun",
        "status": f"{there}/status",
        **waits,
        **({"report": f"{there}/report"} if run.report else {}),
        **{what: f"{there}/downloads/{what}" for what, ref in files.items() if ref},
    }
    console = routes.service.console.of(run) if routes.caller.role is Role.OPERATOR else {}
    return RunView.of(run, links=links, console=console)
