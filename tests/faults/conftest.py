from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from infra import build
from local.apple import AppleStandIn
from local.deploy import WITHOUT_VALIDATION
from tests.infra.assembly import Assembly
from tests.infra.offline import Offline
from tests.support import apple_faults
from tests.support.apple import ED25519, PASSWORD, USERNAME
from tests.support.sftp import running


@pytest.fixture(scope="session")
def definition(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the runs' state machine as it is deployed to the embedded AWS."""
    build.build_layers(build.HOST)
    folder = tmp_path_factory.mktemp("assembly")
    context = json.dumps({"stage": "local", "local": True, "forward_retry_seconds": 1, "forward_retry_rate": 2})
    offline = Offline(tmp_path_factory.mktemp("offline"))
    done = offline.run("python3", "app.py", CDK_CONTEXT_JSON=context, CDK_OUTDIR=str(folder), **WITHOUT_VALIDATION)
    assert done.returncode == 0, done.stdout + done.stderr
    return Assembly(folder, "local").definition("PipelineRuns")


@pytest.fixture
def apple(tmp_path: Path) -> Callable[..., Any]:
    """Starts Apple's stand-in with the faults that are named."""

    def start(*, keys: tuple[asyncssh.SSHKey, ...] = (ED25519,), **options: Any) -> Any:
        return running(AppleStandIn(tmp_path / "apple", USERNAME, PASSWORD, keys, **options))

    return start


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what came of each fault."""
    if apple_faults.ROWS:
        terminalreporter.section("faults at Apple's side")
        terminalreporter.write_line(apple_faults.table())
