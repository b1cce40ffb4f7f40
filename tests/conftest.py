"""What tests of several kinds share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.support.administration import Administration
from tests.support.stack import StackUnderTest, running_stack

# Folders and modules that use the one running stack; the other modules of e2e start their own
ON_STACK = ("tests/contract/", "tests/e2e/", "tests/faults/test_bad_uploads.py", "tests/console/")
OWN_STACK = ("tests/e2e/test_run.py", "tests/e2e/test_restart.py")


class Lanes(LoadScopeScheduling):
    """Shares out whole folders between processes, and together what uses the running stack, so that it starts once."""

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith(ON_STACK) and not nodeid.startswith(OWN_STACK):
            return "stack"
        return nodeid.split("/")[1]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Lanes | None:
    """Take our own scheduler where tests share what they start."""
    return Lanes(config, log) if config.getvalue("dist") == "loadscope" else None


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackUnderTest]:
    """The deployed local stack, started once."""
    with running_stack(tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture(scope="session")
def administration(stack: StackUnderTest) -> Iterator[Administration]:
    """The users of the running stack, and the API as they have it."""
    found = Administration(stack)
    yield found
    found.close()
