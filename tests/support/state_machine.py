"""Runs a state machine's own definition, one state at a time, so that a test decides what happens in between.

As much of Amazon's States Language as the runs' machine uses; what it does not know, it refuses.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from rosterbridge.errors import RosterbridgeError, at_boundary

# (run id, task token) -> what the function answers
Function = Callable[[str, str | None], Mapping[str, Any]]


class Killed(BaseException):
    """The process of a function died here."""


class FaultError(Exception):
    """A task failed under this name."""

    def __init__(self, name: str, cause: str = "") -> None:
        super().__init__(name)
        self.name, self.cause = name, cause


class Execution:
    """One run of the machine; ``wait`` is told how many seconds the machine waits, ``record`` writes a run's end."""

    def __init__(
        self,
        definition: Mapping[str, Any],
        run_id: str,
        *,
        functions: Mapping[str, Function],
        record: Callable[[str, Mapping[str, Any]], None],
        tell: Callable[[str], None],
        wait: Callable[[float], None],
    ) -> None:
        self._states = definition["States"]
        self._functions, self._record, self._tell, self._wait = functions, record, tell, wait
        self._tries: Counter[tuple[str, ...]] = Counter()
        self.data: dict[str, Any] = {"run_id": run_id}
        self.run_id = run_id
        self.state: str = definition["StartAt"]
        self.waiting_for: str | None = None
        self.ended: str | None = None
        self.visited: list[str] = []

    @property
    def open(self) -> bool:
        """Whether it can go on by itself."""
        return self.ended is None and self.waiting_for is None

    def step(self) -> None:
        """Do what the current state says."""
        state = self._states[self.state]
        self.visited.append(self.state)
        kind = state["Type"]
        if kind in {"Succeed", "Fail"}:
            self.ended = kind
        elif kind == "Wait":
            self._wait(state["Seconds"])
            self.state = state["Next"]
        elif kind == "Choice":
            self.state = self._chosen(state)
        elif kind == "Pass":
            self.data = {name: self._value(value) for name, value in state["Parameters"].items()}
            self.data = {name.removesuffix(".$"): value for name, value in self.data.items()}
            self.state = state["Next"]
        else:
            self._task(state)

    def resume(self, token: str, decision: str) -> None:
        """Answer the task that waits with this token; another token is passed over."""
        if self.waiting_for == token:
            self.waiting_for = None
            self._done(self._states[self.state], {"decision": decision})

    def expire(self) -> None:
        """Let the time of the waiting task run out."""
        self.waiting_for = None
        self._failed(self._states[self.state], FaultError("States.Timeout"))

    def _chosen(self, state: Mapping[str, Any]) -> str:
        for choice in state["Choices"]:
            if self._value(choice["Variable"]) == choice["StringEquals"]:
                return str(choice["Next"])
        raise AssertionError(f"no choice for {self.data}")

    def _task(self, state: Mapping[str, Any]) -> None:
        resource = state["Resource"]
        if resource.endswith(":dynamodb:updateItem"):
            values = state["Parameters"]["ExpressionAttributeValues"]
            told = {name: self._value(next(iter(value.values()))) for name, value in values.items()}
            self._record(self.run_id, told)
            self._done(state, None)
        elif resource.endswith(":sqs:sendMessage"):
            self._tell(self.run_id)
            self._done(state, None)
        else:
            self._call(state, waits=resource.endswith(".waitForTaskToken"))

    def _call(self, state: Mapping[str, Any], *, waits: bool) -> None:
        token = f"{self.run_id}/{len(self.visited)}" if waits else None
        try:
            if waits:
                self.waiting_for = token  # an answer may come while the function still runs
            answer = self._functions[self.state](self.run_id, token)
        except Killed:
            self.waiting_for = None
            self._failed(state, FaultError("Sandbox.Timedout"))
        except RosterbridgeError as error:
            self.waiting_for = None
            known = at_boundary(error)
            name = type(known).__name__
            self._failed(state, FaultError(name, json.dumps({"errorMessage": str(known), "errorType": name})))
        else:
            if not waits:
                self._done(state, answer)

    def _done(self, state: Mapping[str, Any], answer: Any) -> None:
        self._tries.clear()
        if (path := state.get("ResultPath", "$")) is not None:
            self.data = {**self.data, path.removeprefix("$."): answer}
        self.state = state["Next"]

    def _failed(self, state: Mapping[str, Any], fault: FaultError) -> None:
        for retrier in state.get("Retry", ()):
            if fault.name in retrier["ErrorEquals"]:
                key = (self.state, *retrier["ErrorEquals"])
                if self._tries[key] < retrier["MaxAttempts"]:
                    self._wait(retrier["IntervalSeconds"] * retrier["BackoffRate"] ** self._tries[key])
                    self._tries[key] += 1
                    return
                break
        for catcher in state["Catch"]:
            if {fault.name, "States.ALL"} & set(catcher["ErrorEquals"]):
                if (path := catcher.get("ResultPath", "$")) is not None:
                    self.data = {**self.data, path.removeprefix("$."): {"Error": fault.name, "Cause": fault.cause}}
                self._tries.clear()
                self.state = catcher["Next"]
                return
        raise AssertionError(f"{fault.name} is caught by nothing in {self.state}")

    def _value(self, expression: Any) -> Any:
        """Return what a path or one of the intrinsic functions in use means; anything else is itself."""
        if isinstance(expression, dict):
            return {name.removesuffix(".$"): self._value(value) for name, value in expression.items()}
        if not isinstance(expression, str):
            return expression
        if expression.startswith("States.StringToJson("):
            return json.loads(self._value(expression.removeprefix("States.StringToJson(").removesuffix(")")))
        if expression.startswith("States.ArrayGetItem(States.StringSplit("):
            inner = expression.removeprefix("States.ArrayGetItem(States.StringSplit(").partition(",")[0]
            return str(self._value(inner)).split(":")[0]
        if expression.startswith("$$."):
            return expression
        if expression.startswith("$."):
            found: Any = self.data
            for part in expression.removeprefix("$.").split("."):
                found = found[part]
            return found
        return expression
