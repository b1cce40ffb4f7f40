"""``python -m tests.fuzz SECONDS``: damaged uploads for that long; any crash ends it with the smallest such upload."""

from __future__ import annotations

import sys
import time
from collections import Counter

from hypothesis import HealthCheck, Phase, given, settings

from rosterbridge.roster import ConversionOptions
from tests.fuzz.uploads import OPTIONS, damaged_uploads, examine

ROUND = 200  # examples between two looks at the clock


def main(seconds: float) -> None:
    """Fuzz until the time is over, and print what the uploads came to."""
    outcomes: Counter[str] = Counter()

    @settings(
        max_examples=ROUND,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(upload=damaged_uploads(), options=OPTIONS)
    def judge(upload: bytes, options: ConversionOptions) -> None:
        outcomes[examine(upload, options)] += 1

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        judge()
    for outcome, count in outcomes.most_common():
        print(f"{count:7,} {outcome}")  # noqa: T201 the command's output
    print(f"{outcomes.total():7,} uploads, no crash")  # noqa: T201


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 60)
