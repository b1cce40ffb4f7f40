"""What is deployed: which states an upload enters on its way to Apple, and how much memory functions have."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import aws_cdk as cdk

from infra.data import Data
from infra.service import Service
from infra.settings import default_context, from_context
from tests.infra.assembly import Assembly
from tests.support.state_machine import Execution

ANSWERS = {
    "Validate": {"outcome": "accepted"},
    "Convert": {"outcome": "converted"},
    "Guard": {"decision": "forward"},
    "Forward": {"outcome": "sent"},
}


def visited(definition: dict[str, Any]) -> list[str]:
    """Return the states that a definition enters while each step answers that all is well."""
    execution = Execution(
        definition,
        "0" * 32,
        functions={name: lambda *_, answer=answer: answer for name, answer in ANSWERS.items()},  # type: ignore[misc]
        record=lambda *_: None,
        tell=lambda *_: None,
        wait=lambda *_: None,
    )
    while execution.open:
        execution.step()
    return execution.visited


def deployed() -> tuple[dict[str, Any], dict[str, int]]:
    """Return the state machine of runs that a deployment with the defaults has, and its functions' megabytes."""
    with tempfile.TemporaryDirectory(prefix="bench-states-") as folder:
        stacks = cdk.App(outdir=folder, context={**default_context(), "aws:cdk:disable-asset-staging": True})
        settings = from_context(stacks)
        Service(stacks, settings, Data(stacks, settings))
        stacks.synth()
        assembly = Assembly(Path(folder))
        return assembly.definition("PipelineRuns"), memory(assembly)


def memory(assembly: Assembly) -> dict[str, int]:
    """Return the megabytes of each function, by its name."""
    functions = (found["Properties"] for found in assembly.service.all("Lambda::Function").values())
    return {
        found["FunctionName"].rpartition("-")[2]: found["MemorySize"] for found in functions if "FunctionName" in found
    }
