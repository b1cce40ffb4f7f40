"""Sends the ZIP to Apple's SFTP server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from rosterbridge.adapters.dynamodb_circuits import DynamoCircuit
from rosterbridge.adapters.kms import KmsSecretBox
from rosterbridge.adapters.sftp import SftpDelivery
from rosterbridge.adapters.stepfunctions import StepFunctionsWaiting
from rosterbridge.flows.circuits import CircuitRules, GuardedDelivery
from rosterbridge.flows.forwarding import Forwarder
from rosterbridge.flows.hosts import CheckedDelivery, HostCheck
from rosterbridge.measures import CIRCUIT_OPENED
from rosterbridge.observability import boundary, logger, measure, observed
from rosterbridge.settings import ForwardEnvironment
from rosterbridge.steps import run_of, steps

RESERVE_SECONDS = 15  # kept back to record how it ended, before Lambda stops the function


@observed
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Forward one run; answers how it went, the remote name and the bytes sent."""
    with boundary():
        run_id = run_of(event)
        settings = ForwardEnvironment.load()
        forwarder = Forwarder(
            **vars(steps()),
            waiting=StepFunctionsWaiting(),
            delivery=_delivery(settings, context),
            secrets=KmsSecretBox(settings.key_arn),
        )
        forwarding = forwarder.forward(run_id)
        logger.info("forwarded", extra={"outcome": forwarding.outcome, "bytes": forwarding.sent_bytes})
        return forwarding.model_dump(exclude_none=True)


def _delivery(settings: ForwardEnvironment, context: LambdaContext) -> GuardedDelivery:
    rules = CircuitRules(
        failures=settings.circuit_failures,
        open_for=timedelta(seconds=settings.circuit_open_seconds),
        longest=timedelta(seconds=settings.circuit_longest_seconds),
    )
    sftp = SftpDelivery(lambda: context.get_remaining_time_in_millis() / 1000 - RESERVE_SECONDS)
    return GuardedDelivery(
        CheckedDelivery(sftp, HostCheck(private_allowed=settings.private_asm_hosts)),
        DynamoCircuit(settings.account_table, rules),
        now=lambda: datetime.now(UTC),
        tell=_tell,
    )


def _tell(code: str, host: str) -> None:
    """Tell once what an outage is, however many deliveries meet it."""
    logger.warning("circuit", extra={"code": code, "host": host})
    if code == "circuit-opened":
        measure(CIRCUIT_OPENED)
