"""Ports, the lock and children of the local stack."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from local.processes import ROOT, LocalStackError, Lock, Processes, choose_port
from tests.support.stack import wait_for


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port: int = listener.getsockname()[1]
        yield port


def test_a_taken_port_gives_way_to_the_next_free_one(taken: int) -> None:
    assert taken < choose_port("ANY_PORT", taken) < taken + 200


def test_a_promised_port_is_not_given_again(taken: int) -> None:
    promised = choose_port("ANY_PORT", taken)

    assert choose_port("OTHER_PORT", taken, [promised]) > promised


def test_a_port_that_listens_on_every_address_counts_as_taken() -> None:
    with socket.socket() as listener:
        listener.bind(("0.0.0.0", 0))  # noqa: S104 what is to be noticed
        listener.listen()
        port = listener.getsockname()[1]

        assert choose_port("ANY_PORT", port) != port


def test_a_port_of_ones_own_must_be_free(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANY_PORT", str(taken))

    with pytest.raises(LocalStackError, match=f"^port {taken} is taken: set ANY_PORT"):
        choose_port("ANY_PORT", 1)


@pytest.mark.parametrize("text", ["ssh", "0", "65536", "-1"])
def test_what_is_no_port_is_refused_by_the_name_of_its_variable(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("ANY_PORT", text)

    with pytest.raises(LocalStackError, match=f"^ANY_PORT={text} is not a port"):
        choose_port("ANY_PORT", 1)


def test_a_lock_is_given_back_when_its_process_is_killed(tmp_path: Path) -> None:
    code = "import sys, time; from local.processes import *; lock = Lock(Path(sys.argv[1])); lock.take(); print(1)"
    command = [sys.executable, "-uc", f"{code}; time.sleep(60)", tmp_path]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline()
            with pytest.raises(LocalStackError, match=rf"running already \(process {holder.pid}\)"):
                Lock(tmp_path).take()
        finally:
            holder.kill()

    lock = Lock(tmp_path)
    lock.take()
    lock.release()


def test_a_child_that_cannot_start_says_why_and_where(tmp_path: Path) -> None:
    processes = Processes(tmp_path, os.environ)
    processes.start("broken", Path(sys.executable), "local.no_such_module")

    with pytest.raises(LocalStackError, match=r"broken ended with 1: .*no_such_module.*; see .*broken\.log"):
        processes.wait_for("broken", lambda: False)
    processes.stop()


def test_a_child_that_ignores_the_request_to_end_is_killed_with_its_own_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "stubborn.py").write_text(
        "import signal, subprocess, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "subprocess.Popen(['sleep', '60'])\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)\n"
    )
    monkeypatch.setattr("local.processes.STOP_SECONDS", 0.5)
    processes = Processes(tmp_path / "logs", {**os.environ, "PYTHONPATH": f"{tmp_path}"})
    processes.start("stubborn", Path(sys.executable), "stubborn")
    processes.wait_for("stubborn", lambda: processes.printed("stubborn", "ready"))
    family = [psutil.Process(processes.pid("stubborn"))]
    family += family[0].children(recursive=True)
    assert len(family) == 2

    processes.stop()

    _, alive = psutil.wait_procs(family, timeout=5)
    assert alive == []


def test_children_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    (tmp_path / "child_module.py").write_text("import time\nprint('ready', flush=True)\ntime.sleep(60)\n")
    code = (
        "import os, sys, time; from local.processes import *; folder = Path(sys.argv[1]); "
        "processes = Processes(folder / 'logs', {**os.environ, 'PYTHONPATH': str(folder)}); "
        "processes.start('child', Path(sys.executable), 'child_module'); "
        "processes.wait_for('child', lambda: processes.printed('child', 'ready')); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, tmp_path], cwd=ROOT) as parent:
        wait_for(lambda: "ready" in _text(tmp_path / "logs" / "child.log"), "the child is ready")
        children = psutil.Process(parent.pid).children()
        parent.send_signal(signal.SIGKILL)

    _, alive = psutil.wait_procs(children, timeout=5)
    assert len(children) == 1
    assert alive == []


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""
