"""The circuits of Apple's hosts in the Accounts table: one item a host, none where there is nothing to tell."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import uuid4

from rosterbridge.adapters.clients import client
from rosterbridge.adapters.dynamodb_items import ConditionFailedError, conditional, from_item, to_item
from rosterbridge.errors import TransientError
from rosterbridge.flows.circuits import CircuitRules, CircuitState, admitted, after_failure
from rosterbridge.flows.delivery_ports import Passage

T = TypeVar("T")
KEPT = timedelta(days=1)  # DynamoDB may expire later, never earlier
TRIES = 20  # each that is lost was another's change, and a circuit takes few of them until it is open


class DynamoCircuit:
    """Each change is made on the condition that nobody else changed the circuit meanwhile."""

    def __init__(self, table: str, rules: CircuitRules) -> None:
        self._table = table
        self._rules = rules
        self._client = client("dynamodb")

    def allows(self, host: str, now: datetime) -> Passage:
        """Tell whether a delivery may pass; whoever gets ``TRIAL`` is the only one."""
        return self._change(host, lambda state: admitted(state, now))

    def failed(self, host: str, now: datetime, *, trial: bool) -> bool:
        """Note that a delivery found the host away; True when the circuit opened by that."""

        def change(state: CircuitState) -> tuple[bool, CircuitState]:
            after = after_failure(state, now, self._rules, trial=trial)
            return state.open_until is None and after.open_until is not None, after

        return self._change(host, change)

    def succeeded(self, host: str) -> bool:
        """Note that the host is there; True when the circuit closed by that."""
        return self._change(host, lambda state: (state.open_until is not None, CircuitState()))

    def _change(self, host: str, change: Callable[[CircuitState], tuple[T, CircuitState]]) -> T:
        for _ in range(TRIES):
            before, mark = self._read(host)
            answer, after = change(before)
            if after == before:
                return answer
            try:
                self._write(host, after, mark)
            except ConditionFailedError:
                continue
            return answer
        raise TransientError("aws-refused", "dynamodb circuit")

    def _read(self, host: str) -> tuple[CircuitState, str | None]:
        """Return what is known of the host, and the mark of its last change."""
        with conditional():
            answer = self._client.get_item(TableName=self._table, Key=_key(host), ConsistentRead=True)
        item = from_item(answer.get("Item", {}))
        known = {name: item[name] for name in CircuitState.model_fields if name in item}
        return CircuitState.model_validate(known), item.get("mark")

    def _write(self, host: str, state: CircuitState, mark: str | None) -> None:
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
        if mark is not None:
            condition = {"ConditionExpression": "mark = :mark", "ExpressionAttributeValues": to_item({":mark": mark})}
        known = state.model_dump(mode="json", exclude_defaults=True)
        with conditional():
            if not known:
                self._client.delete_item(TableName=self._table, Key=_key(host), **condition)
                return
            end = int((datetime.now(UTC) + KEPT).timestamp())
            item = {**_key(host), **to_item({**known, "mark": uuid4().hex, "expires_at": end})}
            self._client.put_item(TableName=self._table, Item=item, **condition)


def _key(host: str) -> dict[str, Any]:
    return to_item({"pk": f"circuit#{host}", "sk": "circuit"})
