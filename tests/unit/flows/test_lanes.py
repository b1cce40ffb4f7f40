"""The order of a flow's runs: each waits for its turn, and nobody waits for what is over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from rosterbridge.errors import TransientError
from rosterbridge.flows.lanes import LEASE, OPEN_FOR, is_next, position
from rosterbridge.flows.messages import message
from rosterbridge.flows.models import Lane, Run, RunStatus
from rosterbridge.flows.ports import Claim
from tests.support import flows, rosters
from tests.support.fakes import FakeDelivery, FakeLaneStore
from tests.support.pipeline import Pipeline

GOOD = rosters.zip_bytes(rosters.asm())


def entered(*, hours: float) -> tuple[Pipeline, Run]:
    """Return a pipeline with two runs that were noted, and the second one."""
    pipeline = Pipeline(GOOD)
    second = pipeline.receive(GOOD, hours=hours)
    for run in (pipeline.received, second):
        pipeline.lanes.enter("flow-1", run.id, position(run), flows.AT)
    return pipeline, second


def test_places_are_in_the_order_of_receipt_also_within_a_second_and_over_time_zones() -> None:
    times = [flows.AT + timedelta(microseconds=each) for each in (0, 1, 999_999, 1_000_000)]
    places = [position(flows.run(received_at=at)) for at in times]

    assert places == sorted(places)
    assert len(set(places)) == 4


def test_a_later_run_waits_until_the_earlier_one_is_converted() -> None:
    pipeline, second = entered(hours=1)

    assert pipeline.validate(second).outcome == "waiting"
    assert pipeline.now(second).steps == second.steps  # a wait is no try
    pipeline.validate()
    assert pipeline.validate(second).outcome == "waiting"
    pipeline.convert()
    assert pipeline.validate(second).outcome == "accepted"


def test_an_earlier_run_does_not_wait_for_a_later_one() -> None:
    pipeline, _ = entered(hours=1)

    assert pipeline.validate().outcome == "accepted"


def test_a_rejected_run_keeps_nobody_waiting() -> None:
    pipeline, second = entered(hours=1)
    pipeline.objects.put(pipeline.received.source, b"no zip at all")

    pipeline.validate()

    assert pipeline.validate(second).outcome == "accepted"


def test_a_run_that_ended_without_a_word_keeps_nobody_waiting() -> None:
    pipeline, second = entered(hours=1)
    pipeline.runs.end(pipeline.received.id, status=RunStatus.FAILED, ended_at=flows.AT)

    assert pipeline.validate(second).outcome == "accepted"
    assert set(pipeline.lanes.get("flow-1").entered) == {second.id}


@pytest.mark.parametrize(("late", "goes"), [(timedelta(microseconds=-1), False), (timedelta(0), True)])
def test_a_run_that_is_never_heard_of_again_keeps_others_half_an_hour(late: timedelta, goes: bool) -> None:
    pipeline, second = entered(hours=1)

    assert is_next(second, pipeline.lanes, pipeline.runs, flows.AT + OPEN_FOR + late) is goes


def test_a_run_that_was_noted_and_not_recorded_yet_is_waited_for() -> None:
    pipeline = Pipeline(GOOD)
    pipeline.lanes.enter("flow-1", "not-recorded", "2026-01-01", flows.AT)

    assert pipeline.validate().outcome == "waiting"


def test_an_older_upload_that_comes_after_a_newer_one_was_accepted_is_superseded() -> None:
    pipeline = Pipeline(GOOD)
    newer = pipeline.receive(GOOD, hours=1)
    pipeline.prepare(newer)
    pipeline.validate()

    assert pipeline.convert().outcome == "superseded"

    step = pipeline.step("convert")
    assert (step.outcome, step.code) == ("superseded", "run-overtaken")
    assert pipeline.run.summary == message("run-overtaken")


def test_an_upload_that_waited_for_apple_while_a_newer_one_was_sent_is_superseded() -> None:
    pipeline = Pipeline(GOOD)
    pipeline.prepare()
    pipeline.check()
    pipeline.fail_to_forward(TransientError("asm-unreachable"))
    newer = pipeline.send(GOOD, hours=24)

    assert pipeline.forward().outcome == "superseded"

    assert list(pipeline.delivery.received) == [f"rosterbridge-{newer.id}.zip"]
    assert (pipeline.step("forward").outcome, pipeline.step("forward").code) == ("superseded", "run-overtaken")


def test_while_one_run_is_sent_another_waits() -> None:
    pipeline = Pipeline(GOOD)
    newer = pipeline.receive(GOOD, hours=1)
    for run in (pipeline.received, newer):
        pipeline.prepare(run)
        pipeline.check(run)
    seen: list[str] = []

    class Looks(FakeDelivery):
        def send(self, *arguments: Any) -> dict[str, object]:
            if not seen:
                seen.append("looking")
                seen.append(pipeline.forward(newer).outcome)
            return super().send(*arguments)

    pipeline.delivery = Looks()
    assert pipeline.forward().outcome == "sent"

    assert seen == ["looking", "busy"]
    assert pipeline.now(newer).step("forward") is None  # to wait is no try
    assert pipeline.forward(newer).outcome == "stale"
    assert pipeline.check(newer).decision == "forward"
    assert pipeline.forward(newer).outcome == "sent"


def test_a_delivery_that_fails_lets_others_send_at_once() -> None:
    pipeline = Pipeline(GOOD)
    pipeline.prepare()
    pipeline.check()

    pipeline.fail_to_forward(TransientError("asm-unreachable"))

    assert pipeline.lanes.get("flow-1").holder is None


def test_a_run_that_was_sent_but_died_before_it_said_so_is_not_sent_again() -> None:
    pipeline = Pipeline(GOOD)
    pipeline.prepare()
    pipeline.check()
    assert pipeline.forward().outcome == "sent"

    again = pipeline.forward()

    assert again.outcome == "sent"
    assert len(pipeline.delivery.signed_in_with) == 1
    assert pipeline.run.delivered_to is not None
    assert pipeline.step("forward").outcome == "succeeded"


def test_a_run_whose_lease_was_lost_while_it_sent_finds_out_on_its_next_try() -> None:
    pipeline = Pipeline(GOOD)
    pipeline.prepare()
    pipeline.check()

    class Slow(FakeDelivery):
        def send(self, *arguments: Any) -> dict[str, object]:
            pipeline.lanes._change("flow-1", holder="another")
            return super().send(*arguments)

    pipeline.delivery = Slow()
    with pytest.raises(TransientError, match="lane-lost"):
        pipeline.forward()
    assert pipeline.lanes.get("flow-1").sent is None
    assert pipeline.lanes.get("flow-1").holder == "another"


def test_the_lease_is_longer_than_the_function_may_live() -> None:
    lanes = FakeLaneStore()
    function_lives = timedelta(minutes=10)
    lanes.claim("flow-1", ("a", "run-1"), None, flows.AT, flows.AT + LEASE)

    still = lanes.claim("flow-1", ("b", "run-2"), None, flows.AT + function_lives, flows.AT + LEASE * 2)

    assert still is Claim.BUSY
    assert lanes.get("flow-2") == Lane()
