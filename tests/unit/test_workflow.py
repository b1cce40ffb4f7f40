"""Continuous integration runs nothing that somebody else may change, may write nothing, and calls make's targets."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
WORKFLOW: dict[str, Any] = yaml.safe_load(TEXT)
STEPS = [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]


def test_every_action_is_pinned_by_its_commit_with_the_version_beside_it() -> None:
    used = re.findall(r"uses: (.*)", TEXT)

    assert len(used) == len([step for step in STEPS if "uses" in step])
    assert [line for line in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []


def test_it_may_read_the_repository_and_only_the_diff_may_ask_for_a_role() -> None:
    permissions = {name: job.get("permissions") for name, job in WORKFLOW["jobs"].items()}

    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert permissions.pop("diff") == {"contents": "read", "id-token": "write"}
    assert set(permissions.values()) == {None}


def test_the_diff_runs_only_for_our_own_pull_requests_and_where_a_role_is_named() -> None:
    condition = WORKFLOW["jobs"]["diff"]["if"]

    assert "github.event_name == 'pull_request'" in condition
    assert "vars.AWS_DIFF_ROLE != ''" in condition
    assert "head.repo.full_name == github.repository" in condition


def test_what_it_runs_are_targets_of_make() -> None:
    targets = set(re.findall(r"^([\w./-]+|\$\(\w+\)[\w./-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    called = [word for step in STEPS for word in step.get("run", "").removeprefix("make ").split() if word.isalpha()]

    assert {"check", "test", "synth", "diff"} <= set(called)
    assert set(called) <= targets
