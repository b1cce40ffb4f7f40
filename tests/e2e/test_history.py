"""``rosterbridge runs`` against the running stack: what happened to an upload, as its sender asks for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.sample import write_sample
from local.users import provide_users
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


@pytest.fixture(scope="module")
def environment(stack: StackUnderTest, sender: Sender, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a command finds beside a running stack; nobody has signed in yet, and there is no keyring."""
    folder = tmp_path_factory.mktemp("command")
    users = provide_users(stack.local.aws, stack.outputs, stack.local.organization_id, {})
    own = {"organization_id": stack.local.organization_id, "project_id": sender.project_id}
    content = {"region": stack.region, **own, "api": stack.local.api, **users}
    (folder / "stack.json").write_text(json.dumps(content))
    return {
        **os.environ,
        "ROSTERBRIDGE_STACK": str(folder / "stack.json"),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
    }


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


def test_a_run_shows_steps_counts_report_and_what_can_be_downloaded(
    stack: StackUnderTest, sender: Sender, environment: dict[str, str]
) -> None:
    run = stack.runs(sender)[1]

    done = call(environment, "show", run.id[:10])

    assert done.returncode == 0
    assert "source, result, errors, provenance, report" in done.stdout
    lines = {line.split()[0]: line for line in done.stdout.splitlines() if line.strip()}
    assert "forward counts: bytes" in done.stdout
    for step in ("receive", "validate", "convert"):
        assert f"{step} counts: " in done.stdout
    assert lines["users.csv"].split() == ["users.csv", "132", "132", "0", "0"]


def test_what_apple_got_is_downloaded(
    stack: StackUnderTest, sender: Sender, environment: dict[str, str], tmp_path: Path
) -> None:
    run = stack.runs(sender)[1]

    done = call(environment, "download", run.id, "result", "--output", str(tmp_path / "result.zip"))

    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "result.zip").read_bytes() == stack.landed(run).read_bytes()


def test_a_rejected_run_shows_the_report(stack: StackUnderTest, sender: Sender, environment: dict[str, str]) -> None:
    done = call(environment, "show", stack.runs(sender)[0].id)

    assert done.returncode == 0
    assert "not-a-zip" in done.stdout
    assert "Put the CSV files into one .zip" in done.stdout


def test_watching_a_rejected_run_exits_1(stack: StackUnderTest, sender: Sender, environment: dict[str, str]) -> None:
    assert call(environment, "watch").returncode == 1


def test_programs_get_json(stack: StackUnderTest, sender: Sender, environment: dict[str, str]) -> None:
    listed = json.loads(call(environment, "list", "--json", "--limit", "1").stdout)
    shown = json.loads(call(environment, "show", "--json", listed["items"][0]["id"]).stdout)

    assert [run["status"] for run in listed["items"]] == ["rejected"]
    assert shown["steps"][1]["code"] == "not-a-zip"


def test_a_run_again_has_the_same_outcome(stack: StackUnderTest, sender: Sender, environment: dict[str, str]) -> None:
    made = json.loads(call(environment, "rerun", "--json", stack.runs(sender)[1].id).stdout)

    assert call(environment, "watch", made["id"]).returncode == 0


def test_an_unknown_run_and_a_stack_that_is_down_are_told_apart(environment: dict[str, str], tmp_path: Path) -> None:
    assert call(environment, "show", "ffffffff").returncode == 2

    content = json.loads(Path(environment["ROSTERBRIDGE_STACK"]).read_text())
    gone = tmp_path / "gone.json"
    api = {**content["api"], "url": "http://127.0.0.1:9", "cognito_endpoint": "http://127.0.0.1:9"}
    gone.write_text(json.dumps({**content, "api": api}))
    done = call({**environment, "ROSTERBRIDGE_STACK": str(gone)}, "list")
    assert done.returncode == 3
    assert "make run" in done.stderr
