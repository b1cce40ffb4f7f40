"""Writes the ZIP that Apple gets."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from rosterbridge.observability import boundary, logger, observed
from rosterbridge.steps import processor, run_of


@observed
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Convert one run; answers where the result lies."""
    with boundary():
        run_id = run_of(event)
        conversion = processor().convert(run_id)
        logger.info("converted", extra={"outcome": conversion.outcome})
        return conversion.model_dump(exclude_none=True)
