"""Random histories of several flows: nothing is lost, nothing is sent twice over, nothing older after a newer one.

The runs' state machine is the deployed one's definition; the steps are the real ones over fakes, and every call of
theirs to anything outside may be the last thing that their process does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, precondition, rule

import rosterbridge.roster
from rosterbridge.flows.forwarding import remote_name
from rosterbridge.flows.lanes import position
from rosterbridge.flows.receiving import Uploaded
from rosterbridge.roster import comparison
from tests.support.examples import examples
from tests.support.histories import CONTENTS, FLOWS, World, answer, check, finish

HISTORIES = examples(60)


class Histories(RuleBasedStateMachine):
    """What may happen, in any order."""

    definition: ClassVar[Mapping[str, Any]] = {}
    points: ClassVar[Counter[str]] = Counter()
    outcomes: ClassVar[Counter[str]] = Counter()
    events = Bundle("events")

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.definition)

    @rule(
        target=events, flow=st.sampled_from(FLOWS), content=st.sampled_from(sorted(CONTENTS)), times=st.integers(0, 3)
    )
    def upload(self, flow: str, content: str, times: int) -> tuple[Uploaded, int]:
        return self.world.upload(flow, CONTENTS[content]), times

    @rule(event=consumes(events), target=events)
    def deliver(self, event: tuple[Uploaded, int]) -> tuple[Uploaded, int]:
        uploaded, times = event
        if times:
            self.world.receive(uploaded)
        return uploaded, max(0, times - 1)

    @precondition(lambda self: any(execution.open for execution in self.world.executions.values()))
    @rule(data=st.data(), states=st.integers(1, 20))
    def go_on(self, data: st.DataObject, states: int) -> None:
        open_ones = sorted(run for run, execution in self.world.executions.items() if execution.open)
        execution = self.world.executions[data.draw(st.sampled_from(open_ones))]
        for _ in range(states):
            if execution.open:
                self.world.step(execution)

    @rule(at=st.integers(0, 25), after=st.booleans())
    def kill_somebody(self, at: int, after: bool) -> None:
        self.world.death.at, self.world.death.after = at, after

    @rule(fault=st.sampled_from(["away", "half", "answer-lost", "killed", "refused"]))
    def fail_at_apple(self, fault: str) -> None:
        self.world.apple.fault = fault

    @rule(hours=st.integers(1, 48))
    def let_time_pass(self, hours: int) -> None:
        self.world.wait(hours=hours)

    @precondition(lambda self: any(execution.waiting_for for execution in self.world.executions.values()))
    @rule(data=st.data(), word=st.sampled_from(["approve", "reject", "expire"]))
    def decide(self, data: st.DataObject, word: str) -> None:
        waiting = sorted(run for run, execution in self.world.executions.items() if execution.waiting_for)
        answer(self.world, data.draw(st.sampled_from(waiting)), word)

    @invariant()
    def apple_never_gets_an_older_one_after_a_newer_one(self) -> None:
        for flow in FLOWS:
            places = {remote_name(run.id): position(run) for run in self.world.runs_of(flow)}
            sent = [places[name] for name, _ in self.world.apple.log if name in places]
            assert sent == sorted(sent)

    def teardown(self) -> None:
        self.world.death.at, self.world.apple.fault = None, None
        for uploaded in (one for ones in self.world.uploads.values() for one in ones):
            self.world.receive(uploaded)  # its queue repeats a notice until it is handled
        finish(self.world)
        for flow in FLOWS:
            check(self.world, flow)
        Histories.points.update(self.world.death.points)
        Histories.outcomes.update(run.status.value for run in self.world.runs.runs.values())


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the roster rules look at each content once: what they find is the same each time."""
    real_validate, real_convert = rosterbridge.roster.validate, rosterbridge.roster.convert
    real_fingerprints = comparison.fingerprints
    known: dict[tuple[str, bytes], Any] = {}

    def validate(source: Path, options: Any, *, as_of: Any) -> Any:
        key = ("validate", source.read_bytes())
        if key not in known:
            known[key] = real_validate(source, options, as_of=as_of)
        return known[key]

    def convert(source: Path, target: Path, options: Any, *, provenance: Path, **how: Any) -> Any:
        key = ("convert", source.read_bytes())
        if key not in known:
            report = real_convert(source, target, options, provenance=provenance, **how)
            written = [path.read_bytes() if path.exists() else None for path in (target, provenance)]
            known[key] = (report, written)
        report, written = known[key]
        for path, content in zip((target, provenance), written, strict=True):
            if content is not None:
                path.write_bytes(content)
        return report

    def fingerprints(path: Path) -> Any:
        key = ("fingerprints", path.read_bytes())
        if key not in known:
            known[key] = real_fingerprints(path)
        return known[key]

    monkeypatch.setattr(rosterbridge.roster, "validate", validate)
    monkeypatch.setattr(rosterbridge.roster, "convert", convert)
    monkeypatch.setattr(comparison, "fingerprints", fingerprints)


@pytest.mark.usefixtures("_quick")
def test_random_histories_end_well(definition: Mapping[str, Any]) -> None:
    Histories.definition = definition
    Histories.points.clear()
    Histories.outcomes.clear()

    Histories.TestCase.settings = settings(
        max_examples=HISTORIES, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
    )
    Histories.TestCase("runTest").runTest()

    assert len(Histories.points) >= HISTORIES // 15, Histories.points
    assert set(Histories.outcomes) >= {"succeeded", "rejected", "superseded"}  # and "failed" in some of many


@pytest.mark.usefixtures("_quick")
def test_a_process_may_die_at_any_point_of_any_step(definition: Mapping[str, Any]) -> None:
    quiet = World(definition)
    play(quiet)
    points: Counter[str] = Counter()

    for at in range(quiet.death.calls):
        for after in (False, True):
            world = World(definition)
            world.death.at, world.death.after = at, after
            play(world)
            points.update(world.death.points)

    assert sum(points.values()) == 2 * quiet.death.calls
    assert {point.partition(":")[0] for point in points} == {
        "Receive",
        "Validate",
        "Convert",
        "Guard",
        "Hold",
        "Forward",
    }
    assert len(points) >= 70, points


def play(world: World) -> None:
    """Upload a good file and one that is held and approved; both reach Apple, in their order, once each in effect."""
    for content in ("good-40", "small"):
        uploaded = world.upload("flow-1", CONTENTS[content])
        for _ in range(2):  # its queue repeats a notice until it is handled, and once more
            world.receive(uploaded)
        finish(world)
    check(world, "flow-1")
    assert [run.status.value for run in world.runs_of("flow-1")] == ["succeeded", "succeeded"]
    names = [name for name, _ in world.apple.log]
    assert list(dict.fromkeys(names)) == [remote_name(run.id) for run in world.runs_of("flow-1")]
