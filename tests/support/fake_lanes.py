"""The lanes of flows in memory: what the conditions of the real ones say, said in Python."""

from __future__ import annotations

from datetime import datetime
from threading import Lock
from typing import Any

from rosterbridge.flows.lanes import judge_claim, reverted
from rosterbridge.flows.models import Accepted, Entered, Lane, Sent
from rosterbridge.flows.ports import Claim


class FakeLaneStore:
    """Keeps the lanes by their flows."""

    def __init__(self) -> None:
        self.lanes: dict[str, Lane] = {}
        self._lock = Lock()

    def get(self, flow_id: str) -> Lane:
        return self.lanes.get(flow_id, Lane())

    def enter(self, flow_id: str, run_id: str, position: str, at: datetime) -> None:
        with self._lock:
            entered = {run_id: Entered(position=position, at=at), **self.get(flow_id).entered}
            self._change(flow_id, entered=entered)

    def leave(self, flow_id: str, run_id: str) -> None:
        with self._lock:
            entered = {key: value for key, value in self.get(flow_id).entered.items() if key != run_id}
            self._change(flow_id, entered=entered)

    def accept(self, flow_id: str, accepted: Accepted, *, base: str | None = None) -> bool:
        with self._lock:
            known = self.get(flow_id).accepted
            if known is not None and known.position > accepted.position:
                return False
            if base is not None and (known is None or known.run_id not in {base, accepted.run_id}):
                return False
            self._change(flow_id, accepted=accepted)
        self.leave(flow_id, accepted.run_id)
        return True

    def revert(self, flow_id: str, run_id: str) -> None:
        with self._lock:
            lane = self.get(flow_id)
            if lane.accepted is None or lane.accepted.run_id != run_id:
                return
            self._change(flow_id, accepted=reverted(lane).accepted)

    def hold(self, flow_id: str, run_id: str | None) -> None:
        with self._lock:
            self._change(flow_id, held=run_id)

    def claim(self, flow_id: str, run: tuple[str, str], compared: str | None, now: datetime, until: datetime) -> Claim:
        with self._lock:
            claim = judge_claim(self.get(flow_id), *run, compared, now)
            if claim is Claim.CLAIMED:
                self._change(flow_id, holder=run[1], lease_until=until)
            return claim

    def release(self, flow_id: str, run_id: str) -> None:
        with self._lock:
            if self.get(flow_id).holder == run_id:
                self._change(flow_id, holder=None, lease_until=None)

    def note_sent(self, flow_id: str, sent: Sent) -> bool:
        with self._lock:
            if self.get(flow_id).holder != sent.run_id:
                return False
            self._change(flow_id, sent=sent, holder=None, lease_until=None)
            return True

    def remove(self, flow_id: str) -> None:
        self.lanes.pop(flow_id, None)

    def _change(self, flow_id: str, **changes: Any) -> None:
        self.lanes[flow_id] = self.get(flow_id).model_copy(update=changes)
