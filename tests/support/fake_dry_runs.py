"""What dry runs find, kept with the other things of a FakeAccountStore."""

from __future__ import annotations

from typing import Any

from rosterbridge.flows.models import DryRun
from tests.support.fake_stores import FakeAccountStore


class FakeDryRunStore:
    def __init__(self, accounts: FakeAccountStore) -> None:
        self._accounts = accounts

    def begin(self, dry_run: DryRun) -> bool:
        return self._write(dry_run, "waiting", status="checking")

    def end(self, dry_run: DryRun) -> None:
        found = dry_run.model_dump(include={"status", "verdict", "summary", "error", "counts"})
        self._write(dry_run, "checking", **found)

    def _write(self, dry_run: DryRun, before: str, **found: Any) -> bool:
        stored = self._accounts.get(DryRun, dry_run.organization_id, dry_run.id)
        if stored is None or stored.status != before:
            return False
        self._accounts.put(stored.model_copy(update=found))
        return True
