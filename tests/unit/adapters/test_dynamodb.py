from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from rosterbridge.adapters import dynamodb
from rosterbridge.adapters.dynamodb import DynamoAccountStore, from_item, run_from_item, run_to_item, to_item
from rosterbridge.errors import ConfigurationError, PermanentError, RosterbridgeError, TransientError
from rosterbridge.flows.models import ObjectRef, Run, RunStatus, Step
from tests.support import flows

plain = st.recursive(
    st.text()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(-1e6, 1e6, width=32).map(lambda x: round(x, 3)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(min_size=1), plain, max_size=5))
def test_plain_values_come_back_as_they_went(values: dict[str, Any]) -> None:
    assert from_item(to_item(values)) == values


def test_what_is_none_is_left_out() -> None:
    assert to_item({"a": None, "b": 0, "c": ""}) == {"b": {"N": "0"}, "c": {"S": ""}}


def test_a_run_comes_back_as_it_went_and_its_steps_in_order() -> None:
    steps = tuple(Step(name=name, started_at=flows.AT) for name in ("receive", "validate", "convert", "forward"))
    ref = ObjectRef(bucket="runs", key="runs/1/x")
    run = flows.run(steps=steps, report=ref, result=ref, status=RunStatus.SUCCEEDED, ended_at=flows.AT)

    assert run_from_item(run_to_item(run)) == run


def test_expiry_is_in_seconds() -> None:
    item = run_to_item(flows.run(expires_at=datetime(2027, 1, 1, tzinfo=UTC)))

    assert item["expires_at"] == {"N": "1798761600"}


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=-7))])
def test_the_order_of_the_texts_is_the_order_of_the_times(zone: timezone) -> None:
    start = datetime(2026, 10, 1, 6, 30, tzinfo=zone)
    times = [start + timedelta(milliseconds=step) for step in (-1, 0, 1, 500, 999, 1000, 1001)]

    def key(run: Run) -> str:
        return str(run_to_item(run)["received_at"]["S"])

    runs = [flows.run(received_at=time if number % 2 else time.astimezone(UTC)) for number, time in enumerate(times)]
    assert [key(run) for run in runs] == sorted(key(run) for run in runs)
    assert [run_from_item(run_to_item(run)).received_at for run in runs] == times


class Cancels:
    """A client whose transactions are cancelled for these reasons."""

    def __init__(self, *reasons: str) -> None:
        self._reasons = [{"Code": reason, "Message": "planted"} for reason in reasons]

    def transact_write_items(self, **_named: Any) -> None:
        answer = {
            "Error": {"Code": "TransactionCanceledException", "Message": "planted"},
            "CancellationReasons": self._reasons,
            "ResponseMetadata": {"HTTPStatusCode": 400},
        }
        raise ClientError(answer, "TransactWriteItems")


FAILED, NONE, CONFLICT = "ConditionalCheckFailed", "None", "TransactionConflict"


@pytest.mark.parametrize(
    ("reasons", "known", "told"),
    [
        ((FAILED, NONE, NONE, NONE, NONE), ConfigurationError, "username-taken"),
        ((FAILED, CONFLICT, NONE, NONE, NONE), ConfigurationError, "username-taken"),
        ((NONE, FAILED, NONE, NONE, NONE), PermanentError, f"aws-refused: dynamodb TransactWriteItems {FAILED}"),
        ((CONFLICT, NONE, NONE, NONE, NONE), TransientError, f"aws-refused: dynamodb TransactWriteItems {CONFLICT}"),
        ((NONE, NONE, NONE, "ThrottlingError", CONFLICT), TransientError, "aws-refused"),
        ((NONE, NONE, FAILED, CONFLICT, NONE), PermanentError, "aws-refused"),
        ((NONE, NONE, NONE, NONE, "ValidationError"), PermanentError, "aws-refused"),
        ((), PermanentError, "aws-refused"),
    ],
)
def test_only_the_user_names_own_condition_means_that_it_is_taken(
    monkeypatch: pytest.MonkeyPatch, reasons: tuple[str, ...], known: type[RosterbridgeError], told: str
) -> None:
    monkeypatch.setattr(dynamodb, "client", lambda _service: Cancels(*reasons))

    with pytest.raises(RosterbridgeError) as refused:
        DynamoAccountStore("accounts").create_flow(flows.flow(), flows.file_account(), flows.asm_account())

    assert type(refused.value) is known
    assert str(refused.value).startswith(told)
    assert "planted" not in str(refused.value)
