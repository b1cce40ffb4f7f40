"""The HTTP API, behind API Gateway, which has checked the token."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from rosterbridge.api.app import handle
from rosterbridge.api.service import service
from rosterbridge.observability import logger


@logger.inject_lambda_context(log_event=False, clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request."""
    return handle(event, context, service)
