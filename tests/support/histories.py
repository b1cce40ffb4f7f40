"""Several flows as one world: the real steps over fakes, of which every call may be the last of its process."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from rosterbridge.errors import ConflictError, PermanentError, TransientError
from rosterbridge.flows.broken_uploads import BrokenUploads
from rosterbridge.flows.forwarding import Forwarder, remote_name
from rosterbridge.flows.guarding import Guard
from rosterbridge.flows.hosts import CheckedDelivery, HostCheck
from rosterbridge.flows.lanes import position
from rosterbridge.flows.models import GuardRules, ObjectRef, Run, RunStatus
from rosterbridge.flows.processing import Processor
from rosterbridge.flows.receiving import Receiver, Uploaded
from rosterbridge.flows.upload_limits import LimitCheck
from tests.support import flows, rosters
from tests.support.fake_notices import FakeOutcomes
from tests.support.fake_uploads import LIMITS
from tests.support.fakes import FakeBrokenUploadStore, FakeDelivery, FakeSecretBox, FakeUploadCounter, FakeWaiting
from tests.support.pipeline import PASSWORD
from tests.support.state_machine import Execution, Killed
from tests.support.use_cases import UseCases, resolve

FLOWS = ("flow-1", "flow-2", "flow-3")
HOMES, RUNS = "homes", "runs"
STEP_SECONDS = 2


def asm(students: int) -> bytes:
    """Return a clean package of so many students."""
    files = rosters.asm()
    header = files["students.csv"].splitlines()[0]
    files["students.csv"] = "\n".join([header, *(f"p{each},,Ada,,Lind,,,,,s1," for each in range(students))]) + "\n"
    files["rosters.csv"] = (
        "\n".join(["roster_id,class_id,student_id", *(f"e{n},c1,p{n}" for n in range(students))]) + "\n"
    )
    return rosters.zip_bytes(files)


CONTENTS = {
    **{f"good-{students}": asm(students) for students in (40, 41, 42, 43)},
    "small": asm(9),  # removes most of what was there
    "bad": b"no zip at all",
    "truncated": asm(40)[:-30],
}


class Port:
    """Passes calls on to a fake; before or after one of them its caller may die."""

    def __init__(self, fake: Any, death: Death) -> None:
        self._fake, self._death = fake, death

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._fake, name)
        if not callable(method):
            return method

        def call(*arguments: Any, **named: Any) -> Any:
            return self._death.through(lambda: method(*arguments, **named), name)

        return call


@dataclass
class Death:
    """When the process of a step dies: at which call, before or after its effect; None for never."""

    at: int | None = None
    after: bool = False
    where: str = "Receive"
    calls: int = 0
    points: Counter[str] = field(default_factory=Counter)

    def through(self, call: Callable[[], Any], name: str) -> Any:
        self.calls += 1
        dies = self.at == 0
        if dies and not self.after:
            self._die(f"before {name}")
        result = call()
        if dies:
            self._die(f"after {name}")
        if self.at is not None:
            self.at -= 1
        return result

    def _die(self, point: str) -> None:
        self.points[f"{self.where}: {point}"] += 1
        self.at = None
        raise Killed


class Apple(FakeDelivery):
    """Keeps every whole file in the order in which it came, and fails as it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[tuple[str, bytes]] = []
        self.fault: str | None = None

    def send(self, path: Path, account: Any, password: str, name: str) -> dict[str, object]:
        fault, self.fault = self.fault, None
        if fault == "away":
            raise TransientError("asm-unreachable")
        if fault == "refused":
            raise PermanentError("asm-sign-in-refused")
        if fault == "half":
            self.received[name] = path.read_bytes()[:100]
            raise TransientError("asm-connection-lost")
        answer = super().send(path, account, password, name)
        self.log.append((name, path.read_bytes()))
        if fault == "answer-lost":
            raise TransientError("asm-connection-lost")
        if fault == "killed":
            raise Killed
        return answer


class Resuming(FakeWaiting):
    """Answers executions that wait, as Step Functions does."""

    def __init__(self, executions: Mapping[str, Execution]) -> None:
        super().__init__()
        self._executions = executions

    def resume(self, task_token: str, decision: str) -> None:
        super().resume(task_token, decision)
        for execution in self._executions.values():
            execution.resume(task_token, decision)


class World(UseCases):
    """Accounts with a flow each, everything that runs, and a clock."""

    def __init__(self, definition: Mapping[str, Any]) -> None:
        super().__init__()
        self.definition, self.apple, self.death = definition, Apple(), Death()
        self.executions: dict[str, Execution] = {}
        self.ends: Counter[str] = Counter()
        self.tells: Counter[str] = Counter()
        self.waiting = Resuming(self.executions)
        self.counter, self.broken = FakeUploadCounter(), FakeBrokenUploadStore()
        self.uploads: dict[str, list[Uploaded]] = {flow: [] for flow in FLOWS}
        box = FakeSecretBox()
        secret = box.encrypt(PASSWORD, organization_id=flows.ORGANIZATION)
        self.accounts.put(flows.project(id="project-1"), flows.asm_account(id="asm-1", encrypted_password=secret))
        for number, flow in enumerate(FLOWS):
            account = flows.file_account(id=f"fa-{number}")
            rules = GuardRules(removed_share=1, changed_share=1) if number == 2 else GuardRules()
            self.accounts.put(account, flows.flow(id=flow, file_account_id=account.id, guard=rules))

    def ports(self, *names: str) -> dict[str, Any]:
        return {name: Port(getattr(self, name), self.death) for name in names}

    def clock(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def upload(self, flow: str, content: bytes) -> Uploaded:
        self.wait(minutes=1)
        name = f"home/fa-{FLOWS.index(flow)}/roster.zip"
        ref = self.objects.put(ObjectRef(bucket=HOMES, key=name), content)
        uploaded = Uploaded(ref, len(content), self.now)
        self.uploads[flow].append(uploaded)
        return uploaded

    def receive(self, uploaded: Uploaded) -> None:
        ports = self.ports("accounts", "runs", "objects", "lanes", "workflow")
        known = set(self.workflow.started)
        self.death.where = "Receive"
        with suppress(Killed):
            receiver(ports, self).receive(uploaded)
        for run_id in set(self.workflow.started) - known:
            self.executions[run_id] = self.execution(run_id)

    def execution(self, run_id: str) -> Execution:
        return Execution(
            self.definition,
            run_id,
            functions={
                "Validate": lambda run, _: Processor(**self.steps()).validate(run).model_dump(),
                "Convert": lambda run, _: Processor(**self.steps()).convert(run).model_dump(),
                "Guard": lambda run, _: self.guard().check(run).model_dump(),
                "Hold": lambda run, token: self.guard().hold(run, token or "") or {},
                "Forward": lambda run, _: self.forwarder().forward(run).model_dump(),
            },
            record=self.record,
            tell=lambda run: self.tells.update([run]),
            wait=lambda seconds: self.wait(seconds=seconds),
        )

    def steps(self) -> dict[str, Any]:
        return {**self.ports("accounts", "runs", "objects", "lanes"), "now": self.clock}

    def guard(self) -> Guard:
        return Guard(**self.steps(), waiting=Port(self.waiting, self.death), hold_for=timedelta(days=7))

    def forwarder(self) -> Forwarder:
        return Forwarder(
            **self.steps(),
            waiting=Port(self.waiting, self.death),
            delivery=CheckedDelivery(self.apple, HostCheck(resolve=resolve)),
            secrets=Port(FakeSecretBox(), self.death),
        )

    def record(self, run_id: str, values: Mapping[str, Any]) -> None:
        self.ends[run_id] += 1
        changes = {"status": RunStatus(values[":status"]), "ended_at": self.now}
        self.runs.end(run_id, **changes, error=values.get(":error"))

    def step(self, execution: Execution) -> None:
        self.wait(seconds=STEP_SECONDS)
        self.death.where = execution.state
        execution.step()

    def runs_of(self, flow: str) -> list[Run]:
        return sorted((run for run in self.runs.runs.values() if run.flow_id == flow), key=position)


def receiver(ports: Mapping[str, Any], world: World) -> Receiver:
    return Receiver(
        **ports,
        outcomes=Port(FakeOutcomes(), world.death),
        limits=LimitCheck(Port(world.counter, world.death), LIMITS),
        broken=BrokenUploads(Port(world.broken, world.death), ports["runs"], ports["lanes"]),
        run_bucket=RUNS,
        keep_runs=timedelta(days=400),
        now=world.clock,
    )


def finish(world: World) -> None:
    """Let everything go on that can, in a random order, and approve what is held."""
    chance = random.Random(1)  # noqa: S311 no secret
    for _ in range(20_000):
        open_ones = [execution for execution in world.executions.values() if execution.open]
        waiting = [run for run, execution in world.executions.items() if execution.waiting_for]
        if open_ones:
            world.step(chance.choice(open_ones))
        elif waiting:
            answer(world, chance.choice(waiting), "approve")
        else:
            return
    raise AssertionError("it does not come to an end")


def answer(world: World, run_id: str, word: str) -> None:
    """Approve or reject a held run, or let its time run out."""
    if word == "expire":
        world.executions[run_id].expire()
        return
    decide = world.holds.approve if word == "approve" else world.holds.reject
    with suppress(ConflictError):  # overtaken in the same moment
        decide(flows.caller(), flows.ORGANIZATION, run_id, "Seen.")


def check(world: World, flow: str) -> None:
    """Check what must be true of a flow when everything has ended."""
    runs = world.runs_of(flow)
    assert len(runs) == len(world.uploads[flow])  # none lost, none twice
    for run in runs:
        assert run.status.final, run.status
        assert (world.ends[run.id], world.tells[run.id]) == (1, 1)
    mine = {remote_name(run.id): run for run in runs}
    sent = [(mine[name], content) for name, content in world.apple.log if name in mine]
    if succeeded := [run for run in runs if run.status is RunStatus.SUCCEEDED]:
        last, content = sent[-1]
        assert last.id == succeeded[-1].id
        assert content == world.objects.content(ObjectRef(bucket=RUNS, key=f"runs/{last.id}/result.zip"))
        assert world.apple.received[remote_name(last.id)] == content
    for run in (run for run in runs if run.status is RunStatus.SUPERSEDED):
        assert any(position(other) > position(run) and other.step("convert") for other in runs)
