"""Servers of ours in a thread of their own, for clients that block."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TypeVar

T = TypeVar("T")
START_SECONDS = STOP_SECONDS = 20


@contextmanager
def running(server: AbstractAsyncContextManager[T]) -> Iterator[T]:
    """Run an ``async with`` in an event loop of its own while this context lasts."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="server-under-test", daemon=True)
    thread.start()
    try:
        started = asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(START_SECONDS)
        try:
            yield started
        finally:
            stopping = server.__aexit__(None, None, None)
            asyncio.run_coroutine_threadsafe(_finish(stopping), loop).result(STOP_SECONDS)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _finish(stopping: object) -> None:
    """Stop the server, and hear the last of its tasks."""
    await stopping  # type: ignore[misc]
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    await asyncio.wait(others, timeout=1) if others else None
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
