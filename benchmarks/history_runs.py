"""Histories of any length, of runs as the service writes them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.history_emulator import EXPIRES_AT, RECEIVED_AT, RUN_ID, Row
from benchmarks.history_reads import Sizes, item_bytes
from infra.data import RUN_INDEXES, RUN_LINE
from rosterbridge.adapters.dynamodb_runs import run_to_item
from rosterbridge.flows.forwarding import Forwarder
from rosterbridge.flows.guarding import Guard
from rosterbridge.flows.models import AsmAccount, Flow, ObjectRef, Run, RunStatus
from rosterbridge.flows.processing import Processor
from rosterbridge.flows.receiving import Opening, open_run
from tests.support import fakes, flows

ORGANIZATION, PROJECT = "org-5f0f9a621d7252fdfc07", "project-2182654f163f5f0f9a62"
OTHER_PROJECTS = tuple(f"project-2182654f163f5f0f9a6{number}" for number in range(3, 7))
FLOW, OTHER_FLOW = "flow-9a621d7252fdfc072182", "flow-9a621d7252fdfc072183"
AT = datetime.fromisoformat(RECEIVED_AT).replace(tzinfo=UTC)
KEEP = timedelta(seconds=int(EXPIRES_AT)) - (AT - datetime.fromtimestamp(0, UTC))
APART = timedelta(minutes=5)
FAILED = 4  # runs, however long the history is
# Templates: the flow's own, its failed runs, those of the project's other flow, and of each other project
OWN, OWN_FAILED, OTHER, ELSEWHERE = range(4)


class _Apple(fakes.FakeDelivery):
    """Answers what the delivery by SFTP records."""

    def send(self, path: Path, account: AsmAccount, password: str, remote_name: str) -> dict[str, object]:
        told = {"server": "SSH-2.0-SFTP", "cipher": "aes256-gcm@openssh.com", "host_key": f"SHA256:{'x' * 43}"}
        return {**super().send(path, account, password, remote_name), **told}


def processed(source: Path) -> Run:
    """Return the record of a file's way through all steps, by the code of the functions."""
    accounts, runs, objects = fakes.FakeAccountStore(), fakes.FakeRunStore(), fakes.FakeObjectStore()
    secret = fakes.FakeSecretBox().encrypt("secret", organization_id=ORGANIZATION)
    asm = flows.asm_account(organization_id=ORGANIZATION, encrypted_password=secret)
    flow = _flow(asm)
    project = flows.project(id=PROJECT, organization_id=ORGANIZATION)
    accounts.put(asm, project, flow)
    name = "springfield-roster-2026-10-01.zip"
    origin = objects.put(ObjectRef(bucket="home", key=f"home/{flow.file_account_id}/{name}"), source.read_bytes())
    opening = Opening(RUN_ID, flow, name, source.stat().st_size, AT, origin)
    run = runs.create(open_run(opening, "rosterbridge-data-runfiles", KEEP, save_data=False))
    objects.copy(origin, run.source)
    steps = {"accounts": accounts, "runs": runs, "objects": objects, "lanes": fakes.FakeLaneStore(), "now": lambda: AT}
    waiting = fakes.FakeWaiting()
    Processor(**steps).validate(run.id)
    Processor(**steps).convert(run.id)
    Guard(**steps, waiting=waiting, hold_for=KEEP).check(run.id)
    Forwarder(**steps, waiting=waiting, delivery=_Apple(), secrets=fakes.FakeSecretBox()).forward(run.id)
    done = runs.get(run.id)
    if done is None or len(done.steps) != 5:  # noqa: PLR2004
        raise RuntimeError("the run has not gone through all steps")
    return done.model_copy(update={"status": RunStatus.SUCCEEDED, "ended_at": AT})


def _flow(asm: AsmAccount) -> Flow:
    return flows.flow(
        id=FLOW,
        organization_id=ORGANIZATION,
        project_id=PROJECT,
        name="Roster to Apple School Manager",
        file_account_id=flows.unique("fa"),
        asm_account_id=asm.id,
    )


def templates(run: Run) -> list[dict[str, Any]]:
    """Return the items that differ in more than id and time, in the order of the numbers above."""
    failed = {"status": RunStatus.FAILED, "error": "asm-unreachable"}
    kinds = [{}, failed, {"flow_id": OTHER_FLOW}, *({"project_id": project} for project in OTHER_PROJECTS)]
    return [run_to_item(run.model_copy(update=kind)) for kind in kinds]


def sizes(item: dict[str, Any]) -> Sizes:
    """Return the bytes of a run's item and of its line in the project's index."""
    shown = {*RUN_LINE, "id", "received_at", "project_key"}
    return Sizes(item_bytes(item), item_bytes({name: value for name, value in item.items() if name in shown}))


@dataclass(frozen=True)
class Table:
    """A table with so many runs, of which nine in ten are the project's, and most of these the flow's."""

    runs: int

    @property
    def name(self) -> str:
        """The table's name."""
        return f"Runs-{self.runs}"

    def rows(self, now: datetime) -> list[Row]:
        """Return the runs, newest first, one each five minutes."""
        latest = now.replace(microsecond=0) - APART
        return [self._row(number, latest - number * APART) for number in range(self.runs)]

    def _kind(self, number: int) -> int:
        if number % 10 == 9:  # noqa: PLR2004
            return ELSEWHERE + number // 10 % len(OTHER_PROJECTS)
        if number % (self.runs // FAILED) == 0:  # far apart
            return OWN_FAILED
        return OTHER if number % 10 in {2, 6, 8} else OWN

    def _row(self, number: int, at: datetime) -> Row:
        identity = hashlib.sha256(f"{self.name} {number}".encode()).hexdigest()[:32]
        return Row(self._kind(number), identity, at.strftime("%Y-%m-%dT%H:%M:%S"), int((at + KEEP).timestamp()))


def of_project(rows: list[Row]) -> list[Row]:
    """Return the rows of the project with most of the runs."""
    return [row for row in rows if row.template < ELSEWHERE]


def definitions(tables: list[Table]) -> list[dict[str, Any]]:
    """Return what creates the tables: the keys and indexes that are deployed."""
    keyed = {"Accounts": ("pk", "sk"), "Audit": ("organization_id", "sk")}
    indexes = [
        {
            "IndexName": name,
            "KeySchema": _keys(partition, "received_at"),
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(RUN_LINE)},
        }
        for name, partition in RUN_INDEXES.items()
    ]
    indexed = {"GlobalSecondaryIndexes": indexes}
    return [
        *(_definition(name, keys) for name, keys in keyed.items()),
        *(_definition(table.name, ("id",), ("received_at", *RUN_INDEXES.values()), indexed) for table in tables),
    ]


def _definition(
    name: str, keys: tuple[str, ...], more: tuple[str, ...] = (), indexes: dict[str, Any] | None = None
) -> dict[str, Any]:
    return {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": _keys(*keys),
        "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"} for key in (*keys, *more)],
        **(indexes or {}),
    }


def _keys(*names: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ("HASH", "RANGE"), strict=False)]


def seed(tables: list[Table], items: list[dict[str, Any]], now: datetime) -> dict[str, Any]:
    """Return what the embedded AWS is filled from."""
    return {
        "tables": definitions(tables),
        "templates": [json.dumps(item) for item in items],
        "rows": {table.name: table.rows(now) for table in tables},
    }
