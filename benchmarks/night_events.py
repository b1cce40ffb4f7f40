"""A night of uploads as discrete events: how long each function takes, and what quotas and Apple make of it."""

from __future__ import annotations

import heapq
import random
from collections import Counter, deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Literal

from benchmarks.durations import STATE_SECONDS, apple_seconds, client_seconds, seconds
from benchmarks.figures import Figures
from benchmarks.night_limits import Bucket, Quotas
from rosterbridge.flows.circuits import CircuitRules, CircuitState, admitted, after_failure
from rosterbridge.flows.delivery_ports import Passage

TWO = datetime(2026, 10, 1, 2, tzinfo=UTC)
NOTICE_SECONDS = 1.0  # until S3's notice is in the queue
BATCH, MOST_RECEIVES, BACK_SECONDS = 10, 5, 720.0  # of the queue: a message that failed comes back after that
SDK_SECONDS = 4.0  # for how long boto3 repeats a throttled request
TURNED_AWAY_SECONDS = 60.0  # after which a client that could not sign in tries again
STEPS = ("validate", "convert", "guard")

Outcome = Literal["done", "throttled", "busy", "refused"]
Process = Generator[float, None, Outcome]


@dataclass(frozen=True)
class Ladder:
    """The waits of a state that is tried again, as in ``infra.run_states``; ``random`` shortens each by chance."""

    first: float
    growth: float
    times: int
    longest: float = float("inf")
    random: bool = False

    def wait(self, number: int, chance: random.Random) -> float | None:
        """Return the wait before a repeat, counted from 0; None after the last one."""
        if number >= self.times:
            return None
        wait = min(self.longest, self.first * self.growth ** min(number, 30))
        return chance.uniform(0, wait) if self.random else wait


# What follows on a call that Lambda throttled, a step that failed for a while, and a delivery that failed
LADDERS: dict[Outcome, Ladder] = {
    "throttled": Ladder(2, 2, 300, longest=60, random=True),
    "busy": Ladder(5, 3, 3),
    "refused": Ladder(120, 4, 5),
}


@dataclass
class Upload:
    """One district's upload; times are seconds after two o'clock, ``failed`` says why it was not delivered."""

    pupils: float
    arrives: float
    closed: float | None = None
    delivered: float | None = None
    failed: str | None = None
    received: int = 0


@dataclass
class Met:
    """How often a limit made somebody wait or come again, and when it did so first."""

    times: Counter[str] = field(default_factory=Counter)
    first: dict[str, float] = field(default_factory=dict)

    def note(self, limit: str, now: float) -> None:
        """Count it."""
        self.times[limit] += 1
        self.first.setdefault(limit, now)


class Night:
    """Runs the uploads of a night to their ends."""

    def __init__(self, uploads: Sequence[Upload], figures: Figures, quotas: Quotas, seed: int = 1) -> None:
        self.uploads, self.met = uploads, Met()
        self.now = 0.0
        self.peaks: Counter[str] = Counter()
        self.buckets = {
            "StartExecution": Bucket(quotas.starts),
            "state transitions": Bucket(quotas.transitions),
            **{f"writes to {table}": Bucket(quotas.writes) for table in ("Accounts", "Runs")},
            **{f"scaling of {name}": Bucket(quotas.scaling) for name in figures.memory},
        }
        self._figures, self._quotas = figures, quotas
        self._random = random.Random(seed)  # noqa: S311 no secret
        self._heap: list[tuple[float, int, Generator[float, None, object]]] = []
        self._order = count()
        self._running, self._sending, self._idle = 0, 0, Counter[str]()
        self._apple, self._circuit = 0, CircuitState()
        self._queue: deque[Upload] = deque()
        self._polling, self._busy_since, self._watching = 0, 0.0, False

    def run(self) -> Night:
        """Let time pass until nothing is left to be done."""
        for upload in self.uploads:
            self._start(self._school(upload), upload.arrives)
        while self._heap:
            self.now, _, process = heapq.heappop(self._heap)
            wait = next(process, None)
            if wait is not None:
                self._start(process, self.now + wait)
        return self

    def _start(self, process: Generator[float, None, object], at: float) -> None:
        heapq.heappush(self._heap, (at, next(self._order), process))

    def _take(self, limit: str, tokens: float = 1, patience: float = float("inf")) -> float | None:
        """Return for how long a quota makes one wait, or None if that is too long."""
        wait = self.buckets[limit].take(self.now, tokens, patience)
        if wait != 0:
            self.met.note(limit, self.now)
        return wait

    def _peak(self, name: str, value: int) -> None:
        self.peaks[name] = max(self.peaks[name], value)

    # -- upload, queue, receive --------------------------------------------------------------------------------------

    def _school(self, upload: Upload) -> Generator[float, None, None]:
        """Sign in, upload, and leave the notice in the queue."""
        while (yield from self._call("authenticate", upload)) != "done":
            yield TURNED_AWAY_SECONDS
        yield client_seconds(self._figures, upload.pupils)
        upload.closed = self.now
        yield NOTICE_SECONDS
        self._arrive(upload)

    def _arrive(self, upload: Upload) -> None:
        if not self._queue and not self._polling:
            self._busy_since = self.now
        self._queue.append(upload)
        self._poll()

    def _poll(self) -> None:
        """Let as many batches be received as Lambda's pollers do by now; look again while some are left."""
        quotas = self._quotas
        grown = quotas.pollers + (self.now - self._busy_since) * quotas.pollers_a_second
        while self._queue and self._polling < int(min(quotas.most_pollers, grown)):
            self._polling += 1
            self._peak("pollers", self._polling)
            batch = [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]
            self._start(self._receive(batch), self.now)
        if self._queue:
            self.met.note("pollers", self.now)
            if not self._watching:
                self._watching = True
                self._start(self._look_again(), self.now + 1)

    def _look_again(self) -> Generator[float, None, None]:
        self._watching = False
        self._poll()
        yield from ()

    def _receive(self, batch: list[Upload]) -> Generator[float, None, None]:
        """Start the executions of a batch; a message that failed comes back alone, and at last is a dead letter."""
        others = sum(seconds(self._figures, "receive", upload.pupils, cold=False) for upload in batch[1:])

        def start() -> Process:
            yield others
            for upload in batch:
                wait = self._take("StartExecution", patience=SDK_SECONDS)
                yield SDK_SECONDS if wait is None else wait
                if wait is None:
                    self._start(self._come_back(upload), self.now)
                else:
                    self._start(self._execution(upload), self.now)
            return "done"

        while (outcome := (yield from self._call("receive", batch[0], start, times=len(batch)))) == "throttled":
            yield 1.0  # the pollers wait while the function is throttled
        if outcome == "busy":
            for upload in batch:
                self._start(self._come_back(upload), self.now)
        self._polling -= 1
        self._poll()

    def _come_back(self, upload: Upload) -> Generator[float, None, None]:
        upload.received += 1
        if upload.received >= MOST_RECEIVES:
            upload.failed = "a dead letter"
            return
        yield BACK_SECONDS
        self._arrive(upload)

    # -- functions ---------------------------------------------------------------------------------------------------

    def _call(self, name: str, upload: Upload, work: Callable[[], Process] | None = None, *, times: int = 1) -> Process:
        """Run a function, and within it some work; ``times`` is for how many messages it writes."""
        if self._running >= self._quotas.concurrency:
            self.met.note("Lambda concurrency", self.now)
            return "throttled"
        if name == "forward" and self._quotas.forward is not None and self._sending >= self._quotas.forward:
            return "throttled"
        cold = not self._idle[name]
        if cold and self._take(f"scaling of {name}", patience=0) is None:
            return "throttled"
        self._idle[name] -= not cold
        self._running += 1
        self._sending += name == "forward"
        self._peak("functions", self._running)
        took = seconds(self._figures, name, upload.pupils, cold=cold)
        yield took - (apple_seconds(self._figures, upload.pupils) if name == "forward" else 0)
        outcome = yield from self._written(name, times)
        if outcome == "done" and work:
            outcome = yield from work()
        self._running -= 1
        self._sending -= name == "forward"
        self._idle[name] += 1
        return outcome

    def _written(self, name: str, times: int) -> Process:
        """Wait for DynamoDB, as long as boto3 does."""
        for table, units in self._figures.functions[name]["write_units"].items():
            if table != "indexes":
                wait = self._take(f"writes to {table}", units * times, SDK_SECONDS)
                yield SDK_SECONDS if wait is None else wait
                if wait is None:
                    return "busy"
        return "done"

    # -- an execution ------------------------------------------------------------------------------------------------

    def _execution(self, upload: Upload) -> Generator[float, None, None]:
        for name in STEPS:
            yield self._entered()
            if not (yield from self._step(name, upload)):
                return
            yield self._entered()
        yield self._entered()
        if not (yield from self._step("forward", upload, lambda: self._send(upload))):
            return
        for _ in range(self._figures.transitions - 2 * len(STEPS) - 1):
            yield self._entered()
        yield from self._call("notify", upload)

    def _entered(self) -> float:
        return STATE_SECONDS + (self._take("state transitions") or 0)

    def _step(
        self, name: str, upload: Upload, work: Callable[[], Process] | None = None
    ) -> Generator[float, None, bool]:
        """Call a step's function, and again by the ladder of what went wrong."""
        tried: Counter[Outcome] = Counter()
        while (outcome := (yield from self._call(name, upload, work))) != "done":
            ladder = "refused" if name == "forward" and outcome == "busy" else outcome
            wait = LADDERS[ladder].wait(tried[ladder], self._random)
            tried[ladder] += 1
            if wait is None:
                upload.failed = outcome
                return False
            yield wait
        return True

    def _send(self, upload: Upload) -> Process:
        """Send while the host's circuit lets it and Apple takes the connection."""
        until = self.now + 60
        while True:
            passage, self._circuit = admitted(self._circuit, self._time)
            if passage is not Passage.AWAITED or self.now >= until:
                break
            yield 1.0
        if passage in {Passage.AWAITED, Passage.BARRED}:
            self.met.note("circuit", self.now)
            return "refused"
        if self._quotas.apple is not None and self._apple >= self._quotas.apple:
            self.met.note("Apple", self.now)
            trial = passage is Passage.TRIAL
            self._circuit = after_failure(self._circuit, self._time, CircuitRules(), trial=trial)
            return "refused"
        self._apple += 1
        self._peak("Apple", self._apple)
        yield apple_seconds(self._figures, upload.pupils)
        self._apple -= 1
        self._circuit = CircuitState()
        upload.delivered = self.now
        return "done"

    @property
    def _time(self) -> datetime:
        return TWO + timedelta(seconds=self.now)
