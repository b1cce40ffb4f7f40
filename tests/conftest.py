"""What tests of several kinds share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.stack import StackUnderTest, running_stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackUnderTest]:
    """The deployed local stack, started once."""
    with running_stack(tmp_path_factory.mktemp("stack")) as running:
        yield running
