from __future__ import annotations

import io

import pytest

from rosterbridge.observability import logger
from tests.support.api import Client, FakeWorld, administrator, belongings, operator, populate


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What the function writes to its log."""
    log = io.StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", log)
    return log


@pytest.fixture(autouse=True)
def _quiet(log: io.StringIO) -> None:
    """Keep the log out of the tests' output."""


@pytest.fixture
def world() -> FakeWorld:
    """Two organizations with one of every kind of thing."""
    world = FakeWorld()
    populate(world, "north")
    populate(world, "south")
    return world


@pytest.fixture
def north() -> dict[str, str]:
    return belongings("north")


@pytest.fixture
def base(north: dict[str, str]) -> str:
    return f"/v1/organizations/{north['organization_id']}"


@pytest.fixture
def user(world: FakeWorld, north: dict[str, str]) -> Client:
    """An administrator of the first organization."""
    return administrator(world, north["organization_id"])


@pytest.fixture
def staff(world: FakeWorld) -> Client:
    """An operator."""
    return operator(world)
