"""The audit of the dependencies fails for what is found, and says when nobody could be asked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from tools.audit import LOCKS, NODE_LOCKS, BrokenAuditError, read_npm_audit, read_pip_audit

ROOT = Path(__file__).parents[2]
NOBODY = "http://127.0.0.1:9"  # where nothing listens
KINDS = ("requirements*.txt", "package-lock.json")
FAULT = {"id": "PYSEC-2026-1", "fix_versions": ["5.1.0"], "aliases": [], "description": "A fault."}


def pip_report(*packages: dict[str, Any]) -> str:
    return json.dumps({"dependencies": list(packages), "fixes": []})


def test_a_known_fault_of_a_python_package_names_package_fault_and_mend() -> None:
    output = pip_report(
        {"name": "paramiko", "version": "4.0.0", "vulns": [FAULT]}, {"name": "uv", "version": "1", "vulns": []}
    )

    answer = read_pip_audit(output, "Found 1 known vulnerability in 1 package")

    assert answer.findings == ("paramiko 4.0.0: PYSEC-2026-1, mended in 5.1.0",)
    assert answer.asked == 2


def test_a_database_that_knows_no_package_was_not_asked_although_the_tool_says_that_all_is_well() -> None:
    output = pip_report({"name": "uv", "skip_reason": "Dependency not found on PyPI and could not be audited"})

    assert read_pip_audit(output, "No known vulnerabilities found").asked == 0


def test_a_known_fault_of_an_npm_package_names_package_versions_and_severity() -> None:
    report = {
        "auditReportVersion": 2,
        "vulnerabilities": {"ajv": {"name": "ajv", "severity": "moderate", "range": "<6.12.3", "via": []}},
        "metadata": {"dependencies": {"total": 13}},
    }

    answer = read_npm_audit(json.dumps(report), "")

    assert (answer.asked, answer.findings) == (13, ("ajv <6.12.3: moderate",))


@pytest.mark.parametrize(
    ("output", "errors"),
    [
        ("", "ERROR:pip_audit._cli:requirement uv==1 does not contain a hash"),
        ('{"error": {"code": "ENOLOCK"}}', "npm error code ENOLOCK"),
    ],
)
def test_a_tool_that_fails_otherwise_is_not_taken_for_a_database_that_is_away(output: str, errors: str) -> None:
    with pytest.raises(BrokenAuditError):
        read_pip_audit(output, errors)


def test_every_lock_file_is_audited() -> None:
    found = []
    for folder, below, names in os.walk(ROOT):
        below[:] = [name for name in below if not name.startswith(".") and name != "node_modules"]
        place = Path(folder).relative_to(ROOT)
        found += [str(place / name) for name in names if any(fnmatch(name, kind) for kind in KINDS)]

    assert sorted(found) == sorted((*LOCKS, *NODE_LOCKS))


@pytest.mark.parametrize(("flags", "code"), [((), 0), (("--required",), 1)])
def test_without_a_network_the_audit_says_that_it_was_skipped_and_fails_only_where_it_is_required(
    flags: tuple[str, ...], code: int
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.audit", *flags],
        cwd=ROOT,
        env={**os.environ, "HTTPS_PROXY": NOBODY, "npm_config_registry": NOBODY},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.splitlines() == [
        "pip-audit: SKIPPED, no database of vulnerabilities answered",
        "npm audit: SKIPPED, no database of vulnerabilities answered",
    ]
    assert done.returncode == code, done.stderr
