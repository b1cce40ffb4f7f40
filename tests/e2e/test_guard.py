"""An upload that would remove much waits for somebody, over the deployed stack and the API."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from local.sample import sample_files, write_sample
from rosterbridge.flows.models import Run, RunStatus
from tests.support.administration import Administration
from tests.support.http_client import HttpClient
from tests.support.stack import Sender, StackUnderTest, wait_for


@pytest.fixture
def client(administration: Administration, stack: StackUnderTest) -> HttpClient:
    return administration.client(administration.user(stack.local.organization_id))


@pytest.fixture
def sender(stack: StackUnderTest, tmp_path: Path) -> Sender:
    """Return a sender of whom Apple has 120 students."""
    found = stack.create_flow(guard={})
    stack.upload(write_sample(tmp_path / "first.zip"), found)
    assert stack.wait_for_run(found).status is RunStatus.SUCCEEDED
    return found


@pytest.fixture
def half(tmp_path: Path) -> Path:
    return write_sample(tmp_path / "half.zip", students=60)


def held(stack: StackUnderTest, sender: Sender, path: Path, number: int = 2) -> Run:
    stack.upload(path, sender)
    run = stack.wait_for_status(sender, "held")
    assert len(stack.runs(sender)) == number
    return run


def target(stack: StackUnderTest, run: Run, word: str = "") -> str:
    return f"/v1/organizations/{stack.local.organization_id}/runs/{run.id}{word}"


def students(path: Path) -> int:
    with zipfile.ZipFile(path) as archive:
        return len(archive.read("students.csv").decode().splitlines()) - 1


def test_half_a_roster_is_held_and_goes_on_when_it_is_approved(
    stack: StackUnderTest, client: HttpClient, sender: Sender, half: Path
) -> None:
    run = held(stack, sender, half)
    assert not stack.landed(run).exists()
    shown = client.get(target(stack, run)).json
    assert "60 students would be deactivated" in shown["hold"]["sentence"]
    assert "too-many-removed" in shown["hold"]["reasons"]

    answer = client.post(target(stack, run, "/approve"), {"reason": "The leavers of this year."})

    assert answer.json["hold"]["decision"] == "approved"
    done = stack.wait_for_run(sender, 2)
    assert done.status is RunStatus.SUCCEEDED
    assert students(stack.landed(done)) == 60
    assert [(step.name, step.outcome, step.attempts) for step in done.steps][-2:] == [
        ("guard", "succeeded", 2),
        ("forward", "succeeded", 1),
    ]


def test_a_rejected_one_is_not_sent_and_the_next_good_one_is(
    stack: StackUnderTest, client: HttpClient, sender: Sender, half: Path, tmp_path: Path
) -> None:
    run = held(stack, sender, half)

    client.post(target(stack, run, "/reject"), {"reason": "The export broke off."})

    ended = stack.wait_for_run(sender, 2)
    assert (ended.status, ended.error) == (RunStatus.REJECTED, "hold-rejected")
    assert not stack.landed(run).exists()
    stack.upload(write_sample(tmp_path / "third.zip"), sender)
    assert stack.wait_for_run(sender, 3).status is RunStatus.SUCCEEDED


def test_a_newer_upload_ends_the_one_that_is_held(
    stack: StackUnderTest, client: HttpClient, sender: Sender, half: Path, tmp_path: Path
) -> None:
    run = held(stack, sender, half)

    stack.upload(write_sample(tmp_path / "whole.zip"), sender)

    newer = stack.wait_for_run(sender, 3)
    assert newer.status is RunStatus.SUCCEEDED
    wait_for(lambda: (stack.local.stores.runs.get(run.id) or run).status.final, "the older one ends")
    older = client.get(target(stack, run)).json
    assert (older["status"], older["error"], older["hold"]["decision"]) == ("superseded", "run-overtaken", "superseded")
    assert client.post(target(stack, run, "/approve"), {"reason": "Late."}).json["code"] == "run-not-held"


def test_the_organization_is_told_by_the_trail_who_decided(
    stack: StackUnderTest, client: HttpClient, sender: Sender, half: Path
) -> None:
    run = held(stack, sender, half)
    client.post(target(stack, run, "/approve"), {"reason": "Seen."})
    stack.wait_for_run(sender, 2)

    entries = client.get(f"/v1/organizations/{stack.local.organization_id}/audit").json["items"]
    assert ("approve", run.id) in [(entry["action"], entry["target_id"]) for entry in entries]


def test_a_delta_package_is_applied_to_what_the_flow_has_and_apple_gets_the_full_set(
    stack: StackUnderTest, sender: Sender, tmp_path: Path
) -> None:
    files = sample_files()
    header, *rows = files["users.csv"].splitlines()
    student = next(row for row in rows if ",student," in row)
    columns = header.split(",")
    changed = dict(zip(columns, student.split(","), strict=True))
    changed |= {"status": "active", "dateLastModified": "2026-11-01T06:00:00.000Z", "familyName": "Newname"}
    manifest = files["manifest.csv"].replace("file.users,bulk", "file.users,delta")
    for name in ("orgs", "courses", "classes", "enrollments", "academicSessions"):
        manifest = manifest.replace(f"file.{name},bulk", f"file.{name},absent")
    delta = tmp_path / "delta.zip"
    with zipfile.ZipFile(delta, "w") as archive:
        archive.writestr("manifest.csv", manifest)
        archive.writestr("users.csv", f"{header}\n{','.join(changed[column] for column in columns)}\n")

    stack.upload(delta, sender)

    run = stack.wait_for_run(sender, 2)
    assert run.status is RunStatus.SUCCEEDED
    assert students(stack.landed(run)) == 120
    with zipfile.ZipFile(stack.landed(run)) as archive:
        assert archive.read("students.csv").decode().count("Newname") == 1
    step = run.step("guard")
    assert step is not None
    assert (step.counts["students_changed"], step.counts["students_removed"]) == (1, 0)


def test_a_delta_package_without_a_full_set_is_rejected(stack: StackUnderTest, tmp_path: Path) -> None:
    fresh = stack.create_flow()
    delta = tmp_path / "delta.zip"
    with zipfile.ZipFile(delta, "w") as archive:
        for name, text in sample_files().items():
            archive.writestr(name, text.replace(",bulk", ",delta") if name == "manifest.csv" else text)

    stack.upload(delta, fresh)

    run = stack.wait_for_run(fresh)
    assert run.status is RunStatus.REJECTED
    assert "delta-without-state" in stack.report(run)
