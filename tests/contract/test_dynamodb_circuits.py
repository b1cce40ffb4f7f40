"""The circuits of hosts: the fake decides what DynamoDB decides, also for many at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from local.clients import environment
from rosterbridge.adapters.dynamodb_circuits import DynamoCircuit
from rosterbridge.flows.circuits import CircuitRules
from rosterbridge.flows.delivery_ports import Circuit, Passage
from rosterbridge.flows.lanes import LEASE
from tests.support import flows
from tests.support.fake_circuits import FakeCircuit
from tests.support.stack import StackUnderTest

RULES = CircuitRules()
OPEN = flows.AT + RULES.open_for
MANY = 12


@pytest.fixture(params=["fake", "dynamodb"])
def circuit(request: pytest.FixtureRequest) -> Circuit:
    if request.param == "fake":
        return FakeCircuit(RULES)
    stack: StackUnderTest = request.getfixturevalue("stack")
    with environment(stack.endpoint, stack.region):
        return DynamoCircuit(stack.outputs["AccountTable"], RULES)


@pytest.fixture
def host() -> str:
    return f"{flows.unique('apple')}.example:22"


def test_three_failures_open_it_and_a_success_closes_it(circuit: Circuit, host: str) -> None:
    assert circuit.allows(host, flows.AT) is Passage.FREE
    assert [circuit.failed(host, flows.AT, trial=False) for _ in range(4)] == [False, False, True, False]

    assert circuit.allows(host, OPEN - timedelta(seconds=1)) is Passage.BARRED
    assert [circuit.allows(host, OPEN) for _ in range(2)] == [Passage.TRIAL, Passage.AWAITED]
    assert [circuit.succeeded(host) for _ in range(2)] == [True, False]
    assert circuit.allows(host, OPEN) is Passage.FREE


def test_a_trial_that_fails_opens_it_for_twice_as_long(circuit: Circuit, host: str) -> None:
    for _ in range(3):
        circuit.failed(host, flows.AT, trial=False)
    circuit.allows(host, OPEN)

    assert not circuit.failed(host, OPEN, trial=True)
    assert circuit.allows(host, OPEN + 2 * RULES.open_for - timedelta(seconds=1)) is Passage.BARRED
    assert circuit.allows(host, OPEN + 2 * RULES.open_for) is Passage.TRIAL
    assert circuit.allows(host, OPEN + 2 * RULES.open_for + LEASE) is Passage.TRIAL  # the one before has died


def test_of_many_failures_at_once_one_opens_it(circuit: Circuit, host: str) -> None:
    with ThreadPoolExecutor(MANY) as pool:
        opened = list(pool.map(lambda _: circuit.failed(host, flows.AT, trial=False), range(MANY)))

    assert sorted(opened) == [False] * (MANY - 1) + [True]


def test_of_many_that_ask_at_once_one_may_try(circuit: Circuit, host: str) -> None:
    for _ in range(3):
        circuit.failed(host, flows.AT, trial=False)
    with ThreadPoolExecutor(MANY) as pool:
        passages = list(pool.map(lambda _: circuit.allows(host, OPEN), range(MANY)))

    assert sorted(passages) == [Passage.AWAITED] * (MANY - 1) + [Passage.TRIAL]
