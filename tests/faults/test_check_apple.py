"""``rosterbridge check-apple`` against a real server on loopback."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest
from click.testing import Result
from typer.testing import CliRunner

from local.apple import AppleStandIn
from rosterbridge.cli import typer_app
from tests.support.sftp import running

KEY = asyncssh.generate_private_key("ssh-ed25519")


@pytest.fixture
def apple(tmp_path: Path) -> Iterator[AppleStandIn]:
    with running(AppleStandIn(tmp_path, "district", "secret", [KEY])) as server:
        yield server


def check(port: int, *words: str) -> Result:
    return CliRunner().invoke(typer_app, ["check-apple", "127.0.0.1", "--port", str(port), *words])


def test_a_server_that_can_be_reached_shows_its_host_key(apple: AppleStandIn) -> None:
    result = check(apple.port)
    assert result.exit_code == 0, result.output
    assert KEY.get_fingerprint() in result.stdout
    assert " ".join(apple.host_keys[0].split()[:2]) in result.stdout
    assert "SSH-2.0-" in result.stdout
    assert apple.sign_ins == 0


def test_programs_get_json(apple: AppleStandIn) -> None:
    found = json.loads(check(apple.port, "--json").stdout)
    assert (found["reached"], found["fingerprint"]) == (True, KEY.get_fingerprint())


def test_the_host_key_is_compared_with_the_one_that_is_expected(apple: AppleStandIn) -> None:
    assert check(apple.port, "--expect-host-key", KEY.get_fingerprint()).exit_code == 0
    result = check(apple.port, "--expect-host-key", "SHA256:other")
    assert result.exit_code == 1
    assert "SHA256:other" in result.stderr


def test_a_port_where_nobody_listens_exits_3() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        result = check(free.getsockname()[1])
    assert result.exit_code == 3
    assert "asm-unreachable: Apple's server could not be reached" in result.stderr
