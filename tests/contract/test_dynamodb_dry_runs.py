"""Dry runs: the fake keeps what DynamoDB keeps."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from local.clients import environment
from rosterbridge.adapters.dynamodb_dry_runs import DynamoDryRunStore
from rosterbridge.flows.dry_runs import DryRunStore
from rosterbridge.flows.models import DryRun
from tests.support import flows
from tests.support.fakes import FakeDryRunStore
from tests.support.stack import StackUnderTest
from tests.support.stores import Stores


@dataclass(frozen=True)
class Kept:
    """The store of what dry runs find, beside that in which they are created."""

    stores: Stores
    found: DryRunStore

    def create(self) -> DryRun:
        dry_run = flows.dry_run()
        self.stores.create(dry_run)
        return dry_run

    def get(self, dry_run: DryRun) -> DryRun | None:
        return self.stores.accounts.get(DryRun, dry_run.organization_id, dry_run.id)


@pytest.fixture(params=["fake", "dynamodb"])
def kept(request: pytest.FixtureRequest) -> Kept:
    if request.param == "fake":
        stores = Stores.fake()
        return Kept(stores, FakeDryRunStore(stores.accounts))  # type: ignore[arg-type]
    stack: StackUnderTest = request.getfixturevalue("stack")
    with environment(stack.endpoint, stack.region):
        return Kept(Stores.in_dynamodb(stack), DynamoDryRunStore(stack.outputs["AccountTable"]))


def test_a_dry_run_begins_once_and_ends_with_what_was_found(kept: Kept) -> None:
    dry_run = kept.create()
    seen = {"status": "done", "verdict": "hold", "summary": "31 students …", "counts": {"students_removed": 31}}

    assert kept.found.begin(dry_run)
    assert not kept.found.begin(dry_run)
    kept.found.end(dry_run.model_copy(update=seen))
    assert kept.get(dry_run) == dry_run.model_copy(update=seen)

    kept.found.end(dry_run.model_copy(update={"status": "failed", "error": "aws-refused"}))
    assert kept.get(dry_run) == dry_run.model_copy(update=seen)


def test_one_that_is_gone_stays_gone(kept: Kept) -> None:
    gone = flows.dry_run()

    assert not kept.found.begin(gone)
    kept.found.end(gone.model_copy(update={"status": "done"}))
    assert kept.get(gone) is None
