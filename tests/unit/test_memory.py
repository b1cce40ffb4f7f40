from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from rosterbridge.memory import ALLOCATOR, ARENAS, GENEROUS, LEAN, memory_at_hand, suit_memory


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", raising=False)
    monkeypatch.setenv(ALLOCATOR, "")
    monkeypatch.delenv(ALLOCATOR)


def test_a_function_has_the_memory_that_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1769")
    assert memory_at_hand() == 1769 * 2**20


def test_a_container_has_what_its_limit_leaves_of_the_machine(tmp_path: Path) -> None:
    limit = tmp_path / "memory.max"
    whole = memory_at_hand(limit)
    limit.write_text("1000000\n")
    assert memory_at_hand(limit) == 1_000_000
    limit.write_text("max\n")
    assert memory_at_hand(limit) == whole


@pytest.mark.parametrize(("megabytes", "chosen"), [("3008", GENEROUS), ("2048", LEAN)])
def test_a_small_function_is_lean_and_a_large_one_is_not(
    monkeypatch: pytest.MonkeyPatch, megabytes: str, chosen: str
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", megabytes)
    suit_memory()
    assert os.environ[ALLOCATOR] == chosen


def test_what_the_environment_says_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
    monkeypatch.setenv(ALLOCATOR, "dirty_decay_ms:1")
    suit_memory()
    assert os.environ[ALLOCATOR] == "dirty_decay_ms:1"


THREADS = """
import ctypes, threading
from rosterbridge.memory import suit_memory
suit_memory()
together = threading.Barrier(2)
threads = [threading.Thread(target=lambda: (bytes(100_000), together.wait())) for _ in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
ctypes.CDLL(None).malloc_stats()
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
@pytest.mark.parametrize(("given", "are_several"), [({}, False), ({ARENAS: "8"}, True)])
def test_threads_share_what_python_keeps_unless_the_environment_says_otherwise(
    given: dict[str, str], *, are_several: bool
) -> None:
    environment = {name: value for name, value in os.environ.items() if name != ARENAS} | given
    found = subprocess.run([sys.executable, "-c", THREADS], env=environment, capture_output=True, check=True, text=True)
    assert "Arena 0" in found.stderr
    assert ("Arena 1" in found.stderr) == are_several


@pytest.mark.parametrize("module", ["rosterbridge.cli", "rosterbridge.steps"])
def test_polars_is_not_loaded_before_the_choice(module: str) -> None:
    found = subprocess.run(
        [sys.executable, "-c", f"import sys, {module}; print('polars' in sys.modules)"],
        capture_output=True,
        check=True,
        text=True,
    )
    assert found.stdout.strip() == "False"
