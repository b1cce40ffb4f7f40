from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from rosterbridge.errors import TransientError
from rosterbridge.flows.models import RunStatus
from rosterbridge.flows.upload_limits import LimitCheck
from tests.support import flows
from tests.support.fake_uploads import LIMITS
from tests.support.fakes import Calls, FakeUploadCounter
from tests.unit.flows.test_receiving import CONTENT, RUNS, Service, on, receiving_calls

DAY = timedelta(days=1)


def check(**changes: int) -> LimitCheck:
    return LimitCheck(FakeUploadCounter(), replace(LIMITS, **changes))


def test_uploads_are_taken_up_to_the_days_number_and_again_from_midnight_utc_on() -> None:
    limits = check(uploads_per_day=2)

    codes = [found and found.code for found in (limits.check("fa-1", f"{n}", 1, flows.AT) for n in range(3))]

    assert codes == [None, None, "too-many-uploads"]
    assert limits.check("fa-2", "of another account", 1, flows.AT) is None
    assert limits.check("fa-1", "next day", 1, flows.AT.replace(hour=0, minute=0) + DAY) is None


def test_bytes_are_taken_up_to_the_days_sum_and_a_smaller_file_still_fits() -> None:
    limits = check(bytes_per_day=10)

    assert limits.check("fa-1", "a", 8, flows.AT) is None
    over = limits.check("fa-1", "b", 3, flows.AT)
    assert over is not None
    assert over.code == "too-many-bytes"
    assert limits.check("fa-1", "c", 2, flows.AT) is None


def test_the_same_upload_counts_once_and_stays_what_it_was() -> None:
    limits = check(uploads_per_day=1)

    first = [limits.check("fa-1", "a", 1, flows.AT) for _ in range(3)]
    later = [limits.check("fa-1", "b", 1, flows.AT) for _ in range(2)]

    assert first == [None] * 3
    assert [found and found.code for found in later] == ["too-many-uploads"] * 2
    assert limits.check("fa-1", "a", 1, flows.AT) is None


def test_a_file_that_is_too_large_is_not_counted() -> None:
    limits = check(bytes_per_upload=5, uploads_per_day=1)

    over = limits.check("fa-1", "a", 6, flows.AT)

    assert over is not None
    assert over.code == "upload-too-large"
    assert limits.check("fa-1", "b", 5, flows.AT) is None


@pytest.mark.parametrize(
    ("changes", "size", "says"),
    [
        ({"uploads_per_day": 0}, 1, "At most 0 files a day are taken, and from 2026-10-02 00:00 UTC again."),
        ({"bytes_per_day": 10_000_000_000}, 10_000_000_001, "At most 10 GB a day are taken, and from 2026-10-02 00:00"),
        ({"bytes_per_day": 1_500_000, "bytes_per_upload": 10**8}, 2 * 10**6, "At most 1.5 MB a day"),
        ({"bytes_per_upload": 2_000_000_000}, 2_000_000_001, "At most 2 GB are taken."),
        ({"bytes_per_upload": 512}, 513, "At most 512 bytes are taken."),
    ],
)
def test_the_sentence_names_the_limit_when_it_ends_and_what_to_do(
    changes: dict[str, int], size: int, says: str
) -> None:
    over = check(**{"bytes_per_upload": 10**12, **changes}).check("fa-1", "a", size, flows.AT)

    assert over is not None
    assert says in over.sentence
    assert "upload again" in over.sentence


def test_an_upload_over_the_limit_is_a_rejected_run_of_each_flow_that_keeps_its_file() -> None:
    service = Service(on(), flows.flow(id="flow-2", file_account_id="fa-1"))
    service.limits = replace(LIMITS, uploads_per_day=1)
    first = service.receive(service.uploaded("first.zip"))

    over = service.receive(service.uploaded("second.zip"))

    assert [service.runs.runs[identity].status for identity in first] == [RunStatus.RECEIVED] * 2
    for identity in over:
        run = service.runs.runs[identity]
        assert (run.status, run.error, run.ended_at) == (RunStatus.REJECTED, "too-many-uploads", run.received_at)
        assert "At most 1 files a day" in run.summary
        assert (run.steps[0].outcome, run.steps[0].code) == ("rejected", "too-many-uploads")
        assert service.objects.content(run.source) == CONTENT
        assert service.lanes.get(run.flow_id).entered.keys() == {first[0] if run.flow_id == "flow-1" else first[1]}
    assert set(service.workflow.started) == set(first)
    assert service.outcomes.told == over
    assert len(service.objects.keys(RUNS)) == 4


def test_an_upload_that_comes_again_after_a_crash_is_counted_once() -> None:
    service = Service(on())
    service.limits = replace(LIMITS, uploads_per_day=1)
    uploaded = service.uploaded()
    crash = Calls(receiving_calls(on()).index("create"), TransientError("away"))
    with pytest.raises(TransientError):
        service.receiver(crash).receive(uploaded)

    service.receive(uploaded)

    assert service.run().status is RunStatus.RECEIVED
