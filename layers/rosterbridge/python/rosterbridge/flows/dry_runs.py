"""Dry runs, as an administrator asks for them: where to put the file, and what was found in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from rosterbridge.errors import ConflictError, InvalidRequestError, NotFoundError
from rosterbridge.flows.access import Caller
from rosterbridge.flows.changes import Changes, checked, new_id
from rosterbridge.flows.messages import message
from rosterbridge.flows.models import DryRun, Flow, ObjectRef
from rosterbridge.flows.ports import Form, ObjectStore, Request
from rosterbridge.flows.run_files import DRY_RUN_SOURCE, dry_run_object
from rosterbridge.flows.upload_limits import UploadCounter, UploadLimits
from rosterbridge.roster.report import Report

KEPT = timedelta(days=1)
UPLOAD_SECONDS = 600  # less than the erasing of an organization waits before it removes anything
INTERRUPTED = "dry-run-interrupted"
# Longer than the upload and the function may take together
DEAD_AFTER = timedelta(minutes=30)
REPORT = "report.json"


class DryRunStore(Protocol):
    """Keeps what a dry run finds; the dry run itself is created as any other thing."""

    def begin(self, dry_run: DryRun) -> bool:
        """Note that its file is looked at; False, and nothing is done, where that was noted before or it is gone."""

    def end(self, dry_run: DryRun) -> None:
        """Record what was found; one that is gone stays gone."""


class DryRunJob(Protocol):
    """What looks at a file, which takes longer than a request may."""

    def start(self, organization_id: str, dry_run_id: str, source: ObjectRef) -> None:
        """Start it; it may be started again at any time."""


@dataclass(frozen=True)
class Upload:
    """The form by which the file is to come, until it expires."""

    form: Form
    expires_at: datetime


@dataclass(frozen=True)
class DryRuns:
    """Asks for dry runs and reads them; the files lie in ``bucket``, and ``limits`` are an organization's."""

    changes: Changes
    objects: ObjectStore
    bucket: str
    counter: UploadCounter
    limits: UploadLimits

    def create(
        self,
        caller: Caller,
        organization_id: str,
        flow_id: str,
        file_name: str,
        file_bytes: int,
        request: Request | None = None,
    ) -> tuple[DryRun, Upload | None]:
        """Return a dry run that waits for its file, and how it gets it; None for a repeat whose file is there.

        Raises NotFoundError ``flow-missing``, ConflictError ``too-many-dry-runs``, or InvalidRequestError
        ``file-too-large``, ``value-invalid``.
        """
        caller.check_organization(organization_id)
        earlier = self.changes.created_before(DryRun, organization_id, request)
        found = earlier or self._create(caller, organization_id, flow_id, file_name, file_bytes, request)
        return found, self._upload(found) if found.status == "waiting" else None

    def get(self, caller: Caller, organization_id: str, dry_run_id: str) -> tuple[DryRun, Report | None]:
        """Return a dry run with its report, once it is done; raises NotFoundError ``dry-run-missing``."""
        caller.check_organization(organization_id)
        found = self.changes.find(DryRun, organization_id, dry_run_id)
        now = self.changes.now()
        if found.expires_at <= now:  # DynamoDB removes it days later
            raise NotFoundError("dry-run-missing")
        if found.status in {"waiting", "checking"} and found.created_at <= now - DEAD_AFTER:
            return failed(found, INTERRUPTED), None
        return found, self._report(found) if found.status == "done" else None

    def _create(
        self,
        caller: Caller,
        organization_id: str,
        flow_id: str,
        file_name: str,
        file_bytes: int,
        request: Request | None,
    ) -> DryRun:
        flow = self.changes.find(Flow, organization_id, flow_id)
        if file_bytes > self.limits.bytes_per_upload:
            raise InvalidRequestError("file-too-large", field="file_bytes")
        now = self.changes.now()
        with checked():
            dry_run = DryRun(
                id=new_id("dry-run"),
                organization_id=organization_id,
                created_at=now,
                flow_id=flow.id,
                file_name=file_name,
                file_bytes=file_bytes,
                expires_at=(now + KEPT).replace(microsecond=0),
            )
        if self.counter.count(organization_id, now.date(), dry_run.id, file_bytes, self.limits) != "counted":
            raise ConflictError("too-many-dry-runs")
        return self.changes.create(caller, dry_run, request)[0]

    def _upload(self, dry_run: DryRun) -> Upload:
        place = dry_run_object(self.bucket, dry_run.organization_id, dry_run.id, DRY_RUN_SOURCE)
        form = self.objects.form(place, most_bytes=self.limits.bytes_per_upload, seconds=UPLOAD_SECONDS)
        return Upload(form, self.changes.now() + timedelta(seconds=UPLOAD_SECONDS))

    def _report(self, dry_run: DryRun) -> Report | None:
        from rosterbridge.roster.documents import report_from_json

        place = dry_run_object(self.bucket, dry_run.organization_id, dry_run.id, REPORT)
        try:
            return report_from_json(self.objects.get_text(place))
        except NotFoundError:  # S3 and DynamoDB end a day at different hours
            return None


def failed(dry_run: DryRun, code: str) -> DryRun:
    """Return a dry run that found nothing, and why."""
    return dry_run.model_copy(update={"status": "failed", "error": code, "summary": message(code)})
