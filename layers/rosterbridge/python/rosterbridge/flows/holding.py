"""Held runs: somebody approves or rejects them, or a newer upload overtakes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from rosterbridge.errors import ConflictError, InvalidRequestError, NotFoundError
from rosterbridge.flows.access import Caller
from rosterbridge.flows.changes import Changes
from rosterbridge.flows.lanes import position
from rosterbridge.flows.models import ONE_LINE, Lane, Run
from rosterbridge.flows.ports import AuditStore, LaneStore, RunStore, Waiting
from rosterbridge.flows.step_work import Steps

LONGEST_REASON = 500


def supersede(steps: Steps, waiting: Waiting, run_id: str) -> None:
    """End a held run because a newer upload of its flow goes on; one that is held no longer stays as it is."""
    run = steps.runs.get(run_id)
    if run is None or run.hold is None:
        return
    update = {"decision": "superseded", "decided_at": steps.now()}
    token = steps.runs.decide(run_id, run.hold.model_copy(update=update))
    if token is not None:
        waiting.resume(token, "superseded")


def overtake(steps: Steps, waiting: Waiting, run: Run, lane: Lane) -> None:
    """End the held run of the lane if ``run``, which goes on, is newer."""
    held = steps.runs.get(lane.held) if lane.held and lane.held != run.id else None
    if held is not None and position(held) < position(run):
        supersede(steps, waiting, held.id)


@dataclass(frozen=True)
class Holds:
    """What an administrator decides about held runs."""

    changes: Changes
    runs: RunStore
    lanes: LaneStore
    waiting: Waiting
    audit: AuditStore

    def approve(self, caller: Caller, organization_id: str, run_id: str, reason: str) -> Run:
        """Let a held run go on; raises NotFoundError ``run-missing``, ConflictError ``run-not-held``."""
        return self._decide(caller, self._held(caller, organization_id, run_id), "approved", reason)

    def reject(self, caller: Caller, organization_id: str, run_id: str, reason: str) -> Run:
        """End a held run: nothing of it is sent; raises NotFoundError ``run-missing``, ConflictError ``run-not-held``.

        What was accepted before it is again what a delta package builds on.
        """
        run = self._decide(caller, self._held(caller, organization_id, run_id), "rejected", reason)
        self.lanes.revert(run.flow_id, run.id)
        return run

    def _held(self, caller: Caller, organization_id: str, run_id: str) -> Run:
        caller.check_organization(organization_id)
        run = self.runs.get(run_id)
        if run is None or run.organization_id != organization_id:
            raise NotFoundError("run-missing")
        return run

    def _decide(self, caller: Caller, run: Run, decision: Literal["approved", "rejected"], reason: str) -> Run:
        if run.hold is None:
            raise ConflictError("run-not-held")
        if not _is_one_line(reason):
            raise InvalidRequestError("reason-invalid", field="reason")
        update = {
            "decision": decision,
            "decided_at": self.changes.now(),
            "decided_by": caller.user_id,
            "reason": reason.strip(),
        }
        hold = run.hold.model_copy(update=update)
        token = self.runs.decide(run.id, hold)
        if token is None:
            raise ConflictError("run-not-held")
        about = ("approve" if decision == "approved" else "reject", run.organization_id, "run", run.id)
        self.audit.add(self.changes.entry_about(caller, *about))
        self.waiting.resume(token, decision)
        return run.model_copy(update={"hold": hold})


def _is_one_line(reason: str) -> bool:
    return bool(re.fullmatch(f"{ONE_LINE}{{1,{LONGEST_REASON}}}", reason.strip()))
