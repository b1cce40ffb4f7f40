"""What an administrator decides: held runs, and the rules by which they are held."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from rosterbridge.flows.models import Hold, Run, RunStatus
from tests.support.api import Client, FakeWorld, belongings

DAY = timedelta(days=1)


def test_a_held_run_is_approved_with_a_reason_and_goes_on(world: FakeWorld, user: Client, base: str) -> None:
    held = hold(world)
    shown = user.get(f"{base}/runs/{held.id}").json
    assert (shown["status"], shown["hold"]["reasons"], shown["hold"]["decision"]) == ("held", ["file-emptied"], None)
    assert shown["links"]["approve"] == f"{base}/runs/{held.id}/approve"

    answer = user.post(shown["links"]["approve"], body={"reason": "The leavers."})

    assert answer.status == 200
    assert (answer.json["hold"]["decision"], answer.json["hold"]["reason"]) == ("approved", "The leavers.")
    assert world.waiting.resumed == {"token": "approved"}
    assert user.post(f"{base}/runs/{held.id}/reject", body={"reason": "No."}).code == "run-not-held"
    assert "approve" in [entry["action"] for entry in user.get(f"{base}/audit").json["items"]]


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "x" * 501}, {"reason": 1}, {"reason": "a\nb"}])
def test_a_decision_needs_a_reason(world: FakeWorld, user: Client, base: str, body: Any) -> None:
    held = hold(world)

    assert user.post(f"{base}/runs/{held.id}/approve", body=body).status == 422
    assert world.waiting.resumed == {}


def test_the_guard_of_a_flow_and_when_an_upload_is_missed_are_changed(
    user: Client, base: str, north: dict[str, str]
) -> None:
    flow = f"{base}/flows/{north['flow_id']}"
    window = {"first": "2026-12-20", "last": "2027-01-05"}
    guard = {"removed_share": 0.2, "blackouts": [window]}
    changed = change(user, flow, body={"guard": guard, "time_zone": "Europe/Berlin", "expected_by": "06:00"}).json

    assert changed["guard"] == {
        "removed_share": 0.2,
        "changed_share": 0.75,
        "least_rows": 20,
        "additions_only": [],
        "blackouts": [window],
    }
    assert (changed["time_zone"], changed["expected_by"]) == ("Europe/Berlin", "06:00")
    assert change(user, flow, body={"expected_by": ""}).json["expected_by"] is None


@pytest.mark.parametrize(
    "body",
    [
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../../etc/passwd"},
        {"expected_by": "24:00"},
        {"guard": {"removed_share": 1.1}},
        {"guard": {"blackouts": [{"first": "2026-12-20", "last": "2026-12-19"}]}},
        {"guard": {"unknown": 1}},
    ],
)
def test_rules_that_make_no_sense_are_refused(user: Client, base: str, north: dict[str, str], body: Any) -> None:
    flow = f"{base}/flows/{north['flow_id']}"

    assert user.patch(flow, body=body, if_match='"1"').status == 422


def hold(world: FakeWorld) -> Run:
    """Return a run of the first organization that waits for somebody."""
    north = belongings("north")
    reasons = Hold(reasons=("file-emptied",), sentence="Held.", since=world.now, until=world.now + 7 * DAY)
    known = world.runs.get(north["run_id"])
    assert known is not None
    changes = {"id": "f" * 32, "hold": reasons, "status": RunStatus.CONVERTING, "ended_at": None}
    run = world.runs.create(known.model_copy(update=changes))
    world.runs.wait(run.id, "token")
    return run


def change(user: Client, target: str, body: Any) -> Any:
    """Change a thing by the version that it has, and return the answer."""
    return user.patch(target, body=body, if_match=user.get(target).etag)
