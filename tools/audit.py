"""Ask what is known against the pinned dependencies: pip-audit about the lock files, npm audit about those of npm.

What is found fails. Where no database of vulnerabilities answers, that is said and nothing fails, unless ``--required``
is given: both tools would otherwise pass in silence, or fail, depending on how the answer is missing.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
# The first one is small: when nobody answers for it, the others are not asked about
LOCKS = (
    "requirements.txt",
    "requirements-dev.txt",
    "layers/dependencies/base/requirements.txt",
    "layers/dependencies/roster/requirements.txt",
    "layers/dependencies/sftp/requirements.txt",
    "local/requirements.txt",
    "benchmarks/requirements.txt",
)
NODE_LOCKS = ("package-lock.json", "web/package-lock.json")
PIP_AUDIT = ("pip-audit", "--require-hashes", "--disable-pip", "--progress-spinner", "off", "--format", "json")
NPM_AUDIT = ("npm", "audit", "--json", "--package-lock-only", "--fetch-retries", "0", "--fetch-timeout", "15000")
# What the tools say when it is the database that does not answer, and not our files that are wrong
NO_ANSWER = ("requests.exceptions.", "ServiceError", "vulnerability feed", "redirecting", "audit endpoint")


class BrokenAuditError(RuntimeError):
    """The tool itself failed; the text is what it said last."""


@dataclass(frozen=True)
class Answer:
    """What a database said: ``asked`` counts the packages that it knows, ``findings`` has a line for each fault."""

    asked: int
    findings: tuple[str, ...] = ()


def read_pip_audit(output: str, errors: str) -> Answer:
    """Return pip-audit's answer; a package that the database does not know is not asked about."""
    report = _report(output, "dependencies", errors)
    if report is None:
        return Answer(0)
    known = [package for package in report["dependencies"] if "skip_reason" not in package]
    findings = tuple(
        f"{package['name']} {package['version']}: {fault['id']}, mended in {', '.join(fault['fix_versions']) or 'none'}"
        for package in known
        for fault in package["vulns"]
    )
    return Answer(len(known), findings)


def read_npm_audit(output: str, errors: str) -> Answer:
    """Return npm audit's answer."""
    report = _report(output, "auditReportVersion", errors)
    if report is None:
        return Answer(0)
    findings = tuple(
        f"{name} {fault['range']}: {fault['severity']}" for name, fault in report["vulnerabilities"].items()
    )
    return Answer(report["metadata"]["dependencies"]["total"], findings)


def _report(output: str, mark: str, errors: str) -> dict[str, Any] | None:
    """Return the report, or none when nobody answered; raises BrokenAuditError for anything else."""
    try:
        report = json.loads(output)
    except ValueError:
        report = {}
    if mark in report:
        return dict(report)
    if any(words in errors for words in NO_ANSWER):
        return None
    lines = errors.strip().splitlines() or [output]
    raise BrokenAuditError(lines[-1])


def _run(*command: str) -> tuple[str, str]:
    done = subprocess.run(  # noqa: S603 fixed words and our own lock files
        [str(BIN / command[0]), *command[1:]],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"},  # npm looks for node
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout, done.stderr


def audit_python() -> Answer:
    """Ask about each lock file, until one gets no answer."""
    answers: list[Answer] = []
    for lock in LOCKS:
        answer = read_pip_audit(*_run(*PIP_AUDIT, "--requirement", lock))
        if not answer.asked:
            return Answer(0, tuple(line for earlier in answers for line in earlier.findings))
        answers.append(answer)
    findings = dict.fromkeys(line for answer in answers for line in answer.findings)
    return Answer(sum(answer.asked for answer in answers), tuple(findings))


def audit_node() -> Answer:
    """Ask about each ``package-lock.json``."""
    places = (str((ROOT / lock).parent) for lock in NODE_LOCKS)
    answers = [read_npm_audit(*_run(*NPM_AUDIT, "--prefix", place)) for place in places]
    if not all(answer.asked for answer in answers):
        return Answer(0, tuple(line for answer in answers for line in answer.findings))
    findings = dict.fromkeys(line for answer in answers for line in answer.findings)
    return Answer(sum(answer.asked for answer in answers), tuple(findings))


def main() -> None:
    """Print what each database said, and exit with 1 where something was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--required", action="store_true", help="fail where no database answers")
    required = parser.parse_args().required
    failed = False
    for name, audit in (("pip-audit", audit_python), ("npm audit", audit_node)):
        answer = audit()
        for line in answer.findings:
            sys.stdout.write(f"{name}: {line}\n")
        if answer.asked:
            sys.stdout.write(f"{name}: {answer.asked} packages, {len(answer.findings)} findings\n")
        else:
            sys.stdout.write(f"{name}: SKIPPED, no database of vulnerabilities answered\n")
        failed = failed or bool(answer.findings) or (required and not answer.asked)
    sys.exit(failed)


if __name__ == "__main__":
    main()
