from datetime import timedelta
from typing import Any

import pytest

from rosterbridge.flows.models import Hold, Run, RunStatus
from rosterbridge.measures import measures_of
from tests.support import flows

HOLD = Hold(reasons=("too-many-removed",), sentence="Held.", since=flows.AT, until=flows.AT + timedelta(days=7))


def ended(status: RunStatus, **changes: Any) -> Run:
    return flows.run(status=status, ended_at=flows.AT + timedelta(seconds=90), **changes)


@pytest.mark.parametrize(
    ("run", "measures"),
    [
        (ended(RunStatus.SUCCEEDED), {"RunsSucceeded": 1, "TimeToDelivery": 90}),
        (ended(RunStatus.REJECTED, error="not-a-zip"), {"RunsRejected": 1}),
        (ended(RunStatus.SUPERSEDED, error="run-overtaken"), {"RunsSuperseded": 1}),
        (ended(RunStatus.FAILED, error="gave-up"), {"RunsFailed": 1}),
        (ended(RunStatus.FAILED, error="asm-sign-in-refused"), {"RunsFailed": 1, "AppleRefusedCredentials": 1}),
        (ended(RunStatus.FAILED, error="asm-host-key-refused"), {"RunsFailed": 1, "HostKeyChanged": 1}),
        (flows.run(status=RunStatus.HELD, hold=HOLD), {"RunsHeld": 1}),
        (flows.run(status=RunStatus.FORWARDING), {}),
    ],
)
def test_a_run_counts_by_its_status_and_by_what_an_operator_must_hear(run: Run, measures: dict[str, float]) -> None:
    assert measures_of(run) == measures


def test_the_time_in_which_somebody_thinks_is_no_time_to_delivery() -> None:
    assert measures_of(ended(RunStatus.SUCCEEDED, hold=HOLD)) == {"RunsSucceeded": 1}
