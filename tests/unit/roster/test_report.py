"""What a report says of itself."""

from __future__ import annotations

from rosterbridge.roster.report import counted


def test_rows_are_counted_in_words_in_apples_order_and_nothing_else_is() -> None:
    counts = {"bytes": 2048, "locations.csv": 1, "classes.csv": 1, "students.csv": 1248, "staff.csv": 1}
    assert counted(counts) == "1,248 students, 1 staff, 1 class, 1 location"
