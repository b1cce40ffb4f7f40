"""The HTTP API, behind API Gateway, which has checked the token."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from rosterbridge.api.app import handle
from rosterbridge.api.service import service
from rosterbridge.observability import logger, observed


@observed
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request; its log is known by the request's id, which API Gateway's own log has too."""
    logger.set_correlation_id(event["requestContext"].get("requestId"))
    return handle(event, context, service)
