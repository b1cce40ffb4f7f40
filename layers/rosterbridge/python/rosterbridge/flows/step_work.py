"""One step of a run at work: its record is opened, its folder made, and however it ends, the record says so."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from rosterbridge.errors import ConfigurationError, NotFoundError, RosterbridgeError, at_boundary
from rosterbridge.flows.messages import message
from rosterbridge.flows.models import Flow, ObjectRef, Project, Run, RunStatus, Step, StepName
from rosterbridge.flows.ports import AccountStore, LaneStore, ObjectStore, RunStore
from rosterbridge.flows.run_files import put_aside

FOLDER = "run-"
DEAD_AFTER = timedelta(minutes=15)  # longer than any function may live


@dataclass(frozen=True)
class Steps:
    """What every step needs; ``now`` is the clock."""

    accounts: AccountStore
    runs: RunStore
    objects: ObjectStore
    lanes: LaneStore
    now: Callable[[], datetime]

    def run(self, run_id: str) -> Run:
        """Return the run; raises NotFoundError ``run-missing``."""
        run = self.runs.get(run_id)
        if run is None:
            raise NotFoundError("run-missing", run_id)
        return run

    @contextmanager
    def step(self, run: Run, name: StepName, status: RunStatus) -> Iterator[Work]:
        """Open a step's record, yield the work, and save how it ended; an error is recorded and raised."""
        earlier = run.step(name)
        step = Step(name=name, started_at=self.now(), attempts=earlier.attempts + 1 if earlier else 1)
        self.runs.start_step(run.id, status, step)
        remove_what_died(step.started_at)
        with tempfile.TemporaryDirectory(prefix=FOLDER) as folder:
            work = Work(self, run, Path(folder), step)
            try:
                work.flow = self._flow(run)
                yield work
            except Exception as error:
                work.failed(at_boundary(error).code)
                with suppress(RosterbridgeError):  # what went wrong first decides whether the step is tried again
                    work.save()
                raise
            work.save()

    def _flow(self, run: Run) -> Flow:
        flow = self.accounts.get(Flow, run.organization_id, run.flow_id)
        if flow is None:
            raise ConfigurationError("flow-missing", run.flow_id)
        return flow


def remove_what_died(now: datetime) -> None:
    """Remove the folders of steps whose process was killed: its successor may find the same disk."""
    for folder in Path(tempfile.gettempdir()).glob(f"{FOLDER}*"):
        with suppress(OSError):
            if folder.stat().st_mtime < (now - DEAD_AFTER).timestamp():
                shutil.rmtree(folder)


class Work:
    """One step in progress: its folder, what it recorded, what it produced."""

    flow: Flow

    def __init__(self, steps: Steps, run: Run, folder: Path, step: Step) -> None:
        self.run = run
        self.folder = folder
        self._steps = steps
        self._step = step
        self._produced: dict[str, Any] = {}

    def fetch(self, ref: ObjectRef, name: str = "input.zip") -> Path:
        """Return an object as a file in the folder; raises NotFoundError ``object-missing``."""
        path = self.folder / name
        self._steps.objects.download(ref, path)
        return path

    def requests(self, **request: Any) -> None:
        """Note what the step asks for."""
        self._step = self._step.model_copy(update={"request": request})

    def ended(self, **outcome: Any) -> None:
        """Note how the step ended."""
        self._step = self._step.model_copy(update=outcome)

    def produced(self, **produced: Any) -> None:
        """Note what the step has made for the run."""
        self._produced.update(produced)

    def closed(self, outcome: str, code: str) -> None:
        """Note that the run goes no further, and why."""
        self.ended(outcome=outcome, code=code, message=message(code))
        self.produced(summary=message(code))

    def failed(self, code: str) -> None:
        """Note that the step failed."""
        self.ended(outcome="failed", code=code, message=message(code), response={"outcome": "failed", "code": code})
        self.produced(summary=message(code))

    def save(self) -> None:
        """Store the step's record; request and response only where the project wants them, and apart."""
        step = self._step.model_copy(update={"ended_at": self._steps.now()})
        project = self._steps.accounts.get(Project, self.run.organization_id, self.run.project_id)
        if project is not None and project.save_data:
            with suppress(RosterbridgeError):  # a file is not sent once more because this could not be kept
                step = put_aside(self._steps.objects, self.run.source.bucket, self.run.id, step)
        step = step.model_copy(update={"request": {}, "response": {}})
        self._steps.runs.end_step(self.run.id, step, **self._produced)
