"""A flow's lane: in which order its runs go, and who may send now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from rosterbridge.flows.models import Accepted, Lane, ObjectRef, Run, RunStatus
from rosterbridge.flows.ports import Claim, LaneStore, RunStore

# After this time a run that was received and has come no further keeps nobody waiting any more
OPEN_FOR = timedelta(minutes=30)
# Longer than the function that sends may live, so that the lease of one that died is all that it leaves
LEASE = timedelta(minutes=12)


def position(run: Run) -> str:
    """Return a run's place in its flow's order of receipt; places compare as texts."""
    return f"{run.received_at.astimezone(UTC).isoformat(timespec='microseconds')}#{run.id}"


def lane_folder(flow_id: str) -> str:
    """Return what the keys of all files begin with that stay as long as the flow needs them."""
    return f"lanes/{flow_id}/"


def lane_object(run: Run, name: str) -> ObjectRef:
    """Return where a file of a run lies that stays as long as its flow needs it."""
    return ObjectRef(bucket=run.source.bucket, key=f"{lane_folder(run.flow_id)}{run.id}/{name}")


def is_next(run: Run, lanes: LaneStore, runs: RunStore, now: datetime) -> bool:
    """Tell whether no earlier run of the flow is on its way to its conversion any more.

    One that has ended without saying so, or was noted long ago, keeps nobody waiting.
    """
    own = position(run)
    for identity, entered in lanes.get(run.flow_id).entered.items():
        if entered.position >= own or entered.at <= now - OPEN_FOR:
            continue
        earlier = runs.get(identity)
        if earlier is None or not earlier.status.final:
            return False
        lanes.leave(run.flow_id, identity)
    return True


def is_turned_down(lane: Lane, runs: RunStore) -> bool:
    """Return whether the run of the newest full set was held, and turned down."""
    newest = runs.get(lane.accepted.run_id) if lane.accepted else None
    return newest is not None and newest.status is RunStatus.REJECTED


def reverted(lane: Lane) -> Lane:
    """Return the lane as it is when its newest full set was turned down: what Apple has counts again."""
    sent = lane.sent
    before = Accepted(position=sent.position, run_id=sent.run_id, full_set=sent.full_set) if sent else None
    return lane.model_copy(update={"accepted": before})


def judge_claim(lane: Lane, place: str, run_id: str, compared: str | None, now: datetime) -> Claim:
    """Return whether a run may be sent, by what is known of its lane."""
    if lane.sent is not None and lane.sent.run_id == run_id:
        return Claim.SENT
    if lane.sent is not None and lane.sent.position > place:
        return Claim.OVERTAKEN
    if lane.holder not in {None, run_id} and lane.lease_until is not None and lane.lease_until > now:
        return Claim.BUSY
    if (lane.sent.run_id if lane.sent else None) != compared:
        return Claim.STALE
    return Claim.CLAIMED
