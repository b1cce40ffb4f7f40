"""``python -m benchmarks.night [--keep]``: nights in which all districts upload, and when they are delivered.

Nothing of it ran on AWS: functions take what was measured for a district of that size, and wait as assumed in
``benchmarks.durations``. Rewrites the table of its section.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from benchmarks import districts
from benchmarks.cost import PAGE
from benchmarks.figures import Figures, figures
from benchmarks.history import percentile
from benchmarks.night_events import Night, Upload
from benchmarks.night_limits import DEFAULTS, NEW_ACCOUNT, SMALL_REGION, Quotas
from benchmarks.tables import rewrite

Arrivals = Literal["from 2 to 4", "at 2"]
SPAN = 2 * 3600.0
CLOCKS = 20.0  # seconds that clocks and jobs are late, on average


@dataclass(frozen=True)
class Scenario:
    """A night: how many districts, when they come, and within which quotas."""

    count: int
    arrivals: Arrivals
    within: str = "AWS's defaults"
    quotas: Quotas = DEFAULTS


SCENARIOS = (
    *(Scenario(count, arrivals) for count in (10, 1_000, 13_000) for arrivals in ("from 2 to 4", "at 2")),
    Scenario(10, "at 2", "a new account: 10 functions at once", NEW_ACCOUNT),
    Scenario(1_000, "from 2 to 4", "a new account: 10 functions at once", NEW_ACCOUNT),
    Scenario(1_000, "at 2", "a new account: 10 functions at once", NEW_ACCOUNT),
    Scenario(13_000, "at 2", "a new account: 10 functions at once", NEW_ACCOUNT),
    Scenario(13_000, "at 2", "a smaller region", SMALL_REGION),
    Scenario(13_000, "at 2", "5,000 functions at once", Quotas(concurrency=5_000)),
    Scenario(13_000, "from 2 to 4", "Apple takes 10 connections", Quotas(apple=10)),
    Scenario(1_000, "at 2", "Apple takes 50 connections", Quotas(apple=50)),
    Scenario(13_000, "at 2", "Apple takes 50 connections", Quotas(apple=50)),
    Scenario(13_000, "at 2", "the same, forward has a concurrency of 50", Quotas(apple=50, forward=50)),
)


def uploads(count: int, arrivals: Arrivals, seed: int = 1) -> list[Upload]:
    """Return the uploads of a night, always the same for the same arguments."""
    chance = random.Random(seed)  # noqa: S311 no secret
    sizes = districts.pupils(count)
    chance.shuffle(sizes)
    times = (chance.uniform(0, SPAN) if arrivals == "from 2 to 4" else chance.expovariate(1 / CLOCKS) for _ in sizes)
    return [Upload(pupils, at) for pupils, at in zip(sizes, times, strict=True)]


def simulate(scenario: Scenario, known: Figures) -> Night:
    """Return a night that is over."""
    return Night(uploads(scenario.count, scenario.arrivals), known, scenario.quotas).run()


def row(scenario: Scenario, night: Night) -> str:
    """Return the line of a night in the table."""
    taken = [
        one.delivered - one.closed for one in night.uploads if one.delivered is not None and one.closed is not None
    ]
    spread = (duration(percentile(taken, share)) for share in (0.5, 0.99, 1)) if taken else ("–",) * 3
    cells = (
        f"{scenario.count:,}",
        scenario.arrivals,
        scenario.within,
        f"{len(taken):,}",
        f"{sum(upload.failed is not None for upload in night.uploads):,}",
        *spread,
        f"{night.peaks['functions']:,}",
        "; ".join(limits(night)) or "none",
    )
    return f"| {' | '.join(cells)} |"


def limits(night: Night) -> Iterable[str]:
    """Yield the limits that were met, the first one first: when, and how many had to wait or come again."""
    for limit, first in sorted(night.met.first.items(), key=lambda item: item[1]):
        yield f"{limit} after {duration(first)} ({night.met.times[limit]:,} times)"


def duration(taken: float) -> str:
    """Return seconds as a reader says them."""
    if taken < 100:  # noqa: PLR2004
        return f"{taken:.0f} s"
    return f"{taken / 60:.0f} min" if taken < 6000 else f"{taken / 3600:.1f} h"  # noqa: PLR2004


def main() -> None:
    """Simulate, print, and keep the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.night", description="Simulate nights of uploads.")
    parser.add_argument("--keep", action="store_true", help="leave the page as it is")
    given = parser.parse_args()
    head = "districts | they come | within | delivered | failed | p50 | p99 | longest | functions at once | limits met"
    lines = [f"| {head} |", "|---" * 10 + "|"]
    for scenario in SCENARIOS:
        lines.append(row(scenario, simulate(scenario, figures())))
        sys.stdout.write(f"{lines[-1]}\n")
        sys.stdout.flush()
    if not given.keep:
        rewrite(PAGE, "nights", "\n".join(lines), by="make nights")


if __name__ == "__main__":
    main()
