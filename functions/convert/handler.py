"""Writes the ZIP that Apple gets."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from rosterbridge.observability import boundary, logger
from rosterbridge.steps import StepEvent, processor


@logger.inject_lambda_context(log_event=False)
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Convert one run; answers where the result lies."""
    step = StepEvent.model_validate(event)
    with boundary(run_id=step.run_id):
        return processor().convert(step.run_id).model_dump(exclude_none=True)
