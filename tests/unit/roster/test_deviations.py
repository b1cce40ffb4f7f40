"""What no rule forbids and what looks wrong all the same, over frames of either format."""

from __future__ import annotations

import polars as pl
import pytest

from rosterbridge.roster.codes import levels
from rosterbridge.roster.deviations import note_missing, note_same_names, note_shared_values, note_similar_ids
from rosterbridge.roster.findings import LINE, Findings


def frame(column: str, *values: str) -> pl.DataFrame:
    return pl.DataFrame({column: values, LINE: range(2, 2 + len(values))}, schema={column: pl.String, LINE: pl.UInt32})


def noted(findings: Findings) -> list[tuple[str, str | None, int | None, str | None, int]]:
    return [
        (entry.code, entry.file, entry.line, entry.column, total.count)
        for entry, total in zip(findings.entries, findings.totals, strict=True)
    ]


def test_addresses_are_shared_in_any_case_and_over_files() -> None:
    findings = Findings()
    students = frame("email", "", "a@school.example", "b@school.example", "")
    staff = frame("email", "c@school.example", "B@School.example", "a@school.example", "b@school.example")
    note_shared_values({"students.csv": students, "staff.csv": staff}, ["email"], findings)
    assert noted(findings) == [("shared-value", "students.csv", 3, "email", 2)]


def test_user_names_are_compared_as_they_are() -> None:
    findings = Findings()
    note_shared_values({"users.csv": frame("username", "Ada", "ada", "", "")}, ["username"], findings)
    assert findings.entries == []
    note_shared_values({"users.csv": frame("username", "x", "ada", "ada")}, ["username"], findings)
    assert noted(findings) == [("shared-value", "users.csv", 3, "username", 1)]


@pytest.mark.parametrize(
    ("ids", "count"),
    [
        (["p1", "p2", "p10"], 0),
        (["p1", "P1", "q"], 2),
        (["7", "007", "070"], 2),
        (["p1", "p1"], 0),
        (["", "0"], 0),
        (["a", "A", "0a", "b", "B"], 5),
    ],
)
def test_similar_ids_differ_in_case_or_leading_zeros_only(ids: list[str], count: int) -> None:
    findings = Findings()
    note_similar_ids({"users.csv": frame("sourcedId", *ids)}, "sourcedId", findings)
    assert [total.count for total in findings.totals] == ([count] if count else [])


def test_locations_of_one_name_are_counted() -> None:
    findings = Findings()
    note_same_names({"orgs.csv": frame("name", "South", "North", "", "north", "")}, "name", findings)
    assert noted(findings) == [("same-name-location", "orgs.csv", 3, "name", 2)]


def test_missing_addresses_are_counted_only_where_a_flow_wants_it() -> None:
    people = {"students.csv": frame("email_address", "", "a@school.example", "")}
    silent = Findings()
    note_missing(people, "missing-email", "email_address", silent)
    assert silent.totals == ()
    findings = Findings(levels("lenient", {"missing-email": "warning"}))
    note_missing(people, "missing-email", "email_address", findings)
    assert noted(findings) == [("missing-email", "students.csv", None, "email_address", 2)]
