"""The validate function once in a new process, with AWS in memory: ``python -m benchmarks.validate_once zip times``.

Writes seconds as JSON: to import the handler, for its first call (which imports what it needs then), for a second one.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

FUNCTIONS = Path(__file__).parents[1] / "functions"
CONTEXT = SimpleNamespace(
    function_name="validate",
    memory_limit_in_mb=1769,
    invoked_function_arn="arn:aws:lambda:eu-west-1:111122223333:function:validate",
    aws_request_id="52fdfc07-2182-154f-163f-5f0f9a621d72",
)


def load(name: str) -> ModuleType:
    """Import a function's handler as Lambda does, by its file."""
    spec = importlib.util.spec_from_file_location("handler", FUNCTIONS / name / "handler.py")
    if spec is None or spec.loader is None:
        raise ImportError(name)
    module = importlib.util.module_from_spec(spec)
    sys.modules["handler"] = module
    spec.loader.exec_module(module)
    return module


def in_memory(source: Path) -> tuple[Any, dict[str, str]]:
    """Return a processor that knows one uploaded file, and the event of its run."""
    from rosterbridge.flows.models import ObjectRef
    from rosterbridge.flows.processing import Processor
    from tests.support import fakes, flows

    accounts, runs, objects = fakes.FakeAccountStore(), fakes.FakeRunStore(), fakes.FakeObjectStore()
    flow = flows.flow()
    accounts.put(flow)
    stored = objects.put(ObjectRef(bucket="runs", key="source.zip"), source.read_bytes())
    run = runs.create(flows.run(flow_id=flow.id, source=stored))
    return Processor(accounts, runs, objects, fakes.FakeLaneStore(), now=lambda: flows.AT), {"run_id": run.id}


def main(source: str, times: str) -> None:
    """Import the handler, call it twice, and write how long each took."""
    start = time.perf_counter()
    handler = load("validate")
    taken = {"import": time.perf_counter() - start}
    processor, event = in_memory(Path(source))
    handler.processor = lambda: processor  # type: ignore[attr-defined]
    for call in ("first call", "second call"):
        start = time.perf_counter()
        answer = handler.lambda_handler(event, CONTEXT)
        taken[call] = time.perf_counter() - start
        if answer["outcome"] != "accepted":
            raise SystemExit("the upload was rejected")
    Path(times).write_text(json.dumps(taken), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
