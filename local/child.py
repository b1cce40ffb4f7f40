"""Run a module that ends with the process that started it: ``python -m local.child MODULE [ARGUMENT...]``.

The parent holds the other end of standard input and never writes: when the parent is gone, killed too, reading ends.
Standard library only, since the embedded AWS runs on an interpreter of its own.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time

GRACE_SECONDS = 10


def _end_with_the_parent() -> None:
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    """Watch standard input and run the module as if it had been started itself."""
    threading.Thread(target=_end_with_the_parent, name="parent-watch", daemon=True).start()
    module, *arguments = sys.argv[1:]
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
