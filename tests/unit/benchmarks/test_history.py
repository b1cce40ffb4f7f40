"""What the measurement of the history counts, and the runs that it measures with."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from benchmarks.history import Measured, Results, costs, percentile, remarks, times
from benchmarks.history_emulator import OrderedIndexes, Row, fill, window
from benchmarks.history_reads import Request, Sizes, counted, item_bytes
from benchmarks.history_runs import (
    ELSEWHERE,
    FAILED,
    OWN,
    OWN_FAILED,
    PROJECT,
    Table,
    definitions,
    of_project,
    processed,
    sizes,
    templates,
)
from local.sample import write_sample
from rosterbridge.adapters.dynamodb_runs import run_from_item

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
SIZES = Sizes(run=5000, line=500)


def request(operation: str, asked: dict[str, Any], answer: dict[str, Any], seconds: float = 0.001) -> Request:
    return Request(operation, json.dumps(asked).encode(), json.dumps(answer).encode(), seconds)


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": "名簿"}, 6),
        ({"N": "0"}, 1),
        ({"N": "4711"}, 3),
        ({"N": "-4711"}, 4),
        ({"N": "0.05"}, 2),
        ({"BOOL": True}, 1),
        ({"NULL": True}, 1),
        ({"SS": ["ab", "c"]}, 3),
        ({"L": [{"S": "ab"}]}, 6),
        ({"M": {"key": {"S": "ab"}}}, 9),
    ],
)
def test_a_value_has_the_bytes_that_dynamodb_counts(value: dict[str, Any], size: int) -> None:
    assert item_bytes({"name": value}) == 4 + size


def test_a_read_costs_a_unit_for_4_kb_and_half_of_it_when_it_may_be_behind() -> None:
    item = {"id": {"S": "x" * 4095}}  # 4,097 bytes
    whole = {"Item": item}
    assert request("GetItem", {"ConsistentRead": True}, whole).units(SIZES) == 2
    assert request("GetItem", {}, whole).units(SIZES) == 1
    assert request("GetItem", {}, {}).units(SIZES) == 0.5


def test_what_a_projection_or_a_filter_leaves_out_is_read_all_the_same() -> None:
    projected = request("GetItem", {"ProjectionExpression": "id"}, {"Item": {"id": {"S": "a"}}})
    assert (projected.read(SIZES), projected.units(SIZES)) == (5000, 1)
    filtered = request("Query", {"FilterExpression": "#a = :a"}, {"Items": [], "ScannedCount": 500})
    assert (filtered.read(SIZES), filtered.units(SIZES)) == (250_000, 31)
    listed = request("Query", {}, {"Items": [{"id": {"S": "a"}}, {"id": {"S": "b"}}], "ScannedCount": 2})
    assert (listed.read(SIZES), listed.units(SIZES)) == (6, 0.5)


def test_requests_are_counted_by_operation() -> None:
    asked = [request(operation, {}, {"Items": []}) for operation in ("Query", "GetItem", "Query")]
    assert counted(asked) == "1 GetItem, 2 Query"


@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize("after", [None, ("3", "b"), ("0", "a"), ("9", "z"), ("3", "a2")])
@pytest.mark.parametrize("limit", [1, 2, 50])
def test_a_window_begins_with_what_sorting_everything_finds(
    forward: bool, after: tuple[str, str] | None, limit: int
) -> None:
    lines = [(str(at), run, "") for at in range(1, 6) for run in "abc"]
    passed = [line for line in lines if after is None or (line[:2] > after if forward else line[:2] < after)]
    wanted = passed[: limit + 1] if forward else passed[-limit - 1 :]

    assert window(lines, after=after, forward=forward, limit=limit) == wanted


class _Stock:
    """Looks at the members of an index as MiniStack's query does."""

    def __init__(self) -> None:
        runs = {f"run-{at}": {"": {"received_at": {"S": str(at)}}} for at in (3, 1, 2)}
        self._tables = {"Runs": {"items": runs}}
        self._members = {"by-project": {"p": dict.fromkeys((run, "") for run in runs)}}

    def _index_members(self, _table: Any) -> Any:
        return self._members

    def _query(self, data: dict[str, Any]) -> list[str]:
        members = self._index_members(self._tables[data["TableName"]])
        return [run for run, _ in members.get(data["IndexName"]).get("p", ())]


def test_a_query_sees_the_lines_in_reach_until_the_order_is_switched_off() -> None:
    stock = _Stock()
    ordered = OrderedIndexes(stock)
    ordered.add("Runs")
    asked = {
        "TableName": "Runs",
        "IndexName": "by-project",
        "KeyConditionExpression": "project_key = :key",
        "ExpressionAttributeValues": {":key": {"S": "p"}},
        "ScanIndexForward": False,
        "Limit": 1,
    }
    span = {**asked, "KeyConditionExpression": "project_key = :key AND received_at >= :since"}

    assert stock._query(asked) == ["run-2", "run-3"]
    assert stock._query(span) == ["run-3", "run-1", "run-2"]
    ordered.on = False
    assert stock._query(asked) == ["run-3", "run-1", "run-2"]


def test_the_runs_of_a_history_are_those_that_the_functions_write(tmp_path: Path) -> None:
    run = processed(write_sample(tmp_path / "sample.zip"))
    items = templates(run)
    row = Row(OWN, "0" * 32, "2026-11-25T11:55:00", 1_900_000_000)

    found = run_from_item(fill(json.dumps(items[row.template]), row))

    assert [step.name for step in found.steps] == ["receive", "validate", "convert", "guard", "forward"]
    assert all(step.outcome == "succeeded" and step.counts and not step.saved for step in found.steps)
    assert (found.id, found.project_id) == ("0" * 32, PROJECT)
    assert found.source.key == f"runs/{'0' * 32}/source.zip"
    assert found.received_at == found.steps[3].ended_at == datetime(2026, 11, 25, 11, 55, tzinfo=UTC)
    assert found.expires_at == datetime.fromtimestamp(1_900_000_000, UTC)
    assert sizes(items[OWN]).line < 600
    assert sizes(items[OWN]).run > 2500


@pytest.mark.parametrize("runs", [100, 100_000])
def test_a_table_has_its_runs_in_several_projects_and_few_that_failed(runs: int) -> None:
    rows = Table(runs).rows(NOW)
    kinds = Counter(row.template for row in rows)

    assert len({row.run_id for row in rows}) == len(rows) == runs
    assert [row.received_at for row in rows] == sorted((row.received_at for row in rows), reverse=True)
    assert max(row.received_at for row in rows) < NOW.isoformat()
    assert min(row.expires_at for row in rows) > (NOW + timedelta(days=30)).timestamp()
    assert kinds[OWN_FAILED] == FAILED
    assert len(of_project(rows)) == runs * 9 // 10
    assert kinds[OWN] > 50  # a whole page, and more
    assert all(kinds[ELSEWHERE + number] for number in range(4))


def test_the_tables_have_the_indexes_that_are_deployed() -> None:
    accounts, audit, runs = definitions([Table(100)])

    assert [found["TableName"] for found in (accounts, audit, runs)] == ["Accounts", "Audit", "Runs-100"]
    assert {index["IndexName"] for index in runs["GlobalSecondaryIndexes"]} == {
        "by-project",
        "by-flow",
        "by-project-status",
    }


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(value) for value in range(200, 0, -1)]
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile([7.0], 0.99)) == (100, 198, 7)


def test_the_tables_show_where_many_runs_cost_more_than_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.history.CALLS", {"show-run": (str, None)})
    few = request("GetItem", {"ProjectionExpression": "id"}, {})
    measured = {
        ("show-run", 100): Measured([0.004, 0.002], [0.001, 0.001], [few]),
        ("show-run", 100_000): Measured([0.008, 0.004], [0.002, 0.002], [few, few]),
    }
    results, tables = Results(measured, SIZES, 2.5), [Table(100), Table(100_000)]

    assert costs(results, tables).splitlines()[-1] == ("| show-run | 1 GetItem → 2 GetItem | 5.0 → 10 | 1 → 2 |")
    assert times(results, tables).splitlines()[-1] == (
        "| show-run | 2.0 / 4.0 | 4.0 / 8.0 | 1.0 / 3.0 | 2.0 / 6.0 | 2.00 | 2.00 |"
    )
    assert "2 calls of each kind" in remarks(results, tables)
    assert "list-runs takes 2.50 s with 100,000 runs" in remarks(results, tables)
