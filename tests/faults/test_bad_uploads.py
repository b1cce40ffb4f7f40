"""Bad uploads on the deployed way: each is rejected with its code, and the next good one gets through."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from rosterbridge.flows.models import Run, RunStatus
from rosterbridge.flows.ports import RunFilter
from tests.support.bad_uploads import BadUpload, corpus
from tests.support.examples import THOROUGH
from tests.support.footprint import Footprint, footprint, scratch_files
from tests.support.rosters import oneroster_1_1, zip_bytes
from tests.support.stack import Sender, StackUnderTest
from tests.support.uploading import put, signed_in

ACCOUNTS = 4  # more would start more of each function than there are processors for
BETWEEN_GOOD_ONES = 5  # as many bad uploads come before a good one
GOOD = zip_bytes(oneroster_1_1())
LEAST_CASES = 120
ALL_SECONDS, STEP_SECONDS = 600, 10
MEMORY, SCRATCH = 400 * 2**20, 100 * 2**20
SUMMARIES = 100


@dataclass(frozen=True)
class Outcome:
    """What became of the corpus: the runs by the names of their files, and what they took."""

    runs: dict[str, Run]
    footprint: Footprint


async def _upload_all(stack: StackUnderTest, shares: dict[str, tuple[Sender, list[BadUpload]]]) -> None:
    """Upload over one connection an account, a good roster after each few bad ones."""
    await asyncio.gather(*(_upload(stack, place, *share) for place, share in shares.items()))


async def _upload(stack: StackUnderTest, place: str, sender: Sender, bad: Sequence[BadUpload]) -> None:
    async with signed_in(sender.server) as client:
        sent = 0
        for start in range(0, len(bad), BETWEEN_GOOD_ONES):
            some = {upload.name: upload.content for upload in bad[start : start + BETWEEN_GOOD_ONES]}
            for name, content in {**some, f"good-{place}-{start}": GOOD}.items():
                await put(client, f"{name}.zip", content)
                sent += 1
            await _all_end(stack, sender, sent)


async def _all_end(stack: StackUnderTest, sender: Sender, number: int) -> None:
    wanted = RunFilter(stack.local.organization_id, sender.project_id)
    async with asyncio.timeout(ALL_SECONDS):
        while True:
            items = (await asyncio.to_thread(stack.local.stores.runs.page, wanted, limit=SUMMARIES)).items
            if len(items) == number and all(run.status.final for run in items):
                return
            await asyncio.sleep(0.5)


def chosen() -> list[BadUpload]:
    """Return what is uploaded: the first of each code, or all of them where thoroughness is asked for."""
    firsts = {upload.code: upload for upload in reversed(list(corpus()))}
    return list(corpus() if THOROUGH > 1 else firsts.values())


@pytest.fixture(scope="module")
def outcome(stack: StackUnderTest) -> Outcome:
    # before the first good upload of their account, which is the full set that a delta needs
    uploads = sorted(chosen(), key=lambda upload: upload.code != "delta-without-state")
    shares = {str(place): (stack.create_flow(), uploads[place::ACCOUNTS]) for place in range(ACCOUNTS)}
    with footprint(stack) as taken:
        asyncio.run(_upload_all(stack, shares))
    runs: dict[str, Run] = {}
    for sender, _ in shares.values():
        wanted = RunFilter(stack.local.organization_id, sender.project_id)
        for line in stack.local.stores.runs.page(wanted, limit=SUMMARIES).items:
            run = stack.local.stores.runs.get(line.id)
            assert run is not None
            assert run.file_name not in runs
            runs[run.file_name.removesuffix(".zip")] = run
    return Outcome(runs, taken)


def _is_good(name: str) -> bool:
    return name.startswith("good-")


def test_the_corpus_is_large_and_no_two_of_it_are_alike() -> None:
    uploads = list(corpus())
    assert len(uploads) >= LEAST_CASES
    assert len({upload.name for upload in uploads}) == len(uploads)
    assert len({upload.content for upload in uploads}) == len(uploads)


def test_each_bad_upload_is_rejected_with_its_code(outcome: Outcome) -> None:
    found = {name: (run.status.value, _code(run)) for name, run in outcome.runs.items() if not _is_good(name)}
    assert found == {upload.name: ("rejected", upload.code) for upload in chosen()}


def _code(run: Run) -> str | None:
    return run.error or run.step("validate").code


def test_the_good_uploads_between_them_reach_apple_and_nothing_else_does(
    stack: StackUnderTest, outcome: Outcome
) -> None:
    good = [run for name, run in outcome.runs.items() if _is_good(name)]
    assert {run.status for run in good} == {RunStatus.SUCCEEDED}
    assert all(stack.landed(run).is_file() for run in good)
    assert len({stack.landed(run).read_bytes() for run in good}) == 1
    assert not [name for name, run in outcome.runs.items() if not _is_good(name) and stack.landed(run).exists()]


def test_no_bad_upload_takes_long(outcome: Outcome) -> None:
    seconds = {name: _seconds(run) for name, run in outcome.runs.items()}
    name = max(seconds, key=seconds.__getitem__)
    sys.stdout.write(f"longest: {name}, {seconds[name]:.2f} s\n")
    assert seconds[name] < STEP_SECONDS


def _seconds(run: Run) -> float:
    step = run.step("validate")
    assert step.ended_at is not None
    return (step.ended_at - step.started_at).total_seconds()


def test_memory_and_scratch_stay_bounded(stack: StackUnderTest, outcome: Outcome) -> None:
    taken = outcome.footprint
    peaks = ", ".join(f"{name} {size / 1e6:.0f}" for name, size in sorted(taken.memory.items()))
    sys.stdout.write(f"peak MB: {peaks}; scratch of all runs {taken.scratch / 1e6:.0f}\n")
    assert {"validate", "convert", "forward"} <= set(taken.memory)
    assert {name: size for name, size in taken.memory.items() if size > MEMORY} == {}
    assert 0 < taken.scratch < SCRATCH
    assert set(scratch_files(stack)) <= set(taken.before)
