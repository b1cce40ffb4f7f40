"""The circuit in DynamoDB against a plain model of it, with two processes that get in each other's way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from moto import mock_aws

from rosterbridge.adapters.clients import client
from rosterbridge.adapters.dynamodb_circuits import DynamoCircuit
from rosterbridge.flows.circuits import CircuitRules, CircuitState
from rosterbridge.flows.delivery_ports import Passage
from rosterbridge.flows.lanes import LEASE
from tests.support import flows
from tests.support.examples import examples

RULES = CircuitRules()
MINUTE = timedelta(minutes=1)
WHO = st.sampled_from([0, 1])


class Interrupted(DynamoCircuit):
    """A process whose next write comes after what another does."""

    def __init__(self) -> None:
        super().__init__("accounts", RULES)
        self.meanwhile: Callable[[], object] | None = None

    def _write(self, host: str, state: CircuitState, mark: str | None) -> None:
        other, self.meanwhile = self.meanwhile, None
        if other:
            other()
        super()._write(host, state, mark)


class Model:
    """What has to be known of a host, in the simplest words: minutes, and who tries."""

    def __init__(self) -> None:
        self.failures: list[float] = []
        self.open_at: float | None = None
        self.minutes = 0.0
        self.tries_until: float | None = None

    def allows(self, now: float) -> Passage:
        if self.open_at is None:
            return Passage.FREE
        if now < self.open_at + self.minutes:
            return Passage.BARRED
        if self.tries_until is not None and now < self.tries_until:
            return Passage.AWAITED
        self.tries_until = now + LEASE / MINUTE
        return Passage.TRIAL

    def failed(self, now: float, *, trial: bool) -> bool:
        if self.open_at is not None:
            if trial:
                self.open_at, self.minutes, self.tries_until = now, min(2 * self.minutes, 60), None
            return False
        self.failures.append(now)
        if sum(at > now - 10 for at in self.failures) < 3:
            return False
        self.open_at, self.minutes, self.tries_until = now, 5, None
        return True

    def succeeded(self) -> bool:
        closed = self.open_at is not None
        self.__init__()  # type: ignore[misc]
        return closed


class Circuits(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.host = f"{flows.unique('apple')}:22"
        self.processes = [Interrupted(), Interrupted()]
        self.model, self.minute, self.trying = Model(), 0, False

    @property
    def now(self) -> datetime:
        return flows.AT + self.minute * MINUTE

    @rule(minutes=st.sampled_from([1, 2, 4, 5, 10, 12, 30, 60]))
    def wait(self, minutes: int) -> None:
        self.minute += minutes

    @rule(who=WHO)
    def ask(self, who: int) -> None:
        expected = self.model.allows(self.minute)
        assert self.processes[who].allows(self.host, self.now) is expected
        self.trying = self.trying or expected is Passage.TRIAL

    @rule(who=WHO)
    def both_ask_at_once(self, who: int) -> None:
        first, second = self.processes[who], self.processes[1 - who]
        answers: list[Passage] = []
        first.meanwhile = lambda: answers.append(second.allows(self.host, self.now))
        answers.append(first.allows(self.host, self.now))
        if first.meanwhile is not None:  # there was nothing to write
            first.meanwhile = None
            answers.append(second.allows(self.host, self.now))

        assert sorted(answers) == sorted(self.model.allows(self.minute) for _ in range(2))
        assert answers.count(Passage.TRIAL) <= 1
        self.trying = self.trying or Passage.TRIAL in answers

    @rule(who=WHO)
    def fail(self, who: int) -> None:
        assert self.processes[who].failed(self.host, self.now, trial=False) == self.model.failed(
            self.minute, trial=False
        )

    @rule(who=WHO)
    def both_fail_at_once(self, who: int) -> None:
        first, second = self.processes[who], self.processes[1 - who]
        opened: list[bool] = []
        first.meanwhile = lambda: opened.append(second.failed(self.host, self.now, trial=False))
        opened.append(first.failed(self.host, self.now, trial=False))
        if first.meanwhile is not None:
            first.meanwhile = None
            opened.append(second.failed(self.host, self.now, trial=False))

        assert sum(opened) == sum(self.model.failed(self.minute, trial=False) for _ in range(2))

    @precondition(lambda self: self.trying)
    @rule(who=WHO)
    def fail_to_try(self, who: int) -> None:
        self.trying = False
        assert self.processes[who].failed(self.host, self.now, trial=True) == self.model.failed(self.minute, trial=True)

    @rule(who=WHO)
    def succeed(self, who: int) -> None:
        self.trying = False
        assert self.processes[who].succeeded(self.host) == self.model.succeeded()

    @invariant()
    def nothing_is_kept_of_a_host_of_which_nothing_is_to_tell(self) -> None:
        kept = client("dynamodb").get_item(
            TableName="accounts", Key={"pk": {"S": f"circuit#{self.host}"}, "sk": {"S": "circuit"}}
        )
        assert ("Item" in kept) == bool(self.model.failures or self.model.open_at is not None)


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    client.cache_clear()
    with mock_aws():
        found = client("dynamodb")
        found.create_table(
            TableName="accounts",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        )
        yield found
    client.cache_clear()


def test_the_circuit_does_what_the_plain_model_does(dynamodb: Any) -> None:
    run_state_machine_as_test(
        Circuits, settings=settings(max_examples=examples(10), stateful_step_count=25, deadline=None)
    )


def test_what_is_known_of_a_host_expires_by_itself(dynamodb: Any) -> None:
    DynamoCircuit("accounts", RULES).failed("apple.example:22", flows.AT, trial=False)

    (item,) = dynamodb.scan(TableName="accounts")["Items"]
    assert (item["pk"], item["sk"]) == ({"S": "circuit#apple.example:22"}, {"S": "circuit"})
    assert "N" in item["expires_at"]
