"""What cost and nights are computed from is what is deployed."""

from typing import Any

import pytest

from benchmarks import cost, states
from benchmarks.figures import figures
from benchmarks.night_events import LADDERS
from tests.infra.assembly import Assembly
from tests.infra.test_run_states import retriers


@pytest.fixture(scope="module")
def runs(assembly: Assembly) -> dict[str, Any]:
    return assembly.definition("PipelineRuns")


def test_the_figures_know_the_states_and_the_memory_that_are_deployed(assembly: Assembly, runs: dict[str, Any]) -> None:
    memory = states.memory(assembly)

    assert figures().transitions == len(states.visited(runs))
    assert {name: memory[name] for name in figures().functions.keys() & memory.keys()} == {
        name: figures().memory[name] for name in figures().functions.keys() & memory.keys()
    }


@pytest.mark.parametrize(
    ("step", "error", "outcome"),
    [
        ("Validate", "Lambda.TooManyRequestsException", "throttled"),
        ("Validate", "TransientError", "busy"),
        ("Forward", "Lambda.TooManyRequestsException", "throttled"),
        ("Forward", "TransientError", "refused"),
    ],
)
def test_a_night_repeats_as_the_state_machine_does(runs: dict[str, Any], step: str, error: str, outcome: Any) -> None:
    retrier, ladder = retriers(runs["States"][step])[error], LADDERS[outcome]

    assert (ladder.first, ladder.growth, ladder.times) == (
        retrier["IntervalSeconds"],
        retrier["BackoffRate"],
        retrier["MaxAttempts"],
    )
    assert retrier.get("MaxDelaySeconds", float("inf")) == ladder.longest
    assert (retrier["JitterStrategy"] == "FULL") == ladder.random


def test_the_bill_has_room_for_the_alarms_and_dashboards_that_are_deployed(assembly: Assembly) -> None:
    assert len(assembly.service.all("CloudWatch::Alarm")) <= cost.ALARMS
    assert len(assembly.service.all("CloudWatch::Dashboard")) <= cost.DASHBOARDS
