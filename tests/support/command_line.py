"""A person at a terminal, with the API over fakes and a user pool at the other end of the line."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import typer.main
import typer.testing
from click.testing import Result
from keyring.backend import KeyringBackend
from typer.testing import CliRunner

from rosterbridge.api.app import handle
from rosterbridge.cli import typer_app
from tests.support.api import Context, FakeWorld, event
from tests.support.sign_in import CLIENT_ID, COGNITO, POOL_ID, REGION, FakePool

API = "https://api.example.org"
NORTH, NORTH_PASSWORD = "north@example.org", "a long passphrase of north"
FINE = httpx.Response(204)
OPERATOR, OPERATOR_PASSWORD = "operator@example.org", "a long passphrase of the operator"

typer.testing._get_command = cache(typer.main.get_command)  # or each call would build all commands anew


class MemoryKeyring(KeyringBackend):
    """A keyring that forgets everything at the end."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@dataclass
class Line:
    """Everything that the command line reaches over HTTP.

    ``requests`` are those that the API got. Each takes one of ``failures``, if there are any: ``FINE`` lets it through,
    another answer or an exception comes instead of the API's own. With ``late`` the API has done it by then all the
    same. ``pauses`` are the seconds that the command line waited.
    """

    world: FakeWorld
    pool: FakePool
    requests: list[httpx.Request] = field(default_factory=list)
    failures: list[httpx.Response | Exception] = field(default_factory=list)
    late: bool = False
    pauses: list[float] = field(default_factory=list)

    def answer(self, request: httpx.Request) -> httpx.Response:
        address = f"{request.url.scheme}://{request.url.host}"
        if address == COGNITO:
            return self.pool.answer(request)
        if str(request.url) in self.world.objects.links:
            ref, _, _ = self.world.objects.links[str(request.url)]
            assert "authorization" not in request.headers
            return httpx.Response(200, content=self.world.objects.content(ref))
        assert address == API, request.url
        self.requests.append(request)
        failure = self.failures.pop(0) if self.failures else FINE
        fine = isinstance(failure, httpx.Response) and failure.is_success
        answer = self._of_api(request) if fine or self.late else FINE
        if isinstance(failure, Exception):
            raise failure
        return answer if fine else failure

    def _of_api(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/sign-in":
            return httpx.Response(200, json={"region": REGION, "user_pool_id": POOL_ID, "client_id": CLIENT_ID})
        claims = self.pool.claims_of(request.headers.get("authorization", "").removeprefix("Bearer "))
        if claims is None:
            return httpx.Response(401, json={"message": "Unauthorized"})
        asked = event(
            request.method,
            request.url.raw_path.decode(),
            token=claims,
            body=request.content.decode() or None,
            headers=dict(request.headers),
        )
        answer = handle(asked, Context(), lambda: self.world.service)  # type: ignore[arg-type]
        return httpx.Response(answer["statusCode"], headers=answer["headers"], content=answer.get("body") or b"")


def call(*words: str | Path, typed: str | None = None) -> Result:
    """Run a command; ``typed`` is what the person types, or what comes by a pipe."""
    return CliRunner().invoke(typer_app, [str(word) for word in words], input=typed)


def done(*words: str | Path, typed: str | None = None) -> str:
    """Run a command that succeeds, and return what it prints."""
    result = call(*words, typed=typed)
    assert result.exit_code == 0, result.output
    return result.stdout


def told(*words: str | Path, typed: str | None = None) -> Any:
    """Run a command that succeeds, and return the JSON that it prints."""
    return json.loads(done(*words, "--json", typed=typed))
