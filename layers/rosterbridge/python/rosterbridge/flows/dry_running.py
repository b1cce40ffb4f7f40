"""A dry run at work: the same rules as a run, which leaves nothing behind but its answer."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rosterbridge.errors import (
    ConfigurationError,
    NotFoundError,
    PermanentError,
    RosterbridgeError,
    TransientError,
    at_boundary,
)
from rosterbridge.flows.dry_runs import INTERRUPTED, REPORT, DryRunStore, failed
from rosterbridge.flows.guarding import compared_with, harmless, objections, reasons_to_hold, today_of
from rosterbridge.flows.lanes import is_turned_down, reverted
from rosterbridge.flows.models import DryRun, Flow, Lane, ObjectRef
from rosterbridge.flows.ports import AccountStore, LaneStore, ObjectStore, RunStore
from rosterbridge.flows.processing import full_set
from rosterbridge.flows.run_files import dry_run_object
from rosterbridge.flows.step_work import FOLDER, remove_what_died

if TYPE_CHECKING:
    from rosterbridge.roster.report import Report


@dataclass(frozen=True)
class DryRunner:
    """Validates, converts and compares; of runs and lanes it reads what a run would."""

    accounts: AccountStore
    dry_runs: DryRunStore
    runs: RunStore
    lanes: LaneStore
    objects: ObjectStore
    now: Callable[[], datetime]

    def look(self, organization_id: str, dry_run_id: str, source: ObjectRef) -> DryRun | None:
        """Look at the file once, and return what was found; None where nobody waits for it.

        An error is recorded and raised.
        """
        found = self.accounts.get(DryRun, organization_id, dry_run_id)
        if found is None or not self.dry_runs.begin(found):
            return None
        remove_what_died(self.now())
        with tempfile.TemporaryDirectory(prefix=FOLDER) as folder:
            try:
                ended = self._judge(found, source, Path(folder))
            except Exception as error:
                # nothing is tried again by itself: whoever asked is waiting
                code = INTERRUPTED if isinstance(error, TransientError) else at_boundary(error).code
                with suppress(RosterbridgeError):  # what went wrong first is what is told
                    self.dry_runs.end(failed(found, code))
                raise
        self.dry_runs.end(ended)
        return ended

    def _judge(self, dry_run: DryRun, source: ObjectRef, folder: Path) -> DryRun:
        flow, lane = self._flow(dry_run), self._lane(dry_run.flow_id)
        report, result = self._convert(dry_run, flow, lane, self._fetch(source, folder / "input.zip"))
        self._keep(dry_run, source.bucket, report)
        if result is None:
            return _done(dry_run, verdict="reject", summary=report.summary, error=report.rejected_by)
        from rosterbridge.roster.comparison import fingerprints

        before = self._fetch(lane.sent.fingerprints, folder / "before.parquet") if lane.sent else None
        changes, counts = compared_with(before, fingerprints(result))
        reasons = tuple(reasons_to_hold(changes, flow.guard, today_of(flow, self.now())))
        if reasons:
            return _done(dry_run, verdict="hold", summary=objections(changes, reasons), counts=counts)
        return _done(dry_run, verdict="send", summary=harmless(changes), counts=counts)

    def _convert(self, dry_run: DryRun, flow: Flow, lane: Lane, package: Path) -> tuple[Report, Path | None]:
        """Return the report, and what Apple would get; None for a file that is rejected."""
        from rosterbridge.roster import convert, validate, validate_delta
        from rosterbridge.roster.delta import is_delta

        folder, as_of = package.parent, dry_run.created_at.date()
        whole, result = folder / "full-set.zip", folder / "result.zip"
        base = self._base(lane, folder) if is_delta(package) else None
        if base is None:
            report = validate(package, flow.options, as_of=as_of)
        else:
            report = validate_delta(package, base, whole, flow.options, as_of=as_of)
        if not report.accepted:
            return report, None
        is_merged = base is not None
        converted = convert(whole if is_merged else package, result, flow.options, as_of=as_of, is_condensed=is_merged)
        if not converted.accepted:
            raise PermanentError("conversion-differs")
        return report, result

    def _flow(self, dry_run: DryRun) -> Flow:
        flow = self.accounts.get(Flow, dry_run.organization_id, dry_run.flow_id)
        if flow is None:
            raise ConfigurationError("flow-missing", dry_run.flow_id)
        return flow

    def _lane(self, flow_id: str) -> Lane:
        """Return the lane as the next run finds it."""
        lane = self.lanes.get(flow_id)
        return reverted(lane) if is_turned_down(lane, self.runs) else lane

    def _base(self, lane: Lane, folder: Path) -> Path | None:
        """Return the full set that a delta package changes."""
        found = full_set(lane)
        try:
            return self._fetch(found, folder / "base.zip") if found else None
        except NotFoundError:
            raise PermanentError("full-set-expired") from None

    def _fetch(self, ref: ObjectRef, path: Path) -> Path:
        self.objects.download(ref, path)
        return path

    def _keep(self, dry_run: DryRun, bucket: str, report: Report) -> None:
        from rosterbridge.roster.documents import report_to_json

        place = dry_run_object(bucket, dry_run.organization_id, dry_run.id, REPORT)
        self.objects.put_text(report_to_json(report), place)


def _done(dry_run: DryRun, **found: object) -> DryRun:
    return dry_run.model_copy(update={"status": "done", **found})
