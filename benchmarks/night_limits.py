"""The limits of a night: quotas of AWS, and what Apple takes at once."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Rate:
    """A token bucket: so many at once, and so many more each second."""

    burst: float
    a_second: float


@dataclass(frozen=True)
class Quotas:
    """What an account may do; the defaults are AWS's own in its three largest regions (``docs/scale.md`` has sources).

    ``apple`` is how many connections Apple takes at once, None for any number; ``forward`` is the reserved concurrency
    of the function that sends.
    """

    concurrency: int = 1_000
    scaling: Rate = Rate(1_000, 100)  # new environments of one function
    starts: Rate = Rate(1_300, 300)
    transitions: Rate = Rate(5_000, 1_500)
    writes: Rate = Rate(4_000, 4_000)  # units of each table, while it is new
    pollers: int = 5
    pollers_a_second: float = 5  # 300 a minute
    most_pollers: int = 1_000
    apple: int | None = None
    forward: int | None = None


DEFAULTS = Quotas()
SMALL_REGION = Quotas(starts=Rate(800, 150), transitions=Rate(800, 500))
NEW_ACCOUNT = Quotas(concurrency=10)


@dataclass
class Bucket:
    """Tokens that are taken in the order of asking, also those that will be there later only."""

    rate: Rate
    at: float = 0
    level: float = field(init=False)
    taken: float = 0

    def __post_init__(self) -> None:
        self.level = self.rate.burst

    def take(self, now: float, count: float = 1, patience: float = float("inf")) -> float | None:
        """Take tokens and return for how long to wait until they are there; None takes none: it would be too long."""
        self._fill(now)
        wait = max(0.0, (count - self.level) / self.rate.a_second)
        if wait > patience:
            return None
        self.level -= count
        self.taken += count
        return wait

    def _fill(self, now: float) -> None:
        self.level = min(self.rate.burst, self.level + (now - self.at) * self.rate.a_second)
        self.at = now
