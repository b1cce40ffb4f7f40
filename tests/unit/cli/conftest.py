from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import httpx
import keyring
import pytest
from keyring.backends import fail

from rosterbridge.cli.deployment import Pool
from rosterbridge.cli.session import Session, SessionStore, Tokens
from rosterbridge.observability import logger
from tests.support.api import FakeWorld, belongings, populate
from tests.support.command_line import (
    API,
    NORTH,
    NORTH_PASSWORD,
    OPERATOR,
    OPERATOR_PASSWORD,
    Line,
    MemoryKeyring,
)
from tests.support.sign_in import CLIENT_ID, POOL_ID, REGION, FakePool


@pytest.fixture(autouse=True)
def keyring_of_this_machine() -> Iterator[MemoryKeyring]:
    before, memory = keyring.get_keyring(), MemoryKeyring()
    keyring.set_keyring(memory)
    yield memory
    keyring.set_keyring(before)


@pytest.fixture
def no_keyring(keyring_of_this_machine: MemoryKeyring) -> None:
    keyring.set_keyring(fail.Keyring())  # type: ignore[no-untyped-call]


@pytest.fixture
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("config")


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, config: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, and another for what is kept between commands."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(config))
    for name in ("ROSTERBRIDGE_API", "ROSTERBRIDGE_STACK"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def sessions(config: Path) -> Path:
    return config / "rosterbridge" / "sessions.json"


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Line:
    """Two organizations with one of every kind of thing, an administrator of the first, and an operator."""
    world, pool = FakeWorld(), FakePool()
    ids = populate(world, "north")
    populate(world, "south")
    administrator = {"cognito:groups": "[administrator]", "custom:organization_id": ids["organization_id"]}
    pool.add(NORTH, NORTH_PASSWORD, administrator)
    pool.add(OPERATOR, OPERATOR_PASSWORD, {"cognito:groups": "[operator]"})
    line = Line(world, pool)
    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", lambda _self, request: _read(line.answer(request)))
    monkeypatch.setattr(logger.registered_handler, "stream", io.StringIO())
    monkeypatch.setattr("rosterbridge.cli.watching.POLL_SECONDS", 0)
    monkeypatch.setattr("rosterbridge.cli.http.sleep", line.pauses.append)
    return line


def _read(answer: httpx.Response) -> httpx.Response:
    return httpx.Response(answer.status_code, headers=answer.headers, stream=httpx.ByteStream(answer.read()))


def _signed_in(line: Line, email: str, role: str, organization_id: str | None) -> Line:
    pool = Pool(REGION, POOL_ID, CLIENT_ID)
    SessionStore().save(
        Session(API, pool, email, Tokens(*line.pool.tokens_of(email)), role, organization_id), chosen=True
    )
    return line


@pytest.fixture
def north(line: Line) -> Line:
    """Signed in as the administrator of the first organization."""
    return _signed_in(line, NORTH, "administrator", belongings("north")["organization_id"])


@pytest.fixture
def operator(line: Line) -> Line:
    """Signed in as an operator."""
    return _signed_in(line, OPERATOR, "operator", None)
