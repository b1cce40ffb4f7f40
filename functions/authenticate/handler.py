"""Transfer Family's identity provider: who may sign in, with what, and where the home is."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import ValidationError

from rosterbridge.adapters.dynamodb import DynamoAccountStore
from rosterbridge.adapters.dynamodb_scores import DynamoScoreStore
from rosterbridge.adapters.passwords import Argon2Hasher
from rosterbridge.flows.sign_in_scores import SignInScores
from rosterbridge.flows.signing_in import HomeSettings, SignInRequest, sign_in
from rosterbridge.measures import SIGN_IN_REFUSED
from rosterbridge.observability import boundary, logger, measure, observed
from rosterbridge.settings import AuthenticateEnvironment


@cache
def _parts() -> tuple[DynamoAccountStore, Argon2Hasher, SignInScores, HomeSettings]:
    settings = AuthenticateEnvironment.load()
    home = HomeSettings(role_arn=settings.home_role_arn, bucket=settings.home_bucket, key_arn=settings.key_arn)
    scores = SignInScores(DynamoScoreStore(settings.account_table), settings.score_rules, _troubled)
    return DynamoAccountStore(settings.account_table), Argon2Hasher(), scores, home


def _refused(reason: str) -> None:
    logger.info("sign-in refused", extra={"code": reason})
    measure(SIGN_IN_REFUSED)


def _troubled(code: str) -> None:
    logger.warning("sign-ins are not scored", extra={"code": code})


@observed
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Answer one sign-in; ``{}`` refuses it."""
    try:
        request = SignInRequest.model_validate(event)
    except ValidationError:
        _refused("malformed-request")
        return {}
    with boundary():
        accounts, hasher, scores, home = _parts()
        return sign_in(request, accounts, hasher, scores, home, _refused, lambda: datetime.now(UTC))
