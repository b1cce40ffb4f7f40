"""``python -m benchmarks.load [--accounts 200] [--uploads 1000] [--clients 20] [--passes 2] [--keep]``: many at once.

A fresh local stack takes rosters of size S over SFTP; afterwards each upload must have one run that has ended, and the
stand-in for Apple must hold the result of each flow's last one. Rewrites the section Load of the page.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.__main__ import PAGE
from benchmarks.history import percentile
from benchmarks.load_checks import Ended, check
from benchmarks.load_rosters import Rosters
from benchmarks.measure import bundle
from benchmarks.tables import machine, rewrite
from local.processes import LOOPBACK
from local.stack import LocalStack, Ports
from local.upload import Server
from rosterbridge.flows.models import RunStatus, RunSummary
from rosterbridge.flows.ports import RunFilter
from tests.support.stack import free_port
from tests.support.uploading import put, signed_in

POLL_SECONDS = 0.5
PAGE_RUNS = 100
RUN_SECONDS = 900
TOGETHER = 2  # uploads of a flow that follow each other at once, at the end of a pass


@dataclass
class Load:
    """Uploads under way: when each was closed, by its name, and the runs that have ended or are on their way."""

    stack: LocalStack
    project_id: str
    rosters: Rosters
    servers: list[Server]
    closed: dict[str, float] = field(default_factory=dict)
    runs: dict[str, RunSummary] = field(default_factory=dict)

    async def send(self, numbers: range, clients: int) -> float:
        """Upload these numbers of every flow and return the seconds until the last run has ended."""
        start = time.monotonic()
        async with asyncio.TaskGroup() as group:
            watch = group.create_task(self._watch())
            async with asyncio.TaskGroup() as schools:
                for client in range(clients):
                    schools.create_task(self._client(range(client, len(self.servers), clients), numbers))
            watch.cancel()
        return time.monotonic() - start

    async def _client(self, flows: range, numbers: range) -> None:
        """Visit each account in turn; at each visit, upload and wait for the runs' ends."""
        visits = [range(number, number + 1) for number in numbers[:-TOGETHER]] + [numbers[-TOGETHER:]]
        for visit in visits:
            for flow in flows:
                contents = [await asyncio.to_thread(self.rosters.zip, flow, number) for number in visit]
                names = [file_name(flow, number) for number in visit]
                async with signed_in(self.servers[flow]) as client:
                    for name, content in zip(names, contents, strict=True):
                        await put(client, name, content)
                        self.closed[name] = time.time()
                async with asyncio.timeout(RUN_SECONDS):
                    while not all(name in self.runs and self.runs[name].status.final for name in names):
                        await asyncio.sleep(POLL_SECONDS / 5)

    async def _watch(self) -> None:
        """Keep the runs up to date: the newest, and older ones that have not ended."""
        wanted = RunFilter(self.stack.organization_id, self.project_id)
        store = self.stack.stores.runs
        while True:
            newest = (await asyncio.to_thread(store.page, wanted, limit=PAGE_RUNS)).items
            seen = {run.file_name: run for run in newest}
            for run in [run for name, run in self.runs.items() if name not in seen and not run.status.final]:
                if found := await asyncio.to_thread(store.get, run.id):
                    seen[run.file_name] = found
            self.runs |= seen
            self.stack.processes.check()
            await asyncio.sleep(POLL_SECONDS)


def file_name(flow: int, number: int) -> str:
    """Return the name under which an upload of a flow is sent, and found again in the history."""
    return f"flow-{flow:04}-{number:04}.zip"


@dataclass(frozen=True)
class Pass:
    """What one pass took; ``seconds`` are those from each last byte to the delivery, of what was delivered."""

    first: int
    last: int
    wall: float
    seconds: list[float]
    superseded: int


def measure(folder: Path, accounts: int, uploads: int, clients: int, passes: int) -> list[Pass]:
    """Return what each pass took; raises RuntimeError when an upload is lost, doubled or out of order."""
    each, done = uploads // accounts, []
    with LocalStack(folder / "stack", Ports(free_port(), free_port(), free_port())) as stack:
        project = stack.create_project("Load", save_data=False).id
        load = Load(stack, project, Rosters(bundle("S")), [_server(stack, project, n) for n in range(accounts)])
        for turn in range(passes):
            numbers = range(turn * each + 1, (turn + 1) * each + 1)
            wall = asyncio.run(load.send(numbers, clients))
            sent = {file_name(flow, number) for flow in range(accounts) for number in numbers}
            ended = check(stack, project, load.rosters, accounts, numbers.stop - 1)
            done.append(_passed(turn * accounts * each, wall, {name: ended[name] for name in sent}, load.closed))
            sys.stderr.write(f"{len(ended):,} uploads: nothing lost, nothing doubled\n")
    return done


def _server(stack: LocalStack, project: str, number: int) -> Server:
    created = stack.create_flow(project, f"school-{number:04}", name=f"Flow {number:04}")
    account = created.file_account
    return Server(LOOPBACK, stack.ports.sftp, stack.host_key("sftp"), account.username, created.password or "")


def _passed(before: int, wall: float, ended: dict[str, Ended], closed: dict[str, float]) -> Pass:
    seconds = [one.delivered_at - closed[name] for name, one in ended.items() if one.delivered_at is not None]
    superseded = sum(one.run.status is RunStatus.SUPERSEDED for one in ended.values())
    return Pass(before + 1, before + len(ended), wall, seconds, superseded)


def table(passes: list[Pass]) -> str:
    """Return a Markdown table."""
    lines = ["| uploads | wall s | a second | to delivery, p50 s | p99 s | longest s | superseded |", "|---" * 7 + "|"]
    for one in passes:
        p50, p99, most = (percentile(one.seconds, share) for share in (0.5, 0.99, 1))
        rate = (one.last - one.first + 1) / one.wall
        lines.append(
            f"| {one.first:,} to {one.last:,} | {one.wall:,.0f} | {rate:.2f} | {p50:.1f} | {p99:.1f} | {most:.1f} "
            f"| {one.superseded:,} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and keep the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description="Measure many uploads at once.")
    parser.add_argument("--accounts", type=int, default=200, help="file accounts, with a flow each")
    parser.add_argument("--uploads", type=int, default=1000, help="in a pass, over all accounts")
    parser.add_argument("--clients", type=int, default=20, help="SFTP clients at the same time")
    parser.add_argument("--passes", type=int, default=2, help="each on top of the one before")
    parser.add_argument("--keep", action="store_true", help="leave the page as it is")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-load-") as folder:
        passes = measure(Path(folder), given.accounts, given.uploads, given.clients, given.passes)
    remark = f"{given.accounts:,} file accounts with a flow each, {given.clients:,} SFTP clients at the same time."
    text = "\n\n".join([table(passes), remark, machine(("polars", "asyncssh", "paramiko"))])
    sys.stdout.write(f"\n{text}\n")
    if not given.keep:
        rewrite(PAGE, "load", text, by="make bench-load")


if __name__ == "__main__":
    main()
