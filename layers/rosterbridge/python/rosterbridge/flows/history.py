"""The history: runs with their steps, reports and files, and a run once more."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeVar

from rosterbridge.errors import ConflictError, NotFoundError, RosterbridgeError
from rosterbridge.flows.access import Caller
from rosterbridge.flows.changes import Changes, check_limit
from rosterbridge.flows.lanes import position
from rosterbridge.flows.models import Flow, ObjectRef, Project, Run, RunSummary
from rosterbridge.flows.ports import AuditStore, LaneStore, ObjectStore, Page, Request, RunFilter, RunStore, Workflow
from rosterbridge.flows.receiving import Opening, open_run
from rosterbridge.flows.run_files import all_put_aside, made_object, with_data
from rosterbridge.roster.report import Report

MOST_RUNS = 100
LINK_SECONDS = 300
What = Literal["source", "result", "errors", "provenance", "changes"]
R = TypeVar("R", bound=RunSummary)


@dataclass(frozen=True)
class Download:
    """A link that anybody can use until it expires."""

    url: str
    expires_at: datetime


@dataclass(frozen=True)
class History:
    """What can be read of the history, and done with it; ``keep_runs`` is the time that a record lives."""

    changes: Changes
    runs: RunStore
    objects: ObjectStore
    lanes: LaneStore
    workflow: Workflow
    audit: AuditStore
    keep_runs: timedelta

    def page(
        self, caller: Caller, wanted: RunFilter, *, limit: int = 50, cursor: str | None = None
    ) -> Page[RunSummary]:
        """Return up to 100 runs of a project, newest first.

        Raises NotFoundError ``project-missing``, or InvalidRequestError ``limit-invalid``, ``cursor-invalid``.
        """
        caller.check_organization(wanted.organization_id)
        check_limit(limit, MOST_RUNS)
        self.changes.find(Project, wanted.organization_id, wanted.project_id)
        return self.runs.page(wanted, limit=limit, cursor=cursor)

    def get(self, caller: Caller, organization_id: str, run_id: str) -> Run:
        """Return a run with its steps and what is saved of them; raises NotFoundError ``run-missing``."""
        return with_data(self.objects, self._run(caller, organization_id, run_id))

    def status(self, caller: Caller, organization_id: str, run_id: str) -> RunSummary:
        """Return a run without its steps, cheaply enough for each second; raises NotFoundError ``run-missing``."""
        caller.check_organization(organization_id)
        return _own(self.runs.peek(run_id), organization_id)

    def neighbours(self, caller: Caller, organization_id: str, run_id: str) -> tuple[str | None, str | None]:
        """Return the ids of the run before and the run after in the project; raises NotFoundError ``run-missing``."""
        return self.runs.neighbours(self._run(caller, organization_id, run_id))

    def report(self, caller: Caller, organization_id: str, run_id: str) -> Report:
        """Return the report; raises NotFoundError ``run-missing``, or ``report-missing`` (yet or by now)."""
        return self._report(self._run(caller, organization_id, run_id))

    def download(self, caller: Caller, organization_id: str, run_id: str, what: What) -> Download:
        """Return a link for five minutes; raises NotFoundError ``run-``, ``report-`` or ``file-missing``."""
        run = self._run(caller, organization_id, run_id)
        ref = self._errors(run) if what == "errors" else getattr(run, what)
        if ref is None or not self.objects.exists(ref):
            raise NotFoundError("file-missing")
        expires_at = self.changes.now() + timedelta(seconds=LINK_SECONDS)
        return Download(self.objects.link(ref, file_name=_file_name(run, what), seconds=LINK_SECONDS), expires_at)

    def rerun(self, caller: Caller, organization_id: str, run_id: str, request: Request | None = None) -> Run:
        """Start a run of the same file with today's options; the same ``request`` always means the same run.

        Raises NotFoundError ``run-missing``, or ConflictError ``run-not-ended``, ``flow-gone``, ``flow-switched-off``,
        ``data-expired``.
        """
        earlier = self._run(caller, organization_id, run_id)
        identity = rerun_id(run_id, request, self.changes.now())
        run = self.runs.get(identity) or self._open_again(caller, earlier, identity)
        if not run.status.final:
            self.workflow.start(run.id, run.source)
            with suppress(RosterbridgeError):  # the sweep finds that the run was started, and forgets it
                self.changes.accounts.forget_start(run.id)
        return with_data(self.objects, run)

    def _run(self, caller: Caller, organization_id: str, run_id: str) -> Run:
        caller.check_organization(organization_id)
        return _own(self.runs.get(run_id), organization_id)

    def _open_again(self, caller: Caller, earlier: Run, identity: str) -> Run:
        flow = self._flow(earlier)
        project = self.changes.accounts.get(Project, flow.organization_id, flow.project_id)
        opening = Opening(
            identity=identity,
            flow=flow,
            file_name=earlier.file_name,
            size=earlier.file_bytes,
            at=self.changes.now(),
            origin=earlier.source,
            rerun_of=earlier.id,
        )
        run = open_run(opening, earlier.source.bucket, self.keep_runs, save_data=bool(project and project.save_data))
        try:
            self.objects.copy(earlier.source, run.source)
        except NotFoundError:
            raise ConflictError("data-expired") from None
        about = ("rerun", earlier.organization_id, "run", earlier.id)
        self.audit.add(self.changes.entry_about(caller, *about))
        self.lanes.enter(flow.id, run.id, position(run), opening.at)
        self.changes.accounts.note_start(run.id, opening.at)  # or a crash before the start would leave it received
        return self.runs.create(all_put_aside(self.objects, run))

    def _flow(self, run: Run) -> Flow:
        if not run.status.final:
            raise ConflictError("run-not-ended")
        flow = self.changes.accounts.get(Flow, run.organization_id, run.flow_id)
        if flow is None:
            raise ConflictError("flow-gone")
        if not flow.enabled:
            raise ConflictError("flow-switched-off")
        return flow

    def _report(self, run: Run) -> Report:
        from rosterbridge.roster.documents import report_from_json

        if run.report is None:
            raise NotFoundError("report-missing")
        try:
            return report_from_json(self.objects.get_text(run.report))
        except NotFoundError:  # reports are kept for a shorter time than the history
            raise NotFoundError("report-missing") from None

    def _errors(self, run: Run) -> ObjectRef:
        """Return where the report's CSV lies: made when it is asked for, gone after a day, never without a report."""
        from rosterbridge.roster.report_forms import report_as

        if run.report is None or not self.objects.exists(run.report):
            raise NotFoundError("report-missing")
        stored = made_object(run.report.bucket, run.id, "errors.csv")
        if not self.objects.exists(stored):
            self.objects.put_text(report_as(self._report(run), ".csv").decode(), stored)
        return stored


def _own(run: R | None, organization_id: str) -> R:
    if run is None or run.organization_id != organization_id:
        raise NotFoundError("run-missing")
    return run


def rerun_id(run_id: str, request: Request | None, now: datetime) -> str:
    """Return the id of a run that is started again: the same one for the same request of the same user."""
    about = ("key", request.user_id, request.key) if request else ("time", now.isoformat())
    return hashlib.sha256("\n".join(("rerun", run_id, *about)).encode()).hexdigest()[:32]


def _file_name(run: Run, what: What) -> str:
    names = {
        "source": run.file_name,
        "result": f"rosterbridge-{run.id}.zip",
        "errors": f"errors-{run.id}.csv",
        "provenance": f"provenance-{run.id}.csv.gz",
        "changes": f"changes-{run.id}.csv.gz",
    }
    return names[what]
