"""What a month costs, on figures that can be computed by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import cost, districts, prices
from benchmarks.durations import seconds
from benchmarks.figures import Figures, between, figures, keep
from benchmarks.units import lines, read_bytes

FUNCTIONS = ("authenticate", "receive", "validate", "convert", "guard", "forward", "notify")
NOTHING = {"requests": {}, "read_units": 0, "write_units": {}, "seconds": 0.0, "cold": 0.0}
FILES = {"source.zip": 0, "full-set.zip": 0, "result.zip": 0, "provenance.csv.gz": 0, "fingerprints.parquet": 0}


def known(**changes: object) -> Figures:
    """Return figures of which nothing takes or costs anything, but what is changed."""
    idle = {"pupils": 1000, "run_files": FILES, "lane_files": {}}
    steps = {name: {"wall": 0.0, "cpu": 0.0} for name in ("validate", "convert", "guard", "forward")}
    values = {
        "sizes": {"S": {**idle, "steps": steps}},
        "functions": dict.fromkeys(FUNCTIONS, NOTHING),
        "memory": dict.fromkeys(FUNCTIONS, 2048),
        "transitions": 0,
        "log_bytes": 0,
    }
    return Figures(**{**values, **changes})  # type: ignore[arg-type]


def test_a_value_lies_on_the_lines_through_what_was_measured() -> None:
    points = [(10.0, 1.0), (20.0, 3.0), (40.0, 4.0)]

    assert [between(points, at) for at in (1, 10, 15, 20, 30, 40, 60)] == [1, 1, 2, 3, 3.5, 4, 5]
    assert between(points[:1], 99) == 1


def test_a_function_takes_its_work_by_its_share_of_a_processor_and_its_waits() -> None:
    receive = {**NOTHING, "seconds": 0.1, "cold": 0.4, "requests": {"dynamodb:GetItem": 3, "s3:CopyObject": 2}}
    slow = known(functions={**known().functions, "receive": receive}, memory={**known().memory, "receive": 1769 / 2})

    assert seconds(slow, "receive", 500) == pytest.approx(0.5 / 0.5 + 3 * 0.010 + 2 * 0.030)
    assert seconds(slow, "receive", 500, cold=False) == pytest.approx(0.1 / 0.5 + 3 * 0.010 + 2 * 0.030)


def test_an_upload_costs_what_each_service_counts() -> None:
    validate = {
        "requests": {"s3:GetObject": 1, "s3:HeadObject": 1, "s3:PutObject": 2, "s3:DeleteObject": 9},
        "read_units": 4,
        "write_units": {"Runs": 3, "indexes": 2},
        "seconds": 0.0,
        "cold": 8.0,
    }
    bill = cost.per_upload(known(functions={**known().functions, "validate": validate}, transitions=11), 1000)

    took = 8.0 + 4 * 0.030 + 9 * 0.030
    assert bill["Lambda, validate"] == pytest.approx(took * 2 * 0.0000133334 + took * 3.5 * 0.0000000309 + 0.2e-6)
    assert bill["Lambda, guard"] == pytest.approx(0.2e-6)
    assert bill["S3, requests"] == pytest.approx(2 * 0.0000004 + 2 * 0.000005)
    assert bill["DynamoDB, writes"] == pytest.approx(5 * 0.625e-6)
    assert bill["DynamoDB, reads"] == pytest.approx(4 * 0.125e-6)
    assert bill["Step Functions"] == pytest.approx(11 * 0.000025)


def test_a_month_is_what_each_district_uploads_and_keeps_and_what_costs_anyway() -> None:
    size = {**known().sizes["S"], "run_files": {**FILES, "source.zip": 10**9}, "lane_files": {"full-set.zip": 10**9}}
    bill = cost.month(known(sizes={"S": size}), 2, kept_days=30)

    assert bill["Transfer Family, endpoint"] == pytest.approx(219)
    assert bill["Transfer Family, data"] == pytest.approx(2 * 30 * 0.04)
    assert bill["S3, storage"] == pytest.approx(2 * 31 * 0.023)
    assert bill["Cognito"] == 0
    assert cost.fixed(prices.FREE_USERS + 100)["Cognito"] == pytest.approx(1.5)


def test_the_table_has_all_lines_and_a_districts_share() -> None:
    told = cost.table({10: cost.Counter(a=20.0), 100: cost.Counter(a=30.0, b=1.0)}, {"b": [1.0, 2.0]}).splitlines()

    assert told[2:] == [
        "| a | 20.00 | 30.00 |",
        "| b | 0.00 | 1.00 |",
        "| **in all** | 20.00 | 31.00 |",
        "| **a district** | 2.000 | 0.310 |",
        "| more, b | 1.00 | 2.00 |",
    ]


def test_a_metric_of_each_flow_is_what_a_large_deployment_pays_most_for() -> None:
    looks = 12 * 730 * 13_000
    other = looks * (0.125e-6 + 0.010 * 0.5 * 0.0000133334 + 300 / 1e9 * 0.5135)

    assert cost.flow_metrics(13_000) == pytest.approx(10_000 * 0.30 + 3_000 * 0.10 + other)


def test_every_price_says_where_it_is_from() -> None:
    assert all(price.source.startswith("https://aws.amazon.com/") for price in prices.PRICES.values())
    assert prices.table().count("\n") == len(prices.PRICES) + 1


def test_the_districts_are_those_of_a_country() -> None:
    sizes = districts.pupils(13_000)
    shares = [sum(size < most for size in sizes) / 13_000 for most in (300, 1_500, 5_000)]

    assert sizes == sorted(sizes)
    assert shares == pytest.approx([0.242, 0.609, 0.874], abs=0.04)
    assert max(sizes) == 900_000
    assert sum(sizes) == pytest.approx(48e6, rel=0.1)
    assert districts.pupils(1) == [pytest.approx(1_000)]


def test_figures_are_kept_beside_those_of_other_measurements(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    keep(file, {"sizes": {"S": 1}, "transitions": 10})
    keep(file, {"sizes": {"M": 2}, "transitions": 11})

    assert json.loads(file.read_text()) == {"sizes": {"S": 1, "M": 2}, "transitions": 11}


def test_the_figures_that_are_kept_are_whole() -> None:
    kept = figures()

    assert set(kept.sizes) == {"S", "M", "L"}
    assert set(FUNCTIONS) <= kept.functions.keys()
    assert set(FUNCTIONS) <= kept.memory.keys()
    assert kept.step("convert", "cpu", 1_000) < kept.step("convert", "cpu", 25_000) < kept.step("convert", "cpu", 5e5)


def test_an_index_is_written_when_its_line_changes_and_twice_when_it_moves() -> None:
    line = {"id": {"S": "r"}, "received_at": {"S": "1"}, "project_key": {"S": "p"}, "flow_key": {"S": "f"}}
    before = {**line, "project_status": {"S": "p#received"}, "status": {"S": "received"}}
    moved = {**before, "project_status": {"S": "p#validating"}, "status": {"S": "validating"}}

    assert list(lines({}, before)) == [1, 1, 1]
    assert list(lines(before, {**before, "steps": {"S": "x"}})) == []
    assert list(lines(before, moved)) == [1, 1, 2]


def test_a_read_is_counted_by_what_is_read_and_each_item_of_a_batch_for_itself() -> None:
    item = {"id": {"S": "x" * 98}}

    assert read_bytes("GetItem", {}) == [0]
    assert read_bytes("Query", {"Items": [item, item]}) == [200]
    assert read_bytes("BatchGetItem", {"Responses": {"Accounts": [item, item]}}) == [100, 100]
