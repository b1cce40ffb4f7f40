from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from rosterbridge.adapters import dynamodb_accounts, dynamodb_runs
from rosterbridge.adapters.dynamodb import DynamoAccountStore, DynamoRunStore
from rosterbridge.adapters.dynamodb_changes import Tables, writes
from rosterbridge.adapters.dynamodb_items import Position, from_item, is_identity, position, timestamp, to_item
from rosterbridge.adapters.dynamodb_runs import run_from_item, run_to_item
from rosterbridge.errors import (
    ConflictError,
    InvalidRequestError,
    PermanentError,
    RepeatedRequestError,
    RosterbridgeError,
    TransientError,
)
from rosterbridge.flows.models import AuditEntry, ObjectRef, Role, Run, RunStatus, Step
from rosterbridge.flows.ports import Change, Request, RunFilter
from tests.support import flows

plain = st.recursive(
    st.text()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(-1e6, 1e6, width=32).map(lambda x: round(x, 3))
    | st.sets(st.text(min_size=1), min_size=1, max_size=3),
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


def test_a_run_knows_where_it_is_listed_with_each_status() -> None:
    item = from_item(run_to_item(flows.run(organization_id="org-1", project_id="project-1", flow_id="flow-1")))

    assert (item["project_key"], item["flow_key"]) == ("org-1#project-1", "org-1#project-1#flow-1")
    assert item["status_keys"] == {status.value: f"org-1#project-1#{status.value}" for status in RunStatus}
    assert item["project_status"] == "org-1#project-1#received"


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


@given(st.datetimes(timezones=st.just(UTC)), st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True))
def test_a_cursor_leads_back_to_where_it_was_made(at: datetime, identity: str) -> None:
    made = Position(timestamp(at), identity)

    assert position(made.cursor) == made
    assert set(made.cursor) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@given(st.text(max_size=400))
def test_any_other_text_is_no_cursor_and_is_not_told_again(text: str) -> None:
    with pytest.raises(InvalidRequestError, match=r"^cursor-invalid$"):
        position(text)


@pytest.mark.parametrize("text", ["org-1", "2f1c5a4e-3a3b-4a34-9d0d-0d6c4c0f7a11", "a" * 64])
def test_ids_of_ours_are_ids(text: str) -> None:
    assert is_identity("project-1", text)


@pytest.mark.parametrize("text", ["", "a" * 65, "a#b", "a b", "ä", "a\n", "user@school.example"])
def test_what_could_leave_its_place_in_a_key_is_no_id(text: str) -> None:
    assert not is_identity("project-1", text)


FAILED, CONFLICT = "ConditionalCheckFailed", "TransactionConflict"
OWNER = "org-1"
Reasons = Mapping[str, str]


def place(action: Mapping[str, Any]) -> str:
    """Return the table and the key that an action of a transaction is about, as one text."""
    (written,) = action.values()
    key = from_item(written.get("Key") or written["Item"])
    return " ".join((written["TableName"], key.get("pk", key.get("organization_id")), key["sk"]))


class Cancels:
    """A client that cancels transactions: ``reasons`` by a part of the place that is written."""

    def __init__(self, reasons: Reasons, stored: Mapping[str, Any]) -> None:
        self._reasons = reasons
        self._stored = to_item(stored)

    def _reason(self, action: Mapping[str, Any]) -> dict[str, Any]:
        code = next((code for part, code in self._reasons.items() if part in place(action)), "None")
        return {"Code": code, "Message": "planted", **({"Item": self._stored} if code == FAILED else {})}

    def transact_write_items(self, *, TransactItems: list[dict[str, Any]]) -> None:  # noqa: N803 boto3's name
        raise ClientError(
            {
                "Error": {"Code": "TransactionCanceledException", "Message": "planted"},
                "CancellationReasons": [self._reason(action) for action in TransactItems],
                "ResponseMetadata": {"HTTPStatusCode": 400},
            },
            "TransactWriteItems",
        )


def a_change() -> Change:
    """Return a change that does one of each: creates, changes, removes, by a request."""
    entry = AuditEntry(
        id="audit-1",
        organization_id=OWNER,
        at=flows.AT,
        actor="user-1",
        role=Role.OPERATOR,
        source_ip="192.0.2.1",
        action="create",
        kind="flow",
        target_id="flow-1",
        expires_at=flows.AT,
    )
    owner = {"organization_id": OWNER}
    return Change(
        entry,
        creates=(
            flows.file_account(**owner, id="fa-new", username="planted"),
            *(
                flows.flow(
                    **owner, id=f"flow-{number}", file_account_id="fa-new", asm_account_id="asm-old", expected_by=by
                )
                for number, by in ((1, None), (2, "06:00"))
            ),
        ),
        updates=(flows.project(**owner, id="project-1"),),
        removes=(
            flows.file_account(**owner, id="fa-gone", username="planted-2"),
            flows.flow(**owner, id="flow-gone", file_account_id="fa-kept", asm_account_id="asm-kept"),
        ),
        request=Request("planted key", "user-1", "fingerprint"),
    )


def test_a_change_writes_each_item_once_and_what_has_no_condition_follows_what_has_one() -> None:
    actions = [write.action for write in writes(a_change(), Tables("accounts", "audit", timedelta(days=7)))]

    places = [place(action) for action in actions]
    assert len(set(places)) == len(places) == 20
    assert places[0] == "accounts request#user-1 planted key"
    assert places[-1].startswith(f"audit {OWNER} 2026-10-01T06:30:00.000000Z#audit-1")
    bare = [action for action in actions if not any("ConditionExpression" in inner for inner in action.values())]
    # what belongs to a thing that is created or removed under a condition of its own
    assert [(next(iter(action)), place(action)) for action in bare] == [
        ("Delete", "accounts username#planted-2 username"),
        ("Delete", "accounts file-account#fa-kept flow#flow-gone"),
        ("Put", "accounts watches flow-2"),
        ("Delete", "accounts watches flow-gone"),
    ]


@pytest.mark.parametrize(
    ("reasons", "stored", "known", "told"),
    [
        ({"username#planted ": FAILED}, {}, ConflictError, "username-taken"),
        ({"username#planted ": FAILED, "project#": CONFLICT}, {}, ConflictError, "username-taken"),
        ({"asm-account#asm-old": FAILED}, {}, ConflictError, "account-gone: asm-old"),
        ({"project#project-1": FAILED}, {"version": 2}, ConflictError, "version-changed: project-1"),
        ({"project#project-1": FAILED}, {}, ConflictError, "version-changed: project-1"),
        ({"file-account#fa-gone": FAILED}, {"version": 2}, ConflictError, "version-changed: fa-gone"),
        ({"file-account#fa-gone": FAILED}, {"flow_ids": {"flow-9"}}, ConflictError, "in-use: fa-gone"),
        ({"request#": FAILED, "username#": FAILED}, {"fingerprint": "f"}, RepeatedRequestError, "request-repeated"),
        ({"file-account#fa-new": FAILED}, {}, PermanentError, f"aws-refused: dynamodb TransactWriteItems {FAILED}"),
        ({"audit": FAILED}, {}, PermanentError, f"aws-refused: dynamodb TransactWriteItems {FAILED}"),
        ({"project#": CONFLICT}, {}, TransientError, f"aws-refused: dynamodb TransactWriteItems {CONFLICT}"),
        ({"project#": "ThrottlingError", "audit": CONFLICT}, {}, TransientError, "aws-refused"),
        ({"project#": "ProvisionedThroughputExceeded"}, {}, TransientError, "aws-refused"),
        ({"audit": "ValidationError", "project#": CONFLICT}, {}, PermanentError, "aws-refused"),
        ({}, {}, PermanentError, "aws-refused"),
    ],
)
def test_a_cancelled_change_is_told_by_what_stood_in_its_way(
    monkeypatch: pytest.MonkeyPatch,
    reasons: Reasons,
    stored: Mapping[str, Any],
    known: type[RosterbridgeError],
    told: str,
) -> None:
    monkeypatch.setattr(dynamodb_accounts, "client", lambda _service: Cancels(reasons, stored))

    with pytest.raises(RosterbridgeError) as refused:
        DynamoAccountStore("accounts", audit_table="audit").commit(a_change())

    assert type(refused.value) is known
    assert str(refused.value).startswith(told)
    assert "planted" not in str(refused.value)
    assert refused.value.__suppress_context__


class Endless:
    """A client in whose index no run has the status asked for, however far one looks."""

    def __init__(self) -> None:
        self.queries = 0

    def query(self, **_named: Any) -> dict[str, Any]:
        self.queries += 1
        at = timestamp(flows.AT - timedelta(seconds=self.queries))
        key = {"id": f"run-{self.queries}", "received_at": at, "flow_key": "o#p#f"}
        return {"Items": [], "LastEvaluatedKey": to_item(key)}


def test_a_search_for_a_rare_status_ends_and_can_be_continued(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Endless()
    monkeypatch.setattr(dynamodb_runs, "client", lambda _service: client)
    wanted = RunFilter("o", "p", flow_id="f", status=RunStatus.HELD)

    page = DynamoRunStore("runs").page(wanted, limit=10)

    assert page.items == ()
    assert client.queries == 10
    assert page.cursor is not None
    assert position(page.cursor) == (timestamp(flows.AT - timedelta(seconds=10)), "run-10")
