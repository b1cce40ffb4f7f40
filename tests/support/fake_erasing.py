"""In-memory fakes of what erasing an organization needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from rosterbridge.flows.erasing import Erasure
from rosterbridge.flows.models import Organization
from tests.support.fake_lanes import FakeLaneStore
from tests.support.fake_stores import FakeAccountStore, FakeRunStore


class FakeErasureStore:
    def __init__(self) -> None:
        self.erasures: dict[str, Erasure] = {}

    def begin(self, erasure: Erasure) -> Erasure:
        return self.erasures.setdefault(erasure.organization_id, erasure)

    def get(self, organization_id: str) -> Erasure | None:
        return self.erasures.get(organization_id)

    def list(self) -> Sequence[Erasure]:
        return sorted(self.erasures.values(), key=lambda erasure: erasure.requested_at, reverse=True)

    def count(self, organization_id: str, counts: Mapping[str, int]) -> None:
        known = self.erasures[organization_id]
        self._change(organization_id, counts={**(Counter(known.counts) + Counter(counts))})

    def quiet(self, organization_id: str, until: datetime) -> None:
        self._change(organization_id, quiet_until=until)

    def end(self, organization_id: str, at: datetime, remains: Mapping[str, datetime], expires_at: datetime) -> None:
        self._change(organization_id, ended_at=at, remains=dict(remains), expires_at=expires_at)

    def _change(self, organization_id: str, **changes: object) -> None:
        self.erasures[organization_id] = self.erasures[organization_id].model_copy(update=changes)


class FakeErasureJob:
    """Knows what it was asked to erase, as often as it was, and when at last."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.asked_at: datetime | None = None

    def start(self, organization_id: str, at: datetime) -> None:
        self.started.append(organization_id)
        self.asked_at = at


class FakeExecutions:
    def __init__(self) -> None:
        self.stopped: list[str] = []

    def stop(self, run_id: str) -> None:
        self.stopped.append(run_id)


class FakeBelongings:
    """Removes from the fakes.

    ``closed`` are the organizations whose doors are closed, ``asked`` whose requests go, ``usernames`` those of file
    accounts, None for those that were deleted before.
    """

    def __init__(self, accounts: FakeAccountStore, runs: FakeRunStore, lanes: FakeLaneStore) -> None:
        self.closed: set[str] = set()
        self.asked: dict[str, set[str] | None] = {}
        self.usernames: dict[str, str | None] = {}
        self.circuits: list[str] = []
        self._accounts, self._runs, self._lanes = accounts, runs, lanes

    def close_doors(self, organization_id: str) -> None:
        self.closed.add(organization_id)

    def remove_run(self, run_id: str) -> Mapping[str, int]:
        return {"runs": int(self._runs.runs.pop(run_id, None) is not None)}

    def remove_flow(self, flow_id: str) -> Mapping[str, int]:
        return {"lane_records": int(self._lanes.lanes.pop(flow_id, None) is not None)}

    def remove_file_account(self, account_id: str, username: str | None) -> Mapping[str, int]:
        self.usernames[account_id] = username
        return {}

    def remove_circuit(self, host: str) -> Mapping[str, int]:
        self.circuits.append(host)
        return {"circuits": 1}

    def remove_requests(self, user_id: str, about: Collection[str] | None) -> Mapping[str, int]:
        self.asked[user_id] = None if about is None else set(about)
        return {}

    def remove_things(self, organization_id: str) -> Mapping[str, int]:
        kinds = self._accounts.remove_all(organization_id)
        return Counter(f"{kind}s" for kind in kinds)

    def remove_trail(self, organization_id: str) -> Mapping[str, int]:
        audit = self._accounts.audit
        kept = [entry for entry in audit.entries if entry.organization_id != organization_id]
        removed, audit.entries = len(audit.entries) - len(kept), kept
        return {"audit_entries": removed}

    def remove_organization(self, organization_id: str) -> None:
        self._accounts.forget(Organization, organization_id)
