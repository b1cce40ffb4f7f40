"""Checks an upload by all rules and stores the report."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from rosterbridge.observability import boundary, logger, observed
from rosterbridge.steps import processor, run_of


@observed
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Validate one run; answers whether it was accepted and where the report lies."""
    with boundary():
        run_id = run_of(event)
        validation = processor().validate(run_id)
        logger.info("validated", extra={"outcome": validation.outcome})
        return validation.model_dump(exclude_none=True)
