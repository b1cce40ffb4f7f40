"""What tests of several kinds share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.support.administration import Administration
from tests.support.stack import StackUnderTest, running_stack

# Folders and modules that use the one running stack, and those in them that do without or start their own
ON_STACK = ("tests/console/", "tests/contract/", "tests/e2e/", "tests/faults/test_bad_uploads.py")
APART = (
    "tests/contract/test_delivery.py",
    "tests/contract/test_emulator_iam.py",
    "tests/contract/test_emulator_users.py",
    "tests/contract/test_operations.py",
    "tests/contract/test_processes.py",
    "tests/contract/test_sftp_front_files.py",
    "tests/contract/test_tracing.py",
    "tests/e2e/test_run.py",
    "tests/e2e/test_restart.py",
)


def is_on_stack(nodeid: str) -> bool:
    """Return whether a test is one of those that use the one running stack."""
    return nodeid.startswith(ON_STACK) and not nodeid.startswith(APART)


class Lanes(LoadScopeScheduling):
    """Shares out whole folders between processes, and together what uses the running stack, so that it starts once."""

    def _split_scope(self, nodeid: str) -> str:
        return "stack" if is_on_stack(nodeid) else nodeid.split("/")[1]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Lanes | None:
    """Take our own scheduler where tests share what they start."""
    return Lanes(config, log) if config.getvalue("dist") == "loadscope" else None


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackUnderTest]:
    """The deployed local stack, started once."""
    first = request._pyfuncitem.nodeid
    assert is_on_stack(first), f"{first} is APART, and would start a second stack beside the first"
    with running_stack(tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture(scope="session")
def administration(stack: StackUnderTest) -> Iterator[Administration]:
    """The users of the running stack, and the API as they have it."""
    found = Administration(stack)
    yield found
    found.close()
