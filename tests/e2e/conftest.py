"""What the tests of the whole have in common."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.administration import Administration
from tests.support.stack import StackUnderTest


@pytest.fixture(scope="session")
def administration(stack: StackUnderTest) -> Iterator[Administration]:
    """The users of the running stack, and the API as they have it."""
    found = Administration(stack)
    yield found
    found.close()
