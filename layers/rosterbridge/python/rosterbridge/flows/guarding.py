"""The guard: what would change at Apple's side, and whether somebody has to approve it first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rosterbridge.errors import NotFoundError
from rosterbridge.flows.holding import overtake, supersede
from rosterbridge.flows.lanes import position
from rosterbridge.flows.messages import message
from rosterbridge.flows.models import Flow, GuardRules, Hold, Lane, Model, ObjectRef, Run, RunStatus
from rosterbridge.flows.ports import Waiting
from rosterbridge.flows.processing import OVERTAKEN
from rosterbridge.flows.run_files import run_object
from rosterbridge.flows.step_work import Steps, Work

if TYPE_CHECKING:
    from rosterbridge.roster.comparison import Changes, FileChanges, Fingerprints

FIRST = "The first upload of this flow: there is nothing to compare it with."
UNHARMED = "Nothing is removed or changed."
Decision = Literal["forward", "hold", "superseded"]
STUDENTS, STAFF, CLASSES = "students.csv", "staff.csv", "classes.csv"
# What a change means at Apple's side: of one row, and of several
REMOVED = {
    STUDENTS: ("student would be deactivated", "students would be deactivated"),
    STAFF: ("staff member would be deactivated", "staff members would be deactivated"),
    CLASSES: ("class removed with its Schoolwork progress", "classes removed with their Schoolwork progress"),
    "courses.csv": ("course removed", "courses removed"),
    "rosters.csv": ("student taken out of a class", "students taken out of classes"),
    "locations.csv": ("location removed", "locations removed"),
}
CHANGED = {
    STUDENTS: ("student changed", "students changed"),
    STAFF: ("staff member changed", "staff members changed"),
    CLASSES: ("class changed", "classes changed"),
    "courses.csv": ("course changed", "courses changed"),
    "rosters.csv": ("roster changed", "rosters changed"),
    "locations.csv": ("location changed", "locations changed"),
}


class Guarding(Model):
    """What the state machine learns from the guard."""

    decision: Decision


@dataclass(frozen=True)
class Guard(Steps):
    """Compares a run with what Apple has; ``hold_for`` is how long a held run waits for somebody."""

    waiting: Waiting
    hold_for: timedelta

    def check(self, run_id: str) -> Guarding:
        """Compare, store the changes, and decide; what was approved is not asked for again."""
        run = self.run(run_id)
        approved = run.hold is not None and run.hold.decision == "approved"
        with self.step(run, "guard", RunStatus.FORWARDING if approved else RunStatus.CONVERTING) as work:
            lane, decision = self._decide_by_newest(work)
        if decision != "superseded":
            overtake(self, self.waiting, run, lane)
        return Guarding(decision=decision)

    def hold(self, run_id: str, task_token: str) -> None:
        """Let the run wait for whoever answers with the token; raises PermanentError ``run-ended``."""
        run = self.run(run_id)
        self.runs.wait(run_id, task_token)
        self.lanes.hold(run.flow_id, run_id)
        lane = self.lanes.get(run.flow_id)
        if _is_overtaken(run, lane):  # a newer run was sent before it could see this one
            supersede(self, self.waiting, run_id)

    def _decide_by_newest(self, work: Work) -> tuple[Lane, Decision]:
        """Return the lane by which it was decided; another run may be sent meanwhile, and what was compared with go."""
        lane = self.lanes.get(work.run.flow_id)
        while True:
            try:
                return lane, self._decide(work, lane)
            except NotFoundError:
                newest = self.lanes.get(work.run.flow_id)
                if newest.sent == lane.sent:  # it is really gone
                    raise
                lane = newest

    def _decide(self, work: Work, lane: Lane) -> Decision:
        run = work.run
        if _is_overtaken(run, lane):
            work.closed("superseded", OVERTAKEN)
            return "superseded"
        compared = lane.sent.run_id if lane.sent else None
        work.produced(compared=compared)
        work.requests(method="compare", source=result_of(run).key, compared=compared)
        changes = self._compare(work, lane)
        now = self.now()
        reasons = tuple(reasons_to_hold(changes, work.flow.guard, today_of(work.flow, now)))
        known = run.hold is not None and run.hold.decision == "approved" and run.hold.compared == compared
        if not reasons or known:
            text = "Approved." if known else harmless(changes)
            work.ended(outcome="succeeded", message=text, response={"decision": "forward"})
            return "forward"
        held = f"Held: {objections(changes, reasons)} Approve or reject it."
        work.produced(
            summary=held,
            hold=Hold(reasons=reasons, sentence=held, compared=compared, since=now, until=now + self.hold_for),
        )
        work.ended(outcome="held", code=reasons[0], message=held, response={"decision": "hold"})
        return "hold"

    def _compare(self, work: Work, lane: Lane) -> Changes | None:
        """Return what would change, and store it with the ids; None for the first upload of a flow."""
        from rosterbridge.roster.comparison import fingerprints

        run = work.run
        after = fingerprints(work.fetch(result_of(run)))
        kept = work.folder / "fingerprints.parquet"
        after.write(kept)
        self.objects.upload(kept, fingerprints_of(run))
        before = work.fetch(lane.sent.fingerprints, "before.parquet") if lane.sent else None
        changes, counts = compared_with(before, after)
        work.ended(counts=counts)
        if changes is None:
            return None
        listed = work.folder / "changes.csv.gz"
        changes.write_csv(listed)
        stored = run_object(run.source.bucket, run.id, "changes.csv.gz")
        self.objects.upload(listed, stored)
        work.produced(changes=stored)
        return changes


def result_of(run: Run) -> ObjectRef:
    """Return where the ZIP lies that Apple gets."""
    return run_object(run.source.bucket, run.id, "result.zip")


def fingerprints_of(run: Run) -> ObjectRef:
    """Return where the fingerprints of that ZIP lie until it is sent."""
    return run_object(run.source.bucket, run.id, "fingerprints.parquet")


def _is_overtaken(run: Run, lane: Lane) -> bool:
    return lane.sent is not None and lane.sent.position > position(run)


def compared_with(before: Path | None, after: Fingerprints) -> tuple[Changes | None, dict[str, int]]:
    """Return what changes from the stored fingerprints, and the counts; without them, counts of what is added."""
    from rosterbridge.roster.comparison import Fingerprints, compare

    if before is None:
        return None, {f"{_stem(name)}_added": rows for name, rows in after.heights().items()}
    changes = compare(Fingerprints.read(before), after)
    return changes, _counts(changes)


def today_of(flow: Flow, now: datetime) -> date:
    """Return the day on which something happens for a flow."""
    from zoneinfo import ZoneInfo

    return now.astimezone(ZoneInfo(flow.time_zone)).date()


def reasons_to_hold(changes: Changes | None, rules: GuardRules, today: date) -> Iterator[str]:
    """Yield the codes of what somebody must approve; without ``changes`` it is the first upload of its flow."""
    if any(window.has(today) for window in rules.blackouts):
        yield "blackout"
    files = changes.files.values() if changes else ()
    if any(file.before and not file.after for file in files):
        yield "file-emptied"
    if any(_exceeds(file.removed, file, rules.removed_share, rules) for file in files):
        yield "too-many-removed"
    if any(_exceeds(file.changed, file, rules.changed_share, rules) for file in files):
        yield "too-many-changed"
    if any(file.removed for file in files) and any(window.has(today) for window in rules.additions_only):
        yield "additions-only"


def _exceeds(rows: int, file: FileChanges, share: float, rules: GuardRules) -> bool:
    return file.before >= rules.least_rows and rows > share * file.before


def consequences(changes: Changes) -> str:
    """Return what would happen, in Apple's terms: ``31 students would be deactivated; 5 classes changed.``"""
    removed = (_told(file.removed, REMOVED[name]) for name, file in changes.files.items() if file.removed)
    changed = (_told(file.changed, CHANGED[name]) for name, file in changes.files.items() if file.changed)
    told = "; ".join((*removed, *changed))
    return f"{told}." if told else ""


def harmless(changes: Changes | None) -> str:
    """Return what is said of an upload that nobody has to approve."""
    return (consequences(changes) or UNHARMED) if changes else FIRST


def objections(changes: Changes | None, reasons: tuple[str, ...]) -> str:
    """Return what would happen, and why somebody has to approve it."""
    told = consequences(changes) if changes else ""
    return " ".join(part for part in (told, *map(message, reasons)) if part)


def _told(count: int, words: tuple[str, str]) -> str:
    return f"{count:,} {words[count != 1]}"


def _counts(changes: Changes) -> dict[str, int]:
    """Return the counts of changes by file: ``students_removed`` and so on."""
    return {
        f"{_stem(name)}_{what}": getattr(file, what)
        for name, file in changes.files.items()
        for what in ("added", "removed", "changed")
    }


def _stem(file: str) -> str:
    return file.removesuffix(".csv")
