"""Runs one process and tells what it took: wall and CPU seconds, and its peak of anonymous memory.

Anonymous memory is what a Lambda function's limit counts; the file cache is not in it. It is read from ``/proc`` every
few milliseconds, by the shortest of its files, or the watching would take a part of what is watched; where there is no
``/proc``, the peak resident size stands for it (``PEAK_MEASURE`` says which).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import ROOT

POLL_SECONDS = 0.003
HAS_ANONYMOUS = Path("/proc/self/statm").exists()
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
PEAK_MEASURE = "peak anonymous MB" if HAS_ANONYMOUS else "peak resident MB (ru_maxrss)"
MEMORY = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"  # by it a process learns what it is confined to
MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes


@dataclass(frozen=True)
class Taken:
    """What a run took; ``failed`` says why it did not end well. Megabytes are 10^6 bytes."""

    wall: float
    cpu: float
    peak_mb: float
    failed: str = ""


def run(command: Sequence[str], *, limit_mb: int | None = None) -> Taken:
    """Run a command to its end, or until its anonymous memory exceeds the limit."""
    with tempfile.TemporaryFile() as complaints:
        start = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603 commands of this package
            command,
            cwd=ROOT,
            env={**os.environ, **({MEMORY: str(limit_mb)} if limit_mb else {})},
            stdout=subprocess.DEVNULL,
            stderr=complaints,
        )
        watch = _Watch(process.pid, limit_mb)
        watch.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        watch.end()
        process.returncode = os.waitstatus_to_exitcode(status)
        complaints.seek(0)
        last = complaints.read().decode(errors="replace").strip().rsplit("\n", 1)[-1]
    failed = ""
    if watch.killed:
        failed = f"killed above {limit_mb:,} MB"
    elif process.returncode:
        failed = f"ended with {process.returncode}: {last}"
    peak = watch.peak if HAS_ANONYMOUS else usage.ru_maxrss * MAXRSS_UNIT
    return Taken(wall, usage.ru_utime + usage.ru_stime, peak / 1e6, failed)


class _Watch(threading.Thread):
    """Follows a process's anonymous memory."""

    def __init__(self, pid: int, limit_mb: int | None) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self.killed = False
        self._pid = pid
        # opened before anybody waits for the process: until then even an ended one has its entry
        self._sizes = os.open(f"/proc/{pid}/statm", os.O_RDONLY) if HAS_ANONYMOUS else None
        self._limit = limit_mb * 1e6 if limit_mb else float("inf")
        self._ended = False

    def run(self) -> None:
        while self._sizes is not None and not self._ended:
            time.sleep(POLL_SECONDS)
            self.peak = max(self.peak, _anonymous_bytes(self._sizes))
            if self.peak > self._limit and not self.killed:
                self.killed = True
                os.kill(self._pid, 9)

    def end(self) -> None:
        self._ended = True
        self.join()
        if self._sizes is not None:
            os.close(self._sizes)


def _anonymous_bytes(sizes: int) -> int:
    """Return what is resident and neither of a file nor shared, by a process's open ``statm``; 0 once it has ended."""
    try:
        resident, shared = os.pread(sizes, 256, 0).split()[1:3]
    except OSError:
        return 0
    return (int(resident) - int(shared)) * PAGE_BYTES
