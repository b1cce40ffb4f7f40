"""Gives the SFTP endpoint its host keys; called by CloudFormation, or by an operator who has changed them."""

from __future__ import annotations

from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from rosterbridge.adapters.cloudformation import answer_stack
from rosterbridge.adapters.secretsmanager import HostKeySecret
from rosterbridge.adapters.transfer import TransferHostKeys
from rosterbridge.errors import RosterbridgeError
from rosterbridge.flows.host_keys import HostKeys
from rosterbridge.observability import boundary, logger
from rosterbridge.settings import HostKeysEnvironment


@cache
def _host_keys() -> HostKeys:
    settings = HostKeysEnvironment.load()
    return HostKeys(HostKeySecret(settings.host_key_secret), TransferHostKeys(settings.sftp_server_id))


@logger.inject_lambda_context(log_event=False, clear_state=True)
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, str]:
    """Install the keys; answers their fingerprints, and CloudFormation in any case."""
    if "ResponseURL" not in event:
        with boundary():
            return _install()
    server_id = event["ResourceProperties"]["ServerId"]
    told: dict[str, str] = {}
    failure = ""
    try:
        with boundary():
            # a server that goes takes its keys along, and the secret keeps them for the next one
            told = {} if event["RequestType"] == "Delete" else _install()
    except RosterbridgeError as error:
        failure = error.code
    with boundary():
        answer_stack(event, physical_id=server_id, data=told, failure=failure)
    return told


def _install() -> dict[str, str]:
    keys = _host_keys().install()
    logger.info("installed", extra={"host_keys": len(keys)})
    return {"Fingerprints": " ".join(key.fingerprint for key in keys)}
