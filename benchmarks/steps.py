"""``python -m benchmarks.steps [--sizes S M L] [--rounds 3]``: what each step of a nightly upload takes, by size.

Each round is a process: a first upload goes all the way, then a second one with three more pupils, and the steps of the
second are measured, since the guard has something to compare then. AWS is held in memory, and Apple takes everything at
once. Writes ``benchmarks/figures.json`` in part; ``benchmarks.requests`` writes the rest.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from benchmarks import ROOT
from benchmarks.figures import FIGURES, keep
from benchmarks.generate import SIZES
from benchmarks.load_rosters import Rosters
from benchmarks.measure import bundle
from rosterbridge.flows.models import ObjectRef
from tests.support.fakes import FakeObjectStore
from tests.support.pipeline import Pipeline

STEPS = ("validate", "convert", "guard", "forward")


class OneVersion(FakeObjectStore):
    """Keeps the newest version of each object alone, or a million pupils would not fit."""

    def put(self, ref: ObjectRef, content: bytes) -> ObjectRef:
        """Store the only version."""
        self._versions.pop((ref.bucket, ref.key), None)
        return super().put(ref, content)


def once(size: str) -> dict[str, Any]:
    """Return seconds of wall and CPU of each step of a second upload, and the bytes of its files."""
    rosters = Rosters(bundle(size))
    pipeline = Pipeline(b"")
    pipeline.objects = OneVersion()
    first = pipeline.receive(rosters.zip(1, 1), hours=24)
    _go(pipeline, first.id, {})
    pipeline.objects.erase(first.source)
    second = pipeline.receive(rosters.zip(1, 2), hours=48)
    taken: dict[str, Any] = {}
    _go(pipeline, second.id, taken)
    folders = (f"runs/{second.id}/", f"lanes/{second.flow_id}/{second.id}/")
    files = [_sizes(pipeline.objects, folder) for folder in folders]
    return {"pupils": SIZES[size], "steps": taken, "run_files": files[0], "lane_files": files[1]}


def _go(pipeline: Pipeline, run_id: str, taken: dict[str, Any]) -> None:
    run = pipeline.runs.get(run_id)
    steps: dict[str, Callable[[], Any]] = {
        "validate": lambda: pipeline.validate(run),
        "convert": lambda: pipeline.convert(run),
        "guard": lambda: pipeline.check(run),
        "forward": lambda: pipeline.forward(run),
    }
    for name, step in steps.items():
        wall, cpu = time.perf_counter(), time.process_time()
        answer = step()
        taken[name] = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
        word = next(iter(answer.model_dump().values()))
        if word not in {"accepted", "converted", "forward", "sent"}:
            raise RuntimeError(f"{name}: {word}")


def _sizes(objects: FakeObjectStore, folder: str) -> dict[str, int]:
    found = (ObjectRef(bucket="runs", key=key) for key in objects.keys("runs", folder))
    return {ref.key.removeprefix(folder): len(objects.content(ref)) for ref in found}


def measure(size: str, rounds: int) -> dict[str, Any]:
    """Return the medians of some rounds, each in a process of its own."""
    taken = []
    for _ in range(rounds):
        command = [sys.executable, "-m", "benchmarks.steps", "--once", size]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 this Python
        taken.append(json.loads(done.stdout.splitlines()[-1]))
    steps = {
        name: {kind: round(median(one["steps"][name][kind] for one in taken), 4) for kind in ("wall", "cpu")}
        for name in STEPS
    }
    return {**taken[0], "steps": steps}


def main() -> None:
    """Measure, print, and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.steps", description="Measure the steps of a run.")
    parser.add_argument("--sizes", nargs="+", choices=list(SIZES), default=list(SIZES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--once", choices=list(SIZES), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.once:
        sys.stdout.write(json.dumps(once(given.once)) + "\n")
        return
    for size in given.sizes:
        measured = measure(size, given.rounds)
        sys.stdout.write(f"{size}: {json.dumps(measured['steps'])}\n")
        keep(FIGURES, {"sizes": {size: measured}})


if __name__ == "__main__":
    main()
