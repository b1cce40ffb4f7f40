"""Compares a run with what Apple has, and keeps the token of one that waits for somebody."""

from __future__ import annotations

from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from rosterbridge.adapters.outcomes import SqsOutcomes
from rosterbridge.adapters.stepfunctions import StepFunctionsWaiting
from rosterbridge.flows.guarding import Guard
from rosterbridge.memory import suit_memory
from rosterbridge.observability import boundary, logger, observed
from rosterbridge.settings import GuardEnvironment
from rosterbridge.steps import run_of, steps


@cache
def guard() -> Guard:
    """Return the guard, made once a process."""
    suit_memory()
    settings = GuardEnvironment.load()
    return Guard(**vars(steps()), waiting=StepFunctionsWaiting(), hold_for=settings.hold_for)


@cache
def outcomes() -> SqsOutcomes:
    """Return who hears of held runs."""
    return SqsOutcomes(GuardEnvironment.load().outcomes_queue_url)


@observed
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Check one run and answer what follows; with a task token, let it wait."""
    with boundary():
        run_id = run_of(event)
        if token := event.get("task_token"):
            guard().hold(run_id, str(token))
            outcomes().tell(run_id)
            logger.info("held")
            return {}
        guarding = guard().check(run_id)
        logger.info("guarded", extra={"decision": guarding.decision})
        return guarding.model_dump()
