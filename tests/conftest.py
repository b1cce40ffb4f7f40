"""What tests of several kinds share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.stack import StackUnderTest, running_stack

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Share out whole folders between processes, and apart what uses the running stack, so that it starts once."""
    for item in items:
        on_stack = "stack" in getattr(item, "fixturenames", ())
        group = "stack" if on_stack else item.path.relative_to(HERE).parts[0]
        if group != "unit":
            item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackUnderTest]:
    """The deployed local stack, started once."""
    with running_stack(tmp_path_factory.mktemp("stack")) as running:
        yield running
