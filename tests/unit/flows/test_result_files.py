from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest

from rosterbridge.flows.models import Hold, ObjectRef, Run, RunStatus
from rosterbridge.flows.result_files import ResultFiles, result_name
from rosterbridge.roster.documents import report_to_json
from rosterbridge.roster.report import Entry, FileCounts, Report, Total
from tests.support import flows
from tests.support.fakes import FakeAccountStore, FakeObjectStore

HOMES = "homes"
FOLDER = "home/fa-1/reports/"


class Home:
    """Result files over fakes, with one file account ``fa-1``."""

    def __init__(self) -> None:
        self.accounts, self.objects = FakeAccountStore(), FakeObjectStore()
        self.accounts.put(flows.file_account(id="fa-1"))
        self.results = ResultFiles(self.accounts, self.objects, HOMES)

    def write(self, run: Run) -> str:
        """Write the run's result and return its text."""
        self.results.write(run)
        return self.text(f"{result_name(run)}.txt")

    def text(self, name: str) -> str:
        return self.objects.get_text(ObjectRef(bucket=HOMES, key=f"{FOLDER}{name}"))

    def rows(self, name: str) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(self.text(name).removeprefix("\ufeff"))))

    def names(self) -> list[str]:
        return [key.removeprefix(FOLDER) for key in self.objects.keys(HOMES, FOLDER)]

    def report(self, report: Report) -> ObjectRef:
        ref = ObjectRef(bucket="runs", key="runs/x/report.json")
        self.objects.put_text(report_to_json(report), ref)
        return ref


def ended(**changes: Any) -> Run:
    values: dict[str, Any] = {
        "id": "0123456789abcdef0123456789abcdef",
        "file_account_id": "fa-1",
        "file_name": "roster.zip",
        "status": RunStatus.REJECTED,
        "summary": "Rejected: classes.csv is missing.",
        "ended_at": flows.AT + timedelta(seconds=4),
    }
    return flows.run(**{**values, **changes})


def entry(line: int, message: str = "The value is missing.") -> Entry:
    return Entry("missing-value", "error", message, "Fill it in.", "users.csv", line, "=sourcedId")


def test_a_result_says_what_happened_what_to_do_and_where() -> None:
    home = Home()
    report = Report(
        accepted=False,
        format="oneroster",
        summary="",
        entries=(entry(7), entry(9)),
        totals=(Total("missing-value", "error", "users.csv", 2),),
        counts={"users.csv": FileCounts(read=1200, sent=1190, left_out=8, dropped=2)},
    )

    text = home.write(ended(report=home.report(report)))

    lines = text.split("\r\n")
    assert lines[:2] == [
        "Rejected: classes.csv is missing.",
        "Mend what is listed here and upload the file again. Apple School Manager stays as it is.",
    ]
    assert "  users.csv: 1,200 read, 1,190 sent, 8 left out, 2 with errors" in lines
    assert lines[-3:] == ["users.csv:7 - The value is missing", "users.csv:9 - The value is missing", ""]
    assert home.names() == [
        "2026-10-01 06-30-04 rejected roster 01234567.csv",
        "2026-10-01 06-30-04 rejected roster 01234567.txt",
    ]
    rows = home.rows("2026-10-01 06-30-04 rejected roster 01234567.csv")
    assert [(row["code"], row["line"], row["column"]) for row in rows] == [
        ("missing-value", "7", "'=sourcedId"),
        ("missing-value", "9", "'=sourcedId"),
    ]


def test_a_long_report_shows_its_first_lines_and_how_many_there_are() -> None:
    home = Home()
    entries = tuple(entry(line) for line in range(2, 502))
    totals = (Total("missing-value", "error", "users.csv", 12_345),)
    report = Report(accepted=False, format="oneroster", summary="", entries=entries, totals=totals)

    text = home.write(ended(report=home.report(report)))

    assert "Errors and warnings, the first 200 of 12,345" in text
    assert (text.count("users.csv:"), "users.csv:201 " in text, "users.csv:202 " in text) == (200, True, False)


def test_a_run_without_a_report_has_its_own_sentence_in_the_sheet() -> None:
    home = Home()
    run = ended(status=RunStatus.FAILED, error="asm-unreachable", summary="Apple's server could not be reached.")

    assert home.write(run).startswith("Failed: Apple's server could not be reached.\r\n")
    (row,) = home.rows(f"{result_name(run)}.csv")
    assert (row["code"], row["message"]) == ("asm-unreachable", "Apple's server could not be reached.")


def test_a_report_that_has_expired_is_as_if_there_were_none() -> None:
    home = Home()
    run = ended(report=ObjectRef(bucket="runs", key="runs/gone/report.json"))

    assert "Rejected: classes.csv is missing." in home.write(run)


def test_a_held_run_is_told_with_the_time_of_its_hold() -> None:
    home = Home()
    since = flows.AT + timedelta(hours=1)
    hold = Hold(reasons=("too-many-removed",), sentence="Held: 31 students", since=since, until=since)
    run = ended(status=RunStatus.HELD, ended_at=None, hold=hold, summary="Held: 31 students would be deactivated.")

    text = home.write(run)

    assert text.startswith("Held: 31 students would be deactivated.\r\nNothing is sent until an administrator")
    assert "Held      2026-10-01 07:30:00 UTC" in text
    assert result_name(run).startswith("2026-10-01 07-30-00 held roster ")


@pytest.mark.parametrize(
    ("uploaded", "shown"),
    [
        ("roster.zip", "roster"),
        ("ROSTER.ZIP", "ROSTER"),
        ("våre elever (1).zip", "v_re_elever_1"),
        ("../../x.zip", "x"),
        ("a\r\nb.zip", "a_b"),
        ("=cmd|' /C calc'!A0.zip", "cmd_C_calc_A0"),
        ("生徒.zip", "upload"),
        ("x" * 300 + ".zip", "x" * 60),
    ],
)
def test_a_result_is_named_by_time_status_and_the_safe_part_of_the_upload(uploaded: str, shown: str) -> None:
    assert result_name(ended(file_name=uploaded)) == f"2026-10-01 06-30-04 rejected {shown} 01234567"


def test_the_same_result_written_again_is_one() -> None:
    home = Home()

    assert home.write(ended()) == home.write(ended())
    assert len(home.names()) == 2


def test_the_last_thirty_results_stay_and_no_file_of_a_client_goes() -> None:
    home = Home()
    own = ObjectRef(bucket=HOMES, key=f"{FOLDER}2020-01-01 my notes.txt")
    home.objects.put(own, b"mine")
    runs = [ended(id=f"{number:08x}" * 4, ended_at=flows.AT + timedelta(days=number)) for number in range(33)]

    for run in runs:
        home.write(run)

    assert home.names() == sorted(
        ["2020-01-01 my notes.txt", *(f"{result_name(run)}{end}" for run in runs[3:] for end in (".csv", ".txt"))]
    )


def test_the_home_of_a_removed_account_stays_empty() -> None:
    home = Home()

    home.results.write(ended(file_account_id="fa-2"))

    assert home.objects.keys(HOMES) == []
