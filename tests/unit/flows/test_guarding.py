"""The guard: which uploads wait for somebody, and what they are told would happen."""

from __future__ import annotations

import gzip
from datetime import date, timedelta
from typing import Any

import pytest

from rosterbridge.errors import PermanentError
from rosterbridge.flows.guarding import FIRST
from rosterbridge.flows.messages import message
from rosterbridge.flows.models import Flow, GuardRules, Run, RunStatus, Window
from tests.support import flows, rosters
from tests.support.pipeline import Pipeline

TODAY = flows.AT.date()
STUDENTS = 40


def asm(students: int = STUDENTS, **changes: Any) -> bytes:
    """Return a clean package of so many students; ``first`` is their first name."""
    first = changes.get("first", "Ada")
    files = rosters.asm()
    header = files["students.csv"].splitlines()[0]
    known = [f"p{number},,{first},,Student,,,,,s1," for number in range(students)]
    files["students.csv"] = "\n".join([header, *known]) + "\n"
    roster = [f"e{number},c1,p{number}" for number in range(students)]
    files["rosters.csv"] = "\n".join(["roster_id,class_id,student_id", *roster]) + "\n"
    files["classes.csv"] += "c2,B,k1,t1,,,s1\n"
    files.update(changes.get("files", {}))
    return rosters.zip_bytes(files)


def pipeline(**rules: Any) -> Pipeline:
    """Return a pipeline whose first upload Apple has."""
    sent = Pipeline(asm(), template="asm-csv", guard=GuardRules(**rules))
    sent.prepare()
    assert sent.check().decision == "forward"
    assert sent.forward().outcome == "sent"
    return sent


def held(sent: Pipeline, content: bytes, *, hours: float = 24) -> Run:
    run = sent.receive(content, hours=hours)
    sent.prepare(run)
    assert sent.check(run).decision == "hold"
    sent.guard().hold(run.id, f"token of {run.id}")
    return sent.now(run)


def test_the_first_upload_of_a_flow_is_not_held() -> None:
    first = Pipeline(asm(), guard=GuardRules(removed_share=0, changed_share=0))
    first.prepare()

    assert first.check().decision == "forward"
    assert first.step("guard").message == FIRST
    assert first.run.changes is None


def test_the_same_upload_again_changes_nothing_and_goes_on() -> None:
    sent = pipeline(removed_share=0, changed_share=0)
    again = sent.send(asm(), hours=24)

    step = again.step("guard")
    assert step is not None
    assert set(step.counts.values()) == {0}
    assert again.changes is not None
    assert gzip.decompress(sent.objects.content(again.changes)).decode() == "file,change,id\n"


@pytest.mark.parametrize(("left", "decision"), [(36, "forward"), (35, "hold"), (1, "hold")])
def test_more_than_a_tenth_of_a_file_removed_waits_for_somebody(left: int, decision: str) -> None:
    sent = pipeline()
    run = sent.receive(asm(left), hours=24)
    sent.prepare(run)

    assert sent.check(run).decision == decision

    step = sent.now(run).step("guard")
    assert step is not None
    assert step.counts["students_removed"] == STUDENTS - left
    assert step.outcome == ("held" if decision == "hold" else "succeeded")


def test_a_held_run_says_what_would_happen_in_apples_terms_and_lists_the_ids() -> None:
    sent = pipeline()

    run = held(sent, asm(9))

    assert run.status is RunStatus.HELD
    assert run.hold is not None
    assert run.hold.reasons == ("too-many-removed",)
    assert run.hold.sentence.startswith(
        "Held: 31 students would be deactivated; 31 students taken out of classes. More rows of a file would be removed"
    )
    assert run.summary == run.hold.sentence
    assert run.hold.until - run.hold.since == timedelta(days=7)
    assert run.changes is not None
    listed = gzip.decompress(sent.objects.content(run.changes)).decode().splitlines()
    assert "students.csv,removed,p9" in listed
    assert len(listed) == 1 + 2 * 31
    assert sent.lanes.get("flow-1").held == run.id
    assert len(sent.delivery.received) == 1


def test_a_removed_class_is_told_with_its_schoolwork_progress() -> None:
    sent = Pipeline(asm(), template="asm-csv", guard=GuardRules(removed_share=0, least_rows=1))
    sent.prepare()
    sent.check()
    sent.forward()

    run = held(sent, asm(files={"classes.csv": rosters.asm()["classes.csv"]}))

    assert run.hold is not None
    assert "1 class removed with its Schoolwork progress" in run.hold.sentence


def test_small_files_are_not_counted_in_shares() -> None:
    sent = pipeline(least_rows=STUDENTS + 1)

    assert sent.send(asm(1), hours=24).status is RunStatus.FORWARDING


def test_a_file_that_would_become_empty_waits_however_small_it_is() -> None:
    sent = pipeline(least_rows=1_000_000)
    header = rosters.asm()["staff.csv"].splitlines()[0]
    classes = rosters.asm()["classes.csv"].splitlines()
    emptied = [classes[0], *(",".join([*row.split(",")[:3], "", "", "", row.split(",")[-1]]) for row in classes[1:])]

    run = held(sent, asm(files={"staff.csv": f"{header}\n", "classes.csv": "\n".join(emptied) + "\n"}))

    assert run.hold is not None
    assert run.hold.reasons == ("file-emptied",)


def test_more_than_three_quarters_changed_waits_for_somebody() -> None:
    sent = pipeline()

    run = held(sent, asm(first="Grace"))

    assert run.hold is not None
    assert run.hold.reasons == ("too-many-changed",)
    assert "40 students changed" in run.hold.sentence


def test_a_change_of_a_part_goes_on() -> None:
    sent = pipeline(changed_share=1)

    assert sent.send(asm(first="Grace"), hours=24).step("guard") is not None


@pytest.mark.parametrize(("days", "decision"), [(0, "hold"), (1, "forward")])
def test_in_an_additions_only_window_nothing_may_go(days: int, decision: str) -> None:
    day = TODAY + timedelta(days=days)
    sent = pipeline(removed_share=1, additions_only=(Window(first=day, last=day),))
    more, less = sent.receive(asm(STUDENTS + 1), hours=1), sent.receive(asm(STUDENTS - 1), hours=2)
    for run in (more, less):
        sent.prepare(run)

    assert sent.check(more).decision == "forward"
    assert sent.check(less).decision == decision


def test_on_a_blackout_day_of_the_flows_time_zone_nothing_is_sent() -> None:
    day = date(2026, 10, 1)  # 06:30 in UTC, the evening before in Honolulu
    for zone, decision in (("UTC", "hold"), ("Pacific/Honolulu", "forward")):
        other = Pipeline(asm(), guard=GuardRules(blackouts=(Window(first=day, last=day),)), time_zone=zone)
        other.prepare()
        assert other.check().decision == decision
        if decision == "hold":
            assert other.run.summary == f"Held: {message('blackout')} Approve or reject it."


def test_what_was_approved_is_not_asked_for_again() -> None:
    sent = pipeline()
    run = held(sent, asm(1))
    assert run.hold is not None
    sent.runs.decide(run.id, run.hold.model_copy(update={"decision": "approved"}))

    assert sent.check(run).decision == "forward"
    assert sent.forward(run).outcome == "sent"


def test_an_approval_is_for_the_difference_that_was_shown_and_no_other() -> None:
    sent = pipeline()
    waits = sent.receive(asm(STUDENTS + 60), hours=1)  # in the retries of its delivery
    sent.prepare(waits)
    assert sent.check(waits).decision == "forward"
    run = held(sent, asm(1), hours=24)
    assert sent.forward(waits).outcome == "sent"
    assert run.hold is not None
    sent.runs.decide(run.id, run.hold.model_copy(update={"decision": "approved"}))

    assert sent.check(run).decision == "hold"

    again = sent.now(run).hold
    assert again is not None
    assert (again.decision, again.compared) == (None, waits.id)
    assert "99 students would be deactivated" in again.sentence


def test_a_newer_upload_that_goes_on_ends_the_held_one() -> None:
    sent = pipeline()
    run = held(sent, asm(1))

    sent.send(asm(STUDENTS + 1), hours=48)

    stored = sent.now(run).hold
    assert stored is not None
    assert stored.decision == "superseded"
    assert sent.waiting.resumed == {f"token of {run.id}": "superseded"}


def test_a_newer_upload_that_is_held_too_ends_the_held_one() -> None:
    sent = pipeline()
    older, newer = held(sent, asm(1)), held(sent, asm(2), hours=48)

    assert sent.waiting.resumed == {f"token of {older.id}": "superseded"}
    assert sent.lanes.get("flow-1").held == newer.id


def test_an_older_upload_that_is_checked_late_ends_no_newer_one() -> None:
    sent = pipeline()
    older = sent.receive(asm(STUDENTS + 1), hours=1)
    sent.prepare(older)
    newer = held(sent, asm(1))

    assert sent.check(older).decision == "forward"
    assert sent.waiting.resumed == {}
    assert sent.now(newer).status is RunStatus.HELD


def test_a_run_that_becomes_held_after_a_newer_one_was_sent_is_ended_at_once() -> None:
    sent = pipeline()
    older = sent.receive(asm(1), hours=1)
    sent.prepare(older)
    assert sent.check(older).decision == "hold"
    sent.send(asm(STUDENTS + 1), hours=2)

    sent.guard().hold(older.id, "token")

    assert sent.waiting.resumed == {"token": "superseded"}


def test_an_overtaken_run_is_not_compared_any_more() -> None:
    sent = pipeline()
    older = sent.receive(asm(1), hours=1)
    sent.prepare(older)
    sent.send(asm(STUDENTS + 1), hours=2)

    assert sent.check(older).decision == "superseded"

    ended = sent.now(older)
    assert ended.summary == message("run-overtaken")
    step = ended.step("guard")
    assert step is not None
    assert (step.outcome, step.code) == ("superseded", "run-overtaken")


def test_an_ended_run_does_not_wait() -> None:
    sent = pipeline()
    run = sent.receive(asm(1), hours=1)
    sent.prepare(run)
    sent.check(run)
    sent.runs.end(run.id, status=RunStatus.FAILED, ended_at=flows.AT)

    with pytest.raises(PermanentError, match="run-ended"):
        sent.guard().hold(run.id, "token")


def test_the_fingerprints_that_are_kept_hold_ids_and_no_name() -> None:
    sent = pipeline()
    lane = sent.lanes.get("flow-1")
    assert lane.sent is not None
    assert lane.sent.fingerprints.key == f"lanes/flow-1/{sent.received.id}/fingerprints.parquet"
    assert b"Student" not in sent.objects.content(lane.sent.fingerprints)


def test_of_a_flow_only_the_files_of_the_last_sent_run_are_kept() -> None:
    sent = pipeline()
    run = sent.send(asm(STUDENTS + 1), hours=24)

    kept = [key for key in sent.objects.keys("runs") if key.startswith("lanes/")]
    assert kept == [f"lanes/flow-1/{run.id}/fingerprints.parquet"]
    assert sent.accounts.get(Flow, flows.ORGANIZATION, "flow-1") is not None


def test_a_run_that_is_sent_while_the_next_one_is_compared_is_what_that_one_is_compared_with() -> None:
    sent = pipeline()
    second, third = sent.receive(asm(STUDENTS + 1), hours=24), sent.receive(asm(STUDENTS + 3), hours=24.1)
    for run in (second, third):
        sent.prepare(run)
    sent.check(second)
    guard, known = sent.guard(), sent.lanes.get

    def sent_meanwhile(flow_id: str) -> Any:
        sent.lanes.get = known  # type: ignore[method-assign]
        lane = known(flow_id)
        sent.forward(second)  # which removes what was kept of the first
        return lane

    sent.lanes.get = sent_meanwhile  # type: ignore[method-assign]

    assert guard.check(third.id).decision == "forward"
    compared = sent.now(third)
    assert compared.compared == second.id
    step = compared.step("guard")
    assert step is not None
    assert step.counts["students_added"] == 2
