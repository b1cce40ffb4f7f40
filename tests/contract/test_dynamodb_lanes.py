"""The lanes of flows: the fake decides what DynamoDB decides."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from local.clients import environment
from rosterbridge.adapters.dynamodb_lanes import DynamoLaneStore
from rosterbridge.flows.models import Accepted, Entered, Lane, ObjectRef, Sent
from rosterbridge.flows.ports import Claim, LaneStore
from tests.support import flows
from tests.support.fakes import FakeLaneStore
from tests.support.stack import StackUnderTest

REF = ObjectRef(bucket="runs", key="lanes/flow/run/fingerprints.parquet")
NOW, UNTIL = flows.AT, flows.AT + timedelta(minutes=12)


@pytest.fixture(params=["fake", "dynamodb"])
def lanes(request: pytest.FixtureRequest) -> LaneStore:
    if request.param == "fake":
        return FakeLaneStore()
    stack: StackUnderTest = request.getfixturevalue("stack")
    with environment(stack.endpoint, stack.region):
        return DynamoLaneStore(stack.outputs["AccountTable"])


@pytest.fixture
def flow() -> str:
    return flows.unique("flow")


def sent(run: str, place: str) -> Sent:
    return Sent(position=place, run_id=run, fingerprints=REF, full_set=REF)


def accepted(run: str, place: str, **changes: Any) -> Accepted:
    return Accepted(position=place, run_id=run, full_set=REF, **changes)


def send(lanes: LaneStore, flow: str, run: str, place: str) -> None:
    before = lanes.get(flow).sent
    assert lanes.claim(flow, (place, run), before.run_id if before else None, NOW, UNTIL) is Claim.CLAIMED
    assert lanes.note_sent(flow, sent(run, place))


def test_a_flow_of_which_nothing_is_known_has_an_empty_lane(lanes: LaneStore, flow: str) -> None:
    assert lanes.get(flow) == Lane()
    assert lanes.get("no identity at all") == Lane()


def test_runs_enter_once_and_leave(lanes: LaneStore, flow: str) -> None:
    for at in (NOW, UNTIL):
        lanes.enter(flow, "run-1", "a", at)
    lanes.enter(flow, "run-2", "b", NOW)

    assert lanes.get(flow).entered == {
        "run-1": Entered(position="a", at=NOW),
        "run-2": Entered(position="b", at=NOW),
    }
    for _ in range(2):
        lanes.leave(flow, "run-1")
    assert set(lanes.get(flow).entered) == {"run-2"}


def test_the_newest_full_set_is_kept_and_its_run_leaves(lanes: LaneStore, flow: str) -> None:
    lanes.enter(flow, "run-2", "b", NOW)

    assert lanes.accept(flow, accepted("run-2", "b"))
    assert lanes.accept(flow, accepted("run-2", "b"))  # again
    assert not lanes.accept(flow, accepted("run-1", "a"))

    assert lanes.get(flow).accepted == accepted("run-2", "b")
    assert lanes.get(flow).entered == {}


def test_a_delta_is_accepted_on_its_own_base_alone(lanes: LaneStore, flow: str) -> None:
    assert not lanes.accept(flow, accepted("run-2", "b"), base="run-1")
    lanes.accept(flow, accepted("run-1", "a"))

    assert not lanes.accept(flow, accepted("run-2", "b"), base="run-0")
    assert lanes.accept(flow, accepted("run-2", "b"), base="run-1")
    assert lanes.accept(flow, accepted("run-2", "b"), base="run-1")  # again


def test_what_was_turned_down_gives_way_to_what_apple_has(lanes: LaneStore, flow: str) -> None:
    lanes.accept(flow, accepted("run-1", "a"))
    lanes.revert(flow, "run-1")
    assert lanes.get(flow).accepted is None

    send(lanes, flow, "run-1", "a")
    lanes.accept(flow, accepted("run-2", "b"))
    lanes.revert(flow, "run-1")
    assert lanes.get(flow).accepted == accepted("run-2", "b")
    lanes.revert(flow, "run-2")
    assert lanes.get(flow).accepted == accepted("run-1", "a")


def test_the_held_run_is_known(lanes: LaneStore, flow: str) -> None:
    lanes.hold(flow, "run-1")
    assert lanes.get(flow).held == "run-1"
    lanes.hold(flow, None)
    assert lanes.get(flow).held is None


def test_only_one_run_of_a_flow_may_send(lanes: LaneStore, flow: str) -> None:
    assert lanes.claim(flow, ("a", "run-1"), None, NOW, UNTIL) is Claim.CLAIMED
    assert lanes.claim(flow, ("a", "run-1"), None, NOW, UNTIL) is Claim.CLAIMED  # its own next try
    assert lanes.claim(flow, ("b", "run-2"), None, NOW, UNTIL) is Claim.BUSY

    lanes.release(flow, "run-2")  # has it not
    assert lanes.claim(flow, ("b", "run-2"), None, NOW, UNTIL) is Claim.BUSY
    lanes.release(flow, "run-1")
    assert lanes.claim(flow, ("b", "run-2"), None, NOW, UNTIL) is Claim.CLAIMED


def test_a_run_that_died_keeps_nobody_for_longer_than_its_lease(lanes: LaneStore, flow: str) -> None:
    lanes.claim(flow, ("a", "run-1"), None, NOW, UNTIL)
    later = UNTIL + timedelta(seconds=1)

    assert lanes.claim(flow, ("b", "run-2"), None, later, later + timedelta(minutes=12)) is Claim.CLAIMED
    assert not lanes.note_sent(flow, sent("run-1", "a"))
    assert lanes.note_sent(flow, sent("run-2", "b"))


def test_what_was_sent_decides_who_comes_next(lanes: LaneStore, flow: str) -> None:
    send(lanes, flow, "run-2", "b")

    assert lanes.get(flow).sent == sent("run-2", "b")
    assert lanes.claim(flow, ("b", "run-2"), None, NOW, UNTIL) is Claim.SENT
    assert lanes.claim(flow, ("a", "run-1"), None, NOW, UNTIL) is Claim.OVERTAKEN
    assert lanes.claim(flow, ("a", "run-1"), "run-2", NOW, UNTIL) is Claim.OVERTAKEN
    assert lanes.claim(flow, ("c", "run-3"), None, NOW, UNTIL) is Claim.STALE
    assert lanes.claim(flow, ("c", "run-3"), "run-1", NOW, UNTIL) is Claim.STALE
    assert lanes.claim(flow, ("c", "run-3"), "run-2", NOW, UNTIL) is Claim.CLAIMED
    assert lanes.claim(flow, ("d", "run-4"), "run-2", NOW, UNTIL) is Claim.BUSY


def test_what_was_not_claimed_is_not_sent(lanes: LaneStore, flow: str) -> None:
    assert not lanes.note_sent(flow, sent("run-1", "a"))
    assert lanes.get(flow).sent is None


def test_of_many_claims_at_once_one_holds(lanes: LaneStore, flow: str) -> None:
    runs = [(f"{number:02}", f"run-{number}") for number in range(12)]
    with ThreadPoolExecutor(12) as pool:
        claims = list(pool.map(lambda run: lanes.claim(flow, run, None, NOW, UNTIL), runs))

    assert sorted(claims) == [Claim.BUSY] * 11 + [Claim.CLAIMED]


def test_a_lane_is_removed_whole_and_no_other(lanes: LaneStore, flow: str) -> None:
    other = flows.unique("flow")
    for one in (flow, other):
        lanes.enter(one, "run-2", "b", NOW)
        send(lanes, one, "run-1", "a")

    lanes.remove(flow)

    assert lanes.get(flow) == Lane()
    assert set(lanes.get(other).entered) == {"run-2"}
