"""What the functions of a running stack take meanwhile: memory of each process, and scratch space."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.support.stack import StackUnderTest

SAMPLE_SECONDS = 0.1
STAGE = "rosterbridge-local-"


@dataclass
class Footprint:
    """The peaks: resident bytes of one process by its function's name, and bytes of scratch of all runs together.

    ``before`` is the scratch of steps that were killed earlier.
    """

    memory: dict[str, int] = field(default_factory=dict)
    scratch: int = 0
    before: list[Path] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)

    def sample(self, stack: StackUnderTest) -> None:
        """Look once."""
        for process in psutil.Process(stack.local.processes.pid("emulator")).children(recursive=True):
            try:
                name = self.names.get(process.pid) or self._name(process)
                if name:
                    self.memory[name] = max(self.memory.get(name, 0), _peak(process))
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        self.scratch = max(self.scratch, sum(map(_size, scratch_files(stack))))

    def _name(self, process: psutil.Process) -> str:
        name: str = process.environ().get("AWS_LAMBDA_FUNCTION_NAME", "").removeprefix(STAGE)
        self.names[process.pid] = name
        return name


def scratch_files(stack: StackUnderTest) -> list[Path]:
    """Return what runs keep in the functions' temporary folder at this moment."""
    found: list[Path] = []
    for folder in (stack.local.state / "aws" / "tmp").glob("run-*"):
        with suppress(FileNotFoundError):  # a run that ends takes its folder away
            found += folder.rglob("*")
    return found


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _peak(process: psutil.Process) -> int:
    """Return the most that a process had, where the system keeps that, or what it has now."""
    try:
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
        return int(status.partition("VmHWM:")[2].split(None, 1)[0]) * 1024
    except (OSError, IndexError):  # none such, or a process that has just ended
        return int(process.memory_info().rss)


@contextmanager
def footprint(stack: StackUnderTest) -> Iterator[Footprint]:
    """Watch the functions while the context lasts."""
    found, ended = Footprint(before=scratch_files(stack)), threading.Event()

    def watch() -> None:
        while not ended.wait(SAMPLE_SECONDS):
            found.sample(stack)

    thread = threading.Thread(target=watch, name="footprint", daemon=True)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()
