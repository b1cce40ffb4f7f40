"""``rosterbridge runs`` against the running stack: what happened to an upload, as its sender asks for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.sample import write_sample
from tests.support.stack import Sender, StackUnderTest

COMMAND = Path(sys.executable).with_name("rosterbridge")


@pytest.fixture(scope="module")
def sender(stack: StackUnderTest, tmp_path_factory: pytest.TempPathFactory) -> Sender:
    """A sender with a run that succeeded and a newer one that was rejected."""
    sender, folder = stack.create_flow(), tmp_path_factory.mktemp("history")
    stack.upload(write_sample(folder / "good.zip"), sender)
    stack.wait_for_run(sender)
    (folder / "bad.zip").write_text("no ZIP")
    stack.upload(folder / "bad.zip", sender)
    stack.wait_for_run(sender, number=2)
    return sender


@pytest.fixture
def environment(stack: StackUnderTest, sender: Sender, tmp_path: Path) -> dict[str, str]:
    content = {"endpoint": stack.endpoint, "region": stack.region, "outputs": stack.outputs}
    path = tmp_path / "stack.json"
    path.write_text(json.dumps({**content, "project_id": sender.project_id}))
    return {**os.environ, "ROSTERBRIDGE_STACK": str(path)}


def call(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(COMMAND), "runs", *words], env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_the_list_has_each_run_in_a_line_newest_first(environment: dict[str, str]) -> None:
    done = call(environment, "list")

    assert (done.returncode, done.stderr) == (0, "")
    _, bad, good = done.stdout.splitlines()
    assert "rejected" in bad
    assert "bad.zip" in bad
    assert "not a ZIP archive" in bad
    assert "succeeded" in good
    assert "120 students" in good


def test_a_proxy_of_the_machine_is_passed_by(environment: dict[str, str]) -> None:
    proxy = dict.fromkeys(("HTTP_PROXY", "http_proxy"), "http://127.0.0.1:9")

    assert call({**environment, "NO_PROXY": "", "no_proxy": "", **proxy}, "list").returncode == 0


def test_a_run_shows_steps_counts_report_and_places(
    stack: StackUnderTest, sender: Sender, environment: dict[str, str]
) -> None:
    run = stack.runs(sender)[1]

    done = call(environment, "show", run.id[:10])

    assert done.returncode == 0
    assert f"s3://{run.source.bucket}/runs/{run.id}/source.zip" in done.stdout
    assert f"s3://{run.source.bucket}/runs/{run.id}/result.zip" in done.stdout
    lines = {line.split()[0]: line for line in done.stdout.splitlines() if line.strip()}
    assert "forward counts: bytes" in done.stdout
    for step in ("receive", "validate", "convert"):
        assert f"{step} counts: " in done.stdout
    assert lines["users.csv"].split() == ["users.csv", "132", "132", "0", "0"]


def test_a_rejected_run_shows_the_report(stack: StackUnderTest, sender: Sender, environment: dict[str, str]) -> None:
    done = call(environment, "show", stack.runs(sender)[0].id)

    assert done.returncode == 0
    assert "not-a-zip" in done.stdout
    assert "Put the CSV files into one .zip" in done.stdout


def test_programs_get_json(stack: StackUnderTest, sender: Sender, environment: dict[str, str]) -> None:
    listed = json.loads(call(environment, "list", "--json", "--limit", "1").stdout)
    shown = json.loads(call(environment, "show", "--json", listed[0]["id"]).stdout)

    assert [run["status"] for run in listed] == ["rejected"]
    assert shown["run"]["steps"][1]["code"] == "not-a-zip"
    assert shown["report"]["accepted"] is False


def test_an_unknown_run_and_a_stack_that_is_down_are_told_apart(environment: dict[str, str], tmp_path: Path) -> None:
    assert call(environment, "show", "ffffffff").returncode == 2

    content = json.loads(Path(environment["ROSTERBRIDGE_STACK"]).read_text())
    gone = tmp_path / "gone.json"
    gone.write_text(json.dumps({**content, "endpoint": "http://127.0.0.1:9"}))
    done = call({**environment, "ROSTERBRIDGE_STACK": str(gone)}, "list")
    assert done.returncode == 3
    assert "aws-unreachable" in done.stderr
    assert "make run" in done.stderr
