"""The steps that look into an upload: validate and convert."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rosterbridge.errors import NotFoundError, PermanentError
from rosterbridge.flows.lanes import is_next, is_turned_down, position
from rosterbridge.flows.models import Accepted, Lane, Model, ObjectRef, Run, RunStatus
from rosterbridge.flows.run_files import run_object
from rosterbridge.flows.step_work import Steps, Work

if TYPE_CHECKING:
    from rosterbridge.roster.report import Report

MOST_OPTIONS = 32 * 1024  # characters of JSON
OVERTAKEN, DELTA_OVERTAKEN = "run-overtaken", "delta-overtaken"


class Validation(Model):
    """What the state machine learns from validation; ``waiting`` means that an earlier run is not through yet."""

    outcome: Literal["accepted", "rejected", "waiting"]
    report: ObjectRef | None = None


class Conversion(Model):
    """What the state machine learns from conversion.

    ``superseded``: a newer upload was accepted. ``lost``: likewise, and this is a delta package, whose changes the
    newer one need not have. ``stale``: the full set that a delta package changes is another one by now.
    """

    outcome: Literal["converted", "superseded", "lost", "stale"]


@dataclass(frozen=True)
class Processor(Steps):
    """Validates and converts; runs of one flow do so one after the other, in the order of their receipt."""

    def validate(self, run_id: str) -> Validation:
        """Check the upload by all rules and store the report; a bad upload is an answer, not an error."""
        run = self.run(run_id)
        if not is_next(run, self.lanes, self.runs, self.now()):
            return Validation(outcome="waiting")
        with self.step(run, "validate", RunStatus.VALIDATING) as work:
            source = work.fetch(run.source)
            work.requests(method="validate", **_asked(work, source))
            report = self._report(work, source)
            stored = run_object(run.source.bucket, run_id, "report.json")
            self._keep_report(work, report, stored)
        if not report.accepted:
            self.lanes.leave(run.flow_id, run_id)
        return Validation(outcome="accepted" if report.accepted else "rejected", report=stored)

    def _report(self, work: Work, source: Path) -> Report:
        """Return the report; a delta package is merged with the full set that the flow has."""
        from rosterbridge.roster import validate, validate_delta
        from rosterbridge.roster.delta import is_delta

        run, as_of = work.run, work.run.received_at.date()
        accepted = self._base(run) if is_delta(source) else None
        if accepted is None:
            return validate(source, work.flow.options, as_of=as_of)
        base_run, base = accepted
        merged = work.folder / "full-set.zip"
        report = validate_delta(source, self._fetch_base(work, base), merged, work.flow.options, as_of=as_of)
        if report.accepted:
            stored = run_object(run.source.bucket, run.id, "full-set.zip")
            self.objects.upload(merged, stored)
            work.produced(full_set=stored, base=base_run)
        return report

    def _base(self, run: Run) -> tuple[str, ObjectRef] | None:
        """Return the full set that a delta package changes, and the run that it is of."""
        lane = self.lanes.get(run.flow_id)
        if lane.accepted and is_turned_down(lane, self.runs):
            self.lanes.revert(run.flow_id, lane.accepted.run_id)
            lane = self.lanes.get(run.flow_id)
        found = full_set(lane)
        return (lane.accepted.run_id, found) if lane.accepted and found else None

    def _fetch_base(self, work: Work, base: ObjectRef) -> Path:
        try:
            return work.fetch(base, "base.zip")
        except NotFoundError:
            raise PermanentError("full-set-expired") from None

    def _keep_report(self, work: Work, report: Report, stored: ObjectRef) -> None:
        from rosterbridge.roster.documents import report_to_json

        self.objects.put_text(report_to_json(report), stored)
        work.ended(
            outcome="succeeded" if report.accepted else "rejected",
            code=report.rejected_by,
            message=report.summary,
            counts=_counts(report),
            response={
                "format": report.format,
                "accepted": report.accepted,
                "codes": list(report.codes),
                "target": stored.key,
            },
        )
        work.produced(report=stored, summary=report.summary)

    def convert(self, run_id: str) -> Conversion:
        """Write the ZIP that Apple gets; raises PermanentError if conversion disagrees with validation."""
        run = self.run(run_id)
        with self.step(run, "convert", RunStatus.CONVERTING) as work:
            source = work.fetch(run.full_set if run.base and run.full_set else run.source)
            work.requests(method="convert", **_asked(work, source))
            report = self._converted(work, source)
            outcome = self._accept(work, source, report)
            if outcome != "converted":
                work.closed(*(("rejected", DELTA_OVERTAKEN) if outcome == "lost" else ("superseded", OVERTAKEN)))
        return Conversion(outcome=outcome)

    def _converted(self, work: Work, source: Path) -> Report:
        from rosterbridge.roster import convert

        run = work.run
        target, origins = work.folder / "result.zip", work.folder / "provenance.csv.gz"
        report = convert(
            source,
            target,
            work.flow.options,
            as_of=run.received_at.date(),
            provenance=origins,
            is_condensed=bool(run.base and run.full_set),
        )
        if not report.accepted:
            raise PermanentError("conversion-differs")
        stored = run_object(run.source.bucket, run.id, "result.zip")
        self.objects.upload(target, stored)
        provenance = run_object(run.source.bucket, run.id, "provenance.csv.gz")
        self.objects.upload(origins, provenance)
        size = target.stat().st_size
        work.ended(
            outcome="succeeded",
            counts={**report.sent, "bytes": size},
            message="Passed on unchanged." if report.unchanged else "Converted to Apple School Manager CSV.",
            response={"format": "asm", "unchanged": report.unchanged, "target": stored.key, "bytes": size},
        )
        work.produced(result=stored, provenance=provenance, rows=report.sent)
        return report

    def _accept(self, work: Work, source: Path, report: Report) -> Literal["converted", "superseded", "lost", "stale"]:
        """Make the run's full set the newest of its flow, unless a newer run's is."""
        run = work.run
        kept = run.full_set if run.base else None
        if kept is None and report.format != "asm":
            from rosterbridge.roster.delta import condense

            condensed = work.folder / "condensed.zip"
            condense(source, condensed)
            kept = run_object(run.source.bucket, run.id, "full-set.zip")
            self.objects.upload(condensed, kept)
        accepted = Accepted(position=position(run), run_id=run.id, full_set=kept)
        if self.lanes.accept(run.flow_id, accepted, base=run.base):
            work.produced(full_set=kept)
            return "converted"
        newer = self.lanes.get(run.flow_id).accepted
        if newer is None or newer.position < accepted.position:
            return "stale"
        return "lost" if run.base else "superseded"


def full_set(lane: Lane) -> ObjectRef | None:
    """Return where the newest full set lies: that of the run that Apple has is kept for longer."""
    if lane.accepted is None:
        return None
    if lane.sent is not None and lane.sent.run_id == lane.accepted.run_id:
        return lane.sent.full_set
    return lane.accepted.full_set


def _asked(work: Work, source: Path) -> dict[str, Any]:
    """Return what a step works on; options of unusual length are left out, since a run is shown whole."""
    asked = {"source": work.run.source.key, "bytes": source.stat().st_size}
    options = asdict(work.flow.options)
    return asked if len(json.dumps(options)) > MOST_OPTIONS else {**asked, "options": options}


def _counts(report: Report) -> dict[str, int]:
    rows = {f"{file.removesuffix('.csv')}_read": count.read for file, count in report.counts.items()}
    return {**rows, **report.sent}
