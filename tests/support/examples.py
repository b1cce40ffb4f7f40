"""How many examples a property is tried with: few at each `make test`, as many times more as THOROUGH says.

`make faults` is thorough of itself; for the rules it is `make unit THOROUGH=20`.
"""

from __future__ import annotations

import os

THOROUGH = int(os.environ.get("THOROUGH", "1"))


def examples(usual: int) -> int:
    """Return the number of examples to try."""
    return usual * THOROUGH
