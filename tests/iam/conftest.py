"""A stack of its own, on which IAM is enforced."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.iam import Roles
from tests.support.iam_calls import Calls
from tests.support.iam_day import Day
from tests.support.stack import StackUnderTest, running_stack


@pytest.fixture(scope="session")
def enforcing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackUnderTest]:
    """The deployed local stack, on which every role may do what its policies say and no more."""
    with running_stack(tmp_path_factory.mktemp("enforcing"), enforces_iam=True) as running:
        yield running


@pytest.fixture(scope="session")
def roles(enforcing: StackUnderTest) -> Roles:
    return Roles(enforcing)


@pytest.fixture(scope="session")
def calls(enforcing: StackUnderTest) -> Calls:
    return Calls(enforcing)


@pytest.fixture(scope="session")
def day(enforcing: StackUnderTest, roles: Roles, calls: Calls, tmp_path_factory: pytest.TempPathFactory) -> Day:
    """A day that is over, on which everything was done that the service is there for."""
    found = Day(enforcing, calls, tmp_path_factory.mktemp("day"))
    found.live()
    found.denied = list(roles.denied())
    return found
