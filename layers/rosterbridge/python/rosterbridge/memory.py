"""Tells polars' allocator how soon to hand memory back: at once where there is little, late where there is enough.

At a million pupils the first takes a third less at its peak, the other a twentieth less time: new pages cost more than
what is done with them.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

SCARCE_BYTES = 2_500_000_000  # a million pupils take up to three quarters of it
CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")
ALLOCATOR = "_RJEM_MALLOC_CONF"  # read by polars' allocator, jemalloc, when polars is loaded
LEAN = "dirty_decay_ms:50,muzzy_decay_ms:0"
GENEROUS = "dirty_decay_ms:10000"  # polars' own choice is half a second


def memory_at_hand(container_limit: Path = CONTAINER_LIMIT) -> int | None:
    """Return how many bytes this process may use: the function's, the container's or the machine's; None if unknown."""
    if megabytes := os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"):
        return int(megabytes) * 2**20
    known = []
    with suppress(OSError, ValueError):  # there is no such file, or it says "max"
        known.append(int(container_limit.read_text(encoding="ascii")))
    with suppress(OSError, ValueError, AttributeError):  # the system does not tell
        known.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    return min(known, default=None)


def suit_memory() -> None:
    """Choose by the memory at hand; call it before polars is imported. What the environment says wins."""
    memory = memory_at_hand()
    is_scarce = memory is not None and memory < SCARCE_BYTES
    os.environ.setdefault(ALLOCATOR, LEAN if is_scarce else GENEROUS)
