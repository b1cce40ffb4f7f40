"""What must be true after the load: each upload has one run that has ended, and Apple's side the last of each flow."""

from __future__ import annotations

import tempfile
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load_rosters import Rosters
from local.stack import LocalStack
from rosterbridge.flows.forwarding import remote_name
from rosterbridge.flows.models import RunStatus, RunSummary
from rosterbridge.flows.ports import RunFilter
from rosterbridge.roster import ConversionOptions, convert

PAGE_RUNS = 100


@dataclass(frozen=True)
class Ended:
    """A run, and when its file came to lie at the stand-in (seconds since 1970), if it did."""

    run: RunSummary
    delivered_at: float | None

    @property
    def flow(self) -> int:
        """The number of its flow."""
        return int(self.run.file_name[5:9])

    @property
    def number(self) -> int:
        """The number of the upload in its flow, from 1."""
        return int(self.run.file_name[10:14])


def check(stack: LocalStack, project_id: str, rosters: Rosters, flows: int, last: int) -> dict[str, Ended]:
    """Return every run by the name of its file; raises RuntimeError for whatever should not be."""
    runs = _runs(stack, project_id)
    doubled = [name for name, count in Counter(run.file_name for run in runs).items() if count > 1]
    _expect(not doubled, "uploads with two runs", doubled)
    _expect(len(runs) == flows * last, "uploads without a run", flows * last - len(runs))
    ended = {run.file_name: Ended(run, _delivered_at(stack, run)) for run in runs}
    others = [(one.run.file_name, one.run.status, one.run.error) for one in ended.values() if not _is_right(one, last)]
    _expect(not others, "runs that ended otherwise", others[:5])
    landed = {path.name for path in stack.received.iterdir()}
    known = {remote_name(one.run.id) for one in ended.values() if one.delivered_at is not None}
    _expect(landed == known, "files of nobody at the stand-in", landed ^ known)
    by_flow: dict[int, list[Ended]] = defaultdict(list)
    for one in ended.values():
        by_flow[one.flow].append(one)
    for flow, ones in by_flow.items():
        _check_flow(stack, rosters, flow, sorted(ones, key=lambda one: one.number))
    return ended


def _runs(stack: LocalStack, project_id: str) -> list[RunSummary]:
    found: list[RunSummary] = []
    cursor: str | None = None
    while True:
        wanted = RunFilter(stack.organization_id, project_id)
        page = stack.stores.runs.page(wanted, limit=PAGE_RUNS, cursor=cursor)
        found += page.items
        cursor = page.cursor
        if cursor is None:
            return found


def _delivered_at(stack: LocalStack, run: RunSummary) -> float | None:
    path = stack.received / remote_name(run.id)
    return path.stat().st_ctime if path.exists() else None  # it was renamed on close


def _is_right(one: Ended, last: int) -> bool:
    """Whether it was delivered, or superseded where a newer one follows."""
    if one.run.status is RunStatus.SUPERSEDED:
        return one.number < last and one.delivered_at is None
    return one.run.status is RunStatus.SUCCEEDED and one.delivered_at is not None


def _check_flow(stack: LocalStack, rosters: Rosters, flow: int, ones: list[Ended]) -> None:
    times = [one.delivered_at for one in ones if one.delivered_at is not None]
    _expect(times == sorted(times), "delivered an older upload after a newer one: flow", flow)
    newest = ones[-1]
    with tempfile.TemporaryDirectory(prefix="check-") as folder:
        source, target = Path(folder) / "upload.zip", Path(folder) / "result.zip"
        source.write_bytes(rosters.zip(flow, newest.number))
        convert(source, target, ConversionOptions(), as_of=newest.run.received_at.date())
        there = (stack.received / remote_name(newest.run.id)).read_bytes()
        _expect(there == target.read_bytes(), "Apple's side has something else of flow", flow)


def _expect(condition: bool, what: str, found: object) -> None:
    if not condition:
        raise RuntimeError(f"{what}: {found}")
