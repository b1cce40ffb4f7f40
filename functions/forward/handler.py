"""Sends the ZIP to Apple's SFTP server."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from rosterbridge.adapters.kms import KmsSecretBox
from rosterbridge.adapters.sftp import SftpDelivery
from rosterbridge.flows.hosts import HostCheck
from rosterbridge.observability import boundary, logger
from rosterbridge.settings import ForwardEnvironment
from rosterbridge.steps import processor, run_of

RESERVE_SECONDS = 15  # kept back to record how it ended, before Lambda stops the function


@logger.inject_lambda_context(log_event=False, clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Forward one run; answers the remote name and the bytes sent."""
    delivery = SftpDelivery(lambda: context.get_remaining_time_in_millis() / 1000 - RESERVE_SECONDS)
    with boundary():
        run_id = run_of(event)
        settings = ForwardEnvironment.load()
        hosts = HostCheck(private_allowed=settings.private_asm_hosts)
        return processor().forward(run_id, delivery, KmsSecretBox(settings.key_arn), hosts).model_dump()
