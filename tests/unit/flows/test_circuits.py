"""What an outage at Apple comes to: one connection now and then, and one line that an alarm counts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from rosterbridge.errors import PermanentError, TransientError
from rosterbridge.flows.circuits import AWAY, PATIENCE, GuardedDelivery
from rosterbridge.flows.delivery_ports import Passage
from rosterbridge.flows.lanes import LEASE
from rosterbridge.flows.models import AsmAccount
from tests.support import flows
from tests.support.fake_circuits import FakeCircuit
from tests.support.fakes import FakeDelivery

APPLE = "apple.example:22"
MINUTE = timedelta(minutes=1)
UNREACHABLE = TransientError("asm-unreachable")


class World:
    """Apple, its circuit, a clock, and what was told."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now = flows.AT
        self.apple, self.circuit = FakeDelivery(), FakeCircuit()
        self.told: list[tuple[str, str]] = []
        self.meanwhile: Callable[[], None] = lambda: None

    def send(self, account: AsmAccount | None = None) -> str:
        """Return how a delivery ended: ``sent``, or the code."""
        guarded = GuardedDelivery(
            self.apple, self.circuit, lambda: self.now, lambda *line: self.told.append(line), self.pause
        )
        try:
            guarded.send(self.path, account or flows.asm_account(), "secret", "name.zip")
        except (TransientError, PermanentError) as error:
            return error.code
        return "sent"

    def pause(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.meanwhile()

    def fail(self, times: int = 3) -> None:
        self.apple.error = UNREACHABLE
        assert [self.send() for _ in range(times)] == ["asm-unreachable"] * times

    @property
    def connections(self) -> int:
        return len(self.apple.signed_in_with)


@pytest.fixture
def world(tmp_path: Path) -> World:
    (tmp_path / "result.zip").write_bytes(b"content")
    return World(tmp_path / "result.zip")


def test_an_outage_that_a_thousand_deliveries_meet_is_told_once_and_costs_three_connections(world: World) -> None:
    world.apple.error = UNREACHABLE

    codes = [world.send() for _ in range(1000)]

    assert codes == ["asm-unreachable"] * 3 + ["asm-circuit-open"] * 997
    assert world.connections == 3
    assert world.told == [("circuit-opened", APPLE)]


def test_what_meets_an_open_circuit_is_transient_so_that_the_ladder_tries_it_again(world: World) -> None:
    world.fail()
    guarded = GuardedDelivery(world.apple, world.circuit, lambda: world.now, lambda *_: None)

    with pytest.raises(TransientError, match=r"^asm-circuit-open$"):
        guarded.send(world.path, flows.asm_account(), "secret", "name.zip")


def test_one_delivery_tries_after_five_minutes_and_opens_the_way_for_all(world: World) -> None:
    world.fail()
    world.apple.error = None
    world.now += 5 * MINUTE - timedelta(seconds=1)
    assert world.send() == "asm-circuit-open"
    world.now += timedelta(seconds=1)

    assert [world.send() for _ in range(3)] == ["sent"] * 3
    assert world.told == [("circuit-opened", APPLE), ("circuit-closed", APPLE)]


def test_while_apple_stays_away_the_wait_doubles_up_to_an_hour_and_nothing_more_is_told(world: World) -> None:
    world.fail()

    for minutes in (5, 10, 20, 40, 60, 60):
        world.now += minutes * MINUTE - timedelta(seconds=1)
        assert world.send() == "asm-circuit-open"
        world.now += timedelta(seconds=1)
        assert world.send() == "asm-unreachable"
    assert world.connections == 3 + 6
    assert world.told == [("circuit-opened", APPLE)]


def test_after_it_has_closed_a_new_outage_is_told_anew_and_waits_five_minutes_again(world: World) -> None:
    world.fail()
    world.now += 5 * MINUTE
    assert world.send() == "asm-unreachable"
    world.now += 10 * MINUTE
    world.apple.error = None
    assert world.send() == "sent"

    world.fail()
    world.now += 5 * MINUTE
    world.apple.error = None
    assert world.send() == "sent"
    assert [code for code, _ in world.told] == ["circuit-opened", "circuit-closed"] * 2


def test_failures_that_lie_far_apart_or_beside_successes_open_nothing(world: World) -> None:
    for _ in range(5):
        world.fail(2)
        world.now += 10 * MINUTE
    world.fail(1)
    world.apple.error = None
    assert world.send() == "sent"
    world.fail(2)

    assert world.told == []


@pytest.mark.parametrize("code", sorted(AWAY))
def test_whatever_shows_that_apple_is_away_counts(world: World, code: str) -> None:
    world.apple.error = TransientError(code)

    assert [world.send() for _ in range(4)] == [code] * 3 + ["asm-circuit-open"]


@pytest.mark.parametrize(
    "error",
    [
        PermanentError("asm-sign-in-refused"),
        PermanentError("asm-host-key-refused"),
        PermanentError("asm-folder-missing"),
        TransientError("asm-storage-refused"),
        TransientError("asm-size-differs"),
    ],
    ids=str,
)
def test_a_refusal_counts_for_nothing_since_whoever_refuses_is_there(world: World, error: PermanentError) -> None:
    world.apple.error = error

    assert {world.send() for _ in range(10)} == {error.code}
    assert world.connections == 10
    assert world.told == []


def test_a_refusal_of_the_one_that_tries_lets_the_others_through(world: World) -> None:
    world.fail()
    world.now += 5 * MINUTE
    world.apple.error = PermanentError("asm-sign-in-refused")
    assert world.send() == "asm-sign-in-refused"

    world.apple.error = None
    assert world.send() == "sent"


def test_one_host_that_is_away_holds_up_no_other(world: World) -> None:
    world.fail()
    world.apple.error = None

    assert world.send(flows.asm_account(host="other.example")) == "sent"
    assert world.send(flows.asm_account(port=2222)) == "sent"
    assert world.send() == "asm-circuit-open"


@pytest.mark.parametrize(("works", "outcome"), [(True, "sent"), (False, "asm-circuit-open")])
def test_who_comes_while_another_tries_waits_for_what_comes_of_it(world: World, works: bool, outcome: str) -> None:
    world.fail()
    world.now += 5 * MINUTE
    assert world.circuit.allows(APPLE, world.now) is Passage.TRIAL
    world.apple.error = None

    def ends() -> None:
        world.circuit.succeeded(APPLE) if works else world.circuit.failed(APPLE, world.now, trial=True)

    world.meanwhile = ends
    assert world.send() == outcome


def test_nobody_waits_for_long(world: World) -> None:
    world.fail()
    world.now += 5 * MINUTE
    assert world.circuit.allows(APPLE, world.now) is Passage.TRIAL
    began = world.now

    assert world.send() == "asm-circuit-open"
    assert world.now == began + PATIENCE


def test_when_the_one_that_tries_dies_another_tries_later(world: World) -> None:
    world.fail()
    world.now += 5 * MINUTE
    assert world.circuit.allows(APPLE, world.now) is Passage.TRIAL
    world.apple.error = None

    world.now += LEASE
    assert world.send() == "sent"


def test_a_delivery_that_was_under_way_when_the_circuit_opened_neither_prolongs_it_nor_is_told(world: World) -> None:
    world.fail()
    assert not world.circuit.failed(APPLE, world.now + 4 * MINUTE, trial=False)

    world.now += 5 * MINUTE
    world.apple.error = None
    assert world.send() == "sent"


@pytest.mark.parametrize("error", [TransientError("aws-unreachable"), PermanentError("aws-refused")])
def test_when_the_circuits_cannot_be_read_or_written_the_file_is_sent_all_the_same(
    world: World, error: TransientError
) -> None:
    world.fail()
    world.circuit.error = error
    world.apple.error = None
    assert world.send() == "sent"

    world.apple.error = UNREACHABLE
    assert world.send() == "asm-unreachable"


def test_a_probe_asks_no_circuit_and_counts_for_none(world: World) -> None:
    world.fail()
    guarded = GuardedDelivery(world.apple, world.circuit, lambda: world.now, lambda *_: None)
    before = dict(world.circuit.states)

    assert guarded.probe(flows.asm_account(), "secret").code == "asm-unreachable"
    world.apple.error = None
    assert guarded.probe(flows.asm_account(), "secret").reached
    assert world.circuit.states == before


def test_an_error_that_is_none_of_ours_is_let_through(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.apple.error = ValueError("unforeseen")
    guarded = GuardedDelivery(world.apple, world.circuit, _now, lambda *_: None)

    with pytest.raises(ValueError, match="unforeseen"):
        guarded.send(world.path, flows.asm_account(), "secret", "name.zip")


def _now() -> datetime:
    return flows.AT
