"""Nights of uploads: everything ends, no quota is exceeded, and a small night is what is computed by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from benchmarks.durations import apple_seconds, client_seconds, seconds
from benchmarks.figures import figures
from benchmarks.night import duration, limits, uploads
from benchmarks.night_events import LADDERS, NOTICE_SECONDS, Night, Upload
from benchmarks.night_limits import Bucket, Quotas, Rate

TIGHT = Quotas(
    concurrency=25,
    scaling=Rate(10, 2),
    starts=Rate(5, 4),
    transitions=Rate(40, 30),
    writes=Rate(200, 200),
    most_pollers=10,
    apple=20,
    forward=15,
)


def night(count: int = 300, quotas: Quotas = TIGHT, seed: int = 1) -> Night:
    return Night(uploads(count, "at 2"), figures(), quotas, seed).run()


def test_all_that_arrive_are_delivered() -> None:
    over = night()

    assert len(over.uploads) == 300
    assert all(upload.delivered is not None for upload in over.uploads)
    assert all(upload.failed is None for upload in over.uploads)
    assert all(upload.arrives < upload.closed < upload.delivered for upload in over.uploads)  # type: ignore[operator]


def test_what_is_not_delivered_has_failed_and_says_why() -> None:
    over = night(quotas=replace(TIGHT, apple=1, forward=None))

    delivered = [upload for upload in over.uploads if upload.delivered is not None]
    failed = [upload for upload in over.uploads if upload.failed is not None]
    assert len(delivered) + len(failed) == 300
    assert failed
    assert {upload.failed for upload in failed} == {"refused"}
    assert over.peaks["Apple"] == 1


class Watched(Bucket):
    """Remembers when its tokens are there, and how many."""

    def __init__(self, rate: Rate) -> None:
        super().__init__(rate)
        self.seen: list[tuple[float, float]] = []

    def take(self, now: float, count: float = 1, patience: float = float("inf")) -> float | None:
        wait = super().take(now, count, patience)
        if wait is not None:
            self.seen.append((now + wait, count))
        return wait

    def most(self, window: float) -> float:
        return max(sum(n for at, n in self.seen if start <= at < start + window) for start, _ in self.seen)


def test_no_quota_is_exceeded_at_any_moment() -> None:
    over = Night(uploads(120, "at 2"), figures(), TIGHT)
    over.buckets = {name: Watched(bucket.rate) for name, bucket in over.buckets.items()}
    over.run()

    assert over.peaks["functions"] == TIGHT.concurrency
    assert over.peaks["pollers"] <= TIGHT.most_pollers
    assert over.peaks["Apple"] <= 15
    used = {name: bucket for name, bucket in over.buckets.items() if bucket.seen}  # type: ignore[attr-defined]
    assert {"StartExecution", "state transitions", "writes to Runs", "scaling of validate"} <= used.keys()
    for bucket in used.values():
        for window in (1.0, 10.0):
            most = bucket.most(window)  # type: ignore[attr-defined]
            assert most <= bucket.rate.burst + bucket.rate.a_second * window + 1e-6


def test_one_upload_takes_what_its_functions_and_waits_take() -> None:
    known, upload = figures(), Upload(pupils=1_000, arrives=5.0)
    Night([upload], known, Quotas()).run()

    closed = 5.0 + seconds(known, "authenticate", 1_000) + client_seconds(known, 1_000)
    functions = sum(seconds(known, name, 1_000) for name in ("receive", "validate", "convert", "guard", "forward"))
    assert upload.closed == pytest.approx(closed)
    assert upload.delivered == pytest.approx(closed + NOTICE_SECONDS + functions + 7 * 0.03)


def test_a_second_upload_finds_the_functions_warm_and_waits_for_the_only_one() -> None:
    known = figures()
    first, second = Upload(1_000, 0.0), Upload(1_000, 3600.0)
    Night([first, second], known, Quotas(concurrency=1)).run()

    cold = first.delivered - first.closed  # type: ignore[operator]
    warm = second.delivered - second.closed  # type: ignore[operator]
    spared = [
        seconds(known, name, 1_000) - seconds(known, name, 1_000, cold=False)
        for name in ("receive", "validate", "convert", "guard", "forward")
    ]
    assert cold - warm == pytest.approx(sum(spared))


def test_a_delivery_that_apple_refuses_is_tried_again_by_the_ladder() -> None:
    known = figures()
    both = [Upload(1_000, 0.0), Upload(1_000, 0.0)]
    over = Night(both, known, Quotas(apple=1)).run()

    first, second = sorted(upload.delivered for upload in both)  # type: ignore[type-var]
    assert over.met.times["Apple"] == 1
    forward = seconds(known, "forward", 1_000, cold=False) - apple_seconds(known, 1_000)
    assert second - first == pytest.approx(120 + forward + 0.0, abs=1.0)  # type: ignore[operator]


def test_the_same_seed_is_the_same_night() -> None:
    ends: Callable[[Night], list[float | None]] = lambda over: [upload.delivered for upload in over.uploads]  # noqa: E731

    assert ends(night(100)) == ends(night(100))
    assert ends(night(100)) != ends(night(100, seed=2))


def test_a_bucket_gives_what_is_there_and_later_the_rest() -> None:
    bucket = Bucket(Rate(10, 2))

    assert bucket.take(0, 10) == 0
    assert bucket.take(0, 4) == 2
    assert bucket.take(1, 2, patience=1.5) is None
    assert bucket.take(1, 2) == 2
    assert bucket.take(100, 10) == 0


def test_a_throttled_step_waits_for_hours_before_it_gives_up() -> None:
    ladder = LADDERS["throttled"]

    assert sum(min(60, 2 * 2 ** min(number, 10)) for number in range(ladder.times)) / 2 > 2 * 3600


def test_the_table_says_which_limit_was_met_first() -> None:
    met = [text.partition(" after")[0] for text in limits(night(100))]

    assert met[0] == "pollers"
    assert "Lambda concurrency" in met
    assert [duration(taken) for taken in (5, 99.6, 600, 7200)] == ["5 s", "100 s", "10 min", "2.0 h"]
