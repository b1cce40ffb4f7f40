"""Start and stop what ``make run`` needs: free ports, one run at a time, children that never outlive their parent.

``python -m local.processes DIR`` tells whether a stack is running on that state: exit 1 and a line if so.
Standard library only, so that ``make clean`` can ask without an environment.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
LOOPBACK = "127.0.0.1"
TRIED_PORTS = 200
LAST_PORT = 65535
READY_SECONDS = 60
STOP_SECONDS = 10


class LocalStackError(RuntimeError):
    """The local stack cannot start or go on; the message is for its user."""


def choose_port(variable: str, default: int, taken: Collection[int] = ()) -> int:
    """Return the port that the environment names, or the first free one from ``default``; raises LocalStackError.

    ``taken`` are ports that are free still, but promised.
    """
    if named := os.environ.get(variable):
        if not named.isdigit() or not 1 <= int(named) <= LAST_PORT:
            message = f"{variable}={named} is not a port: give a number from 1 to {LAST_PORT}"
            raise LocalStackError(message)
        if int(named) in taken or not is_free(int(named)):
            message = f"port {named} is taken: set {variable} to another one, or leave it out"
            raise LocalStackError(message)
        return int(named)
    for port in range(default, default + TRIED_PORTS):
        if port not in taken and is_free(port):
            return port
    message = f"no free port from {default} to {default + TRIED_PORTS - 1}: set {variable}"
    raise LocalStackError(message)


def is_free(port: int) -> bool:
    """Tell whether somebody could listen on the port of this machine's loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    with socket.socket() as probe:  # macOS lets two sockets bind when one of them listens on every address
        return probe.connect_ex((LOOPBACK, port)) != 0


class Lock:
    """One stack on one state: the lock lives as long as the process, however that ends."""

    def __init__(self, state: Path) -> None:
        self._path = state / "lock"
        self._file: IO[str] | None = None

    def take(self) -> None:
        """Take the lock; raises LocalStackError when a running process has it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = self._path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            message = f"the local stack is running already (process {holder(self._path)}): stop it with Ctrl-C first"
            raise LocalStackError(message) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        self._file = file

    def release(self) -> None:
        """Give the lock back, if it is ours."""
        if self._file is not None:
            self._file.close()


def holder(path: Path) -> str:
    """Return the id of the process that took the lock last."""
    return path.read_text().strip() or "unknown"


@dataclass
class _Child:
    name: str
    process: subprocess.Popen[bytes]
    log: Path


class Processes:
    """Children in process groups of their own; each logs to ``<name>.log`` and ends with its parent."""

    def __init__(self, logs: Path, environment: Mapping[str, str]) -> None:
        self._logs = logs
        self._environment = dict(environment)
        self._children: dict[str, _Child] = {}
        logs.mkdir(parents=True, exist_ok=True)

    def start(self, name: str, python: Path, module: str, *arguments: object) -> None:
        """Start ``python -m module arguments`` from the repository."""
        log = self._logs / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 our own modules
                [str(python), "-m", "local.child", module, *map(str, arguments)],
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        self._children[name] = _Child(name, process, log)

    def pid(self, name: str) -> int:
        """Return a child's process id."""
        return self._children[name].process.pid

    def wait_for(self, name: str, ready: Callable[[], bool]) -> None:
        """Wait until ``ready``; raises LocalStackError when the child ends or takes too long."""
        until = time.monotonic() + READY_SECONDS
        while not ready():
            self.check()
            if time.monotonic() > until:
                message = f"{name} is not ready after {READY_SECONDS} s; see {_shown(self._children[name].log)}"
                raise LocalStackError(message)
            time.sleep(0.03)

    def printed(self, name: str, text: str) -> bool:
        """Tell whether a child has printed ``text``."""
        return text.encode() in self._children[name].log.read_bytes()

    def check(self) -> None:
        """Raise LocalStackError when a child has ended by itself."""
        for child in self._children.values():
            if (code := child.process.poll()) is not None:
                last = _last_line(child.log)
                message = f"{child.name} ended with {code}: {last or 'it said nothing'}; see {_shown(child.log)}"
                raise LocalStackError(message)

    def stop(self, *names: str) -> None:
        """End the named children, or all, the last one started first; kill what does not end."""
        chosen = [self._children.pop(name) for name in reversed(names or tuple(self._children))]
        for child in chosen:
            _signal(child.process, signal.SIGTERM)
        until = time.monotonic() + STOP_SECONDS
        for child in chosen:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.1, until - time.monotonic()))
            _signal_group(child.process, signal.SIGKILL)  # and what it started, such as functions
            child.process.wait()
            if child.process.stdin:
                child.process.stdin.close()


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    if process.poll() is None:
        process.send_signal(number)


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: the latter for a group of the dead
        os.killpg(process.pid, number)


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else ""


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def connects(port: int) -> bool:
    """Tell whether somebody listens on the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def main(arguments: Sequence[str]) -> int:
    """Tell on standard error, and by 1, that a stack is running on the state folder."""
    state = Path(arguments[0])
    if not (state / "lock").exists():
        return 0
    try:
        Lock(state).take()
    except LocalStackError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
