"""What the measurement says of a process, and how the page keeps it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.processes import HAS_ANONYMOUS, Taken, run
from benchmarks.tables import rewrite, table


def test_a_process_is_measured_with_its_memory() -> None:
    code = "import os, time; kept = bytearray(os.urandom(50_000_000)); time.sleep(0.1)"
    taken = run([sys.executable, "-c", code])
    assert not taken.failed
    assert taken.wall > 0.1
    assert 50 < taken.peak_mb < 150
    assert 0 < taken.cpu < taken.wall + 1


def test_a_process_that_fails_says_why() -> None:
    assert run([sys.executable, "-c", "raise SystemExit('no roster')"]).failed == "ended with 1: no roster"


@pytest.mark.skipif(not HAS_ANONYMOUS, reason="needs /proc")
def test_a_process_above_its_limit_is_killed() -> None:
    code = "import time; kept = bytearray(b'x' * 200_000_000); time.sleep(60)"
    taken = run([sys.executable, "-c", code], limit_mb=60)
    assert taken.failed == "killed above 60 MB"
    assert taken.wall < 30


def test_the_table_compares_medians_with_the_floor_and_plain_python() -> None:
    taken = {
        "floor": [Taken(1, 1, 9), Taken(2, 1, 9), Taken(9, 1, 9)],
        "Rosterbridge": [Taken(4, 5, 200), Taken(0, 0, 0, "killed above 60 MB")],
        "plain Python": [Taken(24, 24, 1234.5)],
    }
    rows = {line.split(" | ")[0].strip("| "): line.strip("| ").split(" | ") for line in table(taken).splitlines()[2:]}
    assert rows["floor"][1:] == ["2.00 [1.00 – 9.00]", "1.00 [1.00 – 1.00]", "9 [9 – 9]", "1.00", "12.00", "3"]
    assert rows["Rosterbridge"][4:] == ["2.00", "6.00", "2, 1 failed (killed above 60 MB)"]
    assert rows["plain Python"][3:6] == ["1,234 [1,234 – 1,234]", "12.00", "1.00"]


def test_a_table_replaces_the_one_before_and_nothing_else(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- S: written by make bench -->\nold\n<!-- end of S -->\nb\n", encoding="utf-8")
    rewrite(page, "S", "new\n")
    assert page.read_text(encoding="utf-8") == ("a\n<!-- S: written by make bench -->\nnew\n<!-- end of S -->\nb\n")
    with pytest.raises(ValueError, match="no block M"):
        rewrite(page, "M", "new")
