"""The command behind ``make run`` and ``make demo``."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from local.processes import ROOT
from local.sample import write_sample
from tests.support.stack import free_port, wait_for

COMMAND = [sys.executable, "-m", "local.run"]


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One kept state for all, so that only the first start deploys."""
    return tmp_path_factory.mktemp("run") / "a state"


def elsewhere() -> dict[str, str]:
    """Return an environment that names free ports."""
    return {**os.environ, **{f"{name}_PORT": str(free_port()) for name in ("EMULATOR", "SFTP", "APPLE", "CONSOLE")}}


@pytest.fixture(scope="module")
def ports() -> dict[str, str]:
    """Always the same: where a stack listens is deployed too."""
    return elsewhere()


@pytest.fixture
def environment(ports: dict[str, str]) -> dict[str, str]:
    return dict(ports)


def _run(state: Path, environment: dict[str, str], *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, "--state", str(state), *map(str, arguments)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_once_shows_each_step_and_where_the_zip_landed(state: Path, environment: dict[str, str]) -> None:
    done = _run(state, environment, "--once")

    assert (done.returncode, done.stderr) == (0, "")
    for step in ("receive", "validate", "convert", "forward"):
        assert f"✓ {step}" in done.stdout
    landed = re.search(r"stand-in has it: (.*\.zip)", done.stdout)
    assert landed
    assert Path(landed[1]).is_file()
    for line in ("students.csv        120 rows", "rosters.csv         480 rows", "locations.csv         2 rows"):
        assert line in done.stdout


def test_once_with_a_file_of_ones_own(state: Path, environment: dict[str, str], tmp_path: Path) -> None:
    roster = write_sample(tmp_path / "it's mine.zip", version="1.2", students=40)

    done = _run(state, environment, "--once", "--zip", roster)

    assert done.returncode == 0
    assert "students.csv         40 rows" in done.stdout


def test_once_with_a_bad_file_ends_with_the_reason(state: Path, environment: dict[str, str], tmp_path: Path) -> None:
    bad = tmp_path / "bad.zip"
    bad.write_text("not a ZIP")

    done = _run(state, environment, "--once", "--zip", bad)

    assert done.returncode == 1
    assert "Rejected: " in done.stdout
    assert "not-a-zip" in done.stdout


def test_a_file_that_is_not_there_is_one_clear_line(state: Path, environment: dict[str, str]) -> None:
    done = _run(state, environment, "--once", "--zip", "no such.zip")

    assert (done.returncode, done.stdout) == (1, "there is no file no such.zip\n")


@pytest.mark.parametrize("variable", ["EMULATOR_PORT", "SFTP_PORT", "APPLE_PORT"])
def test_a_taken_port_is_named_with_its_variable(state: Path, environment: dict[str, str], variable: str) -> None:

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        environment[variable] = str(taken.getsockname()[1])
        done = _run(state, environment, "--once")

    assert done.returncode == 1
    assert done.stdout == f"port {environment[variable]} is taken: set {variable} to another one, or leave it out\n"


@pytest.fixture
def staying(state: Path, environment: dict[str, str], tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A stack that stays up after its first run."""
    output = tmp_path / "output"
    with output.open("wb") as file:
        process = subprocess.Popen(
            [*COMMAND, "--state", str(state)], cwd=ROOT, env=environment, stdout=file, stderr=file
        )
    try:
        wait_for(lambda: "Ctrl-C stops everything" in output.read_text(), "it stays up")
        yield process
    finally:
        process.kill()
        process.wait()


def _family(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) >= 8  # the three, and a process for each of the five functions
    return children


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_every_process_ends_with_the_command(staying: subprocess.Popen[bytes], number: signal.Signals) -> None:
    family = _family(staying)

    staying.send_signal(number)

    code = staying.wait(20)
    assert code == (-signal.SIGKILL if number is signal.SIGKILL else 0)
    _, alive = psutil.wait_procs(family, timeout=20)
    assert alive == []


def test_the_command_ends_when_one_of_its_servers_does(staying: subprocess.Popen[bytes], tmp_path: Path) -> None:
    family = _family(staying)
    front = next(process for process in family if "local.sftp_front" in process.cmdline())

    front.kill()

    assert staying.wait(20) == 1
    assert "sftp ended with -9" in (tmp_path / "output").read_text()
    _, alive = psutil.wait_procs(family, timeout=20)
    assert alive == []


def test_a_running_stack_is_neither_started_again_nor_cleaned(staying: subprocess.Popen[bytes], state: Path) -> None:
    again = _run(state, elsewhere(), "--once")
    cleaned = subprocess.run(
        [sys.executable, "-m", "local.processes", str(state)], cwd=ROOT, capture_output=True, text=True, check=False
    )

    message = f"the local stack is running already (process {staying.pid}): stop it with Ctrl-C first\n"
    assert (again.returncode, again.stdout) == (1, message)
    assert (cleaned.returncode, cleaned.stderr) == (1, message)
    assert staying.poll() is None
