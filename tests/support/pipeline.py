"""A run on its way through the steps, over fakes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest

from rosterbridge.errors import RosterbridgeError
from rosterbridge.flows.forwarding import Forwarder, Forwarding
from rosterbridge.flows.guarding import Guard, Guarding
from rosterbridge.flows.hosts import CheckedDelivery, HostCheck
from rosterbridge.flows.models import ObjectRef, Run, Step, StepName
from rosterbridge.flows.processing import Conversion, Processor, Validation
from rosterbridge.flows.run_files import with_data
from tests.support import flows, rosters
from tests.support.fakes import (
    FakeAccountStore,
    FakeDelivery,
    FakeLaneStore,
    FakeObjectStore,
    FakeRunStore,
    FakeSecretBox,
    FakeWaiting,
)
from tests.support.use_cases import resolve

PASSWORD = "apple-secret"
HOSTS = HostCheck(resolve=resolve)
GOOD = rosters.zip_bytes(rosters.oneroster_1_1())
HOLD = timedelta(days=7)


def clock() -> Iterator[datetime]:
    """Every look at the clock is a second later."""
    return (flows.AT + timedelta(seconds=seconds) for seconds in count(1))


class Pipeline:
    """The steps over fakes, with one flow and one received run, which is meant where no other is named."""

    def __init__(self, content: bytes = GOOD, *, save_data: bool = False, **changes: Any) -> None:
        self.accounts, self.runs, self.objects = FakeAccountStore(), FakeRunStore(), FakeObjectStore()
        self.lanes, self.waiting = FakeLaneStore(), FakeWaiting()
        self.box, self.delivery = FakeSecretBox(), FakeDelivery()
        self.encrypted = self.box.encrypt(PASSWORD, organization_id=flows.ORGANIZATION)
        self.accounts.put(
            flows.project(id="project-1", save_data=save_data),
            flows.asm_account(id="asm-1", encrypted_password=self.encrypted),
            flows.flow(id="flow-1", **changes),
        )
        self._clock = clock()
        self.received = self.receive(content)

    def receive(self, content: bytes, *, hours: float = 0) -> Run:
        """Return a new run, received some hours after the first one."""
        number = len(self.runs.runs)
        identity = {} if not number else {"id": f"{number:032x}"}
        run = flows.run(received_at=flows.AT + timedelta(hours=hours), **identity)
        if number:
            run = run.model_copy(update={"source": ObjectRef(bucket="runs", key=f"runs/{run.id}/source.zip")})
        self.objects.put(run.source, content)
        return self.runs.create(run)

    def ports(self, **changes: Any) -> dict[str, Any]:
        names = ("accounts", "runs", "objects", "lanes")
        return {**{name: getattr(self, name) for name in names}, "now": lambda: next(self._clock), **changes}

    def processor(self, **changes: Any) -> Processor:
        return Processor(**self.ports(**changes))

    def validate(self, run: Run | None = None) -> Validation:
        return self.processor().validate((run or self.received).id)

    def convert(self, run: Run | None = None) -> Conversion:
        return self.processor().convert((run or self.received).id)

    def check(self, run: Run | None = None, **changes: Any) -> Guarding:
        return self.guard(**changes).check((run or self.received).id)

    def guard(self, **changes: Any) -> Guard:
        return Guard(**self.ports(**changes), waiting=self.waiting, hold_for=HOLD)

    def forward(self, run: Run | None = None, **changes: Any) -> Forwarding:
        forwarder = Forwarder(
            **self.ports(**changes),
            waiting=self.waiting,
            delivery=CheckedDelivery(self.delivery, HOSTS),
            secrets=self.box,
        )
        return forwarder.forward((run or self.received).id)

    def send(self, content: bytes, *, hours: float) -> Run:
        """Return a run that has gone all the way."""
        run = self.receive(content, hours=hours)
        self.prepare(run)
        assert self.check(run).decision == "forward"
        assert self.forward(run).outcome == "sent"
        return self.now(run)

    def prepare(self, run: Run | None = None) -> None:
        """Validate and convert."""
        assert self.validate(run).outcome == "accepted"
        assert self.convert(run).outcome == "converted"

    def now(self, run: Run) -> Run:
        """Return the run as it is by now."""
        found = self.runs.get(run.id)
        assert found is not None
        return found

    def lose(self, kind: type[Any], identity: str) -> None:
        """Remove a thing, whatever needs it."""
        self.accounts._things.pop((kind, flows.ORGANIZATION, identity))

    def fail_to_forward(self, error: RosterbridgeError) -> None:
        self.delivery.error = error
        with pytest.raises(type(error)) as failed:
            self.forward()
        assert failed.value.code == error.code
        self.delivery.error = None

    @property
    def run(self) -> Run:
        return self.now(self.received)

    def step(self, name: StepName) -> Step:
        step = self.run.step(name)
        assert step is not None
        return step

    def shown(self, name: StepName) -> Step:
        """Return the step with what is saved of it."""
        step = with_data(self.objects, self.run).step(name)
        assert step is not None
        return step

    def place(self, name: str) -> ObjectRef:
        return ObjectRef(bucket="runs", key=f"runs/{self.received.id}/{name}")


def converted(**options: Any) -> Pipeline:
    """Return a pipeline whose run waits to be sent."""
    pipeline = Pipeline(**options)
    pipeline.prepare()
    pipeline.check()
    return pipeline
