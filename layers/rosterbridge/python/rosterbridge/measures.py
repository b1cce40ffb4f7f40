"""What is counted and measured, by name: the functions, the alarms and the dashboards have the names from here.

Needs nothing but Python, since the environment that deploys reads it too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rosterbridge.flows.models import Run

NAMESPACE = "Rosterbridge"
RUNS_RECEIVED = "RunsReceived"
RUNS_BY_STATUS = {
    "succeeded": "RunsSucceeded",
    "rejected": "RunsRejected",
    "held": "RunsHeld",
    "failed": "RunsFailed",
    "superseded": "RunsSuperseded",
}
# Failures that an operator hears of by their own name
BY_ERROR = {"asm-sign-in-refused": "AppleRefusedCredentials", "asm-host-key-refused": "HostKeyChanged"}
TIME_TO_DELIVERY = "TimeToDelivery"
AGE_OF_LAST_SUCCESS = "AgeOfLastSuccess"
HELD_TOO_LONG = "HeldTooLong"
UPLOAD_MISSING = "UploadMissing"
SIGN_IN_REFUSED = "SignInRefused"
CIRCUIT_OPENED = "CircuitOpened"
THROTTLED = "Throttled"
SECONDS = frozenset({TIME_TO_DELIVERY, AGE_OF_LAST_SUCCESS})


def service_of(stage: str) -> str:
    """Return the one dimension that all of a deployment's measures have."""
    return f"rosterbridge-{stage}"


def measures_of(run: Run) -> dict[str, float]:
    """Return what a run that has ended or is held adds to the measures.

    The time to delivery is from the last byte of the upload on; a run that waited for somebody tells nothing of it.
    """
    measures: dict[str, float] = {}
    if name := RUNS_BY_STATUS.get(run.status.value):
        measures[name] = 1
    if name := BY_ERROR.get(run.error or ""):
        measures[name] = 1
    if run.status.value == "succeeded" and run.hold is None and run.ended_at is not None:
        measures[TIME_TO_DELIVERY] = (run.ended_at - run.received_at).total_seconds()
    return measures
