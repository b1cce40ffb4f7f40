"""Every use case over fakes, with two organizations and a clock that stands still until it is moved."""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from ipaddress import ip_address

from rosterbridge.flows.asm_accounts import AsmAccounts
from rosterbridge.flows.audit import AuditTrail
from rosterbridge.flows.changes import Changes
from rosterbridge.flows.dry_runs import DryRuns
from rosterbridge.flows.file_accounts import FileAccounts
from rosterbridge.flows.history import History
from rosterbridge.flows.holding import Holds
from rosterbridge.flows.hosts import HostCheck
from rosterbridge.flows.managing import Flows
from rosterbridge.flows.models import AuditEntry
from rosterbridge.flows.organizations import Organizations
from rosterbridge.flows.ports import Request
from rosterbridge.flows.projects import Projects
from rosterbridge.flows.sweeping import Sweeper
from rosterbridge.flows.upload_limits import UploadLimits
from rosterbridge.flows.users import Users
from tests.support import flows
from tests.support.fakes import (
    FakeAccountStore,
    FakeAuditStore,
    FakeDelivery,
    FakeHasher,
    FakeLaneStore,
    FakeObjectStore,
    FakeRunStore,
    FakeSecretBox,
    FakeUploadCounter,
    FakeUserDirectory,
    FakeWaiting,
    FakeWorkflow,
)

OTHER = "district-2"
HOMES, RUNS = "homes", "runs"
KEEP = timedelta(days=400)
MOST_BYTES = 600_000_000
DRY_RUN_LIMITS = UploadLimits(uploads_per_day=3, bytes_per_day=3 * MOST_BYTES, bytes_per_upload=MOST_BYTES)
ADDRESSES = {"apple.example": ["17.0.0.1"], "inside.example": ["10.0.0.1"], "both.example": ["17.0.0.1", "127.0.0.1"]}


class UseCases:
    """The use cases as the API has them; ``now`` is what the clock shows."""

    def __init__(self) -> None:
        self.now = flows.AT
        self.audit = FakeAuditStore()
        self.accounts = FakeAccountStore(self.audit)
        self.accounts.put(flows.organization(), flows.organization(id=OTHER, name="Shelbyville"))
        self.runs, self.objects, self.workflow = FakeRunStore(), FakeObjectStore(), FakeWorkflow()
        self.lanes, self.waiting = FakeLaneStore(), FakeWaiting()
        self.box, self.delivery, self.hasher = FakeSecretBox(), FakeDelivery(), FakeHasher()
        self.directory, self.uploads = FakeUserDirectory(), FakeUploadCounter()
        self.changes = Changes(self.accounts, lambda: self.now, KEEP)

    @cached_property
    def organizations(self) -> Organizations:
        return Organizations(self.changes)

    @cached_property
    def projects(self) -> Projects:
        return Projects(self.changes)

    @cached_property
    def file_accounts(self) -> FileAccounts:
        return FileAccounts(self.changes, self.hasher)

    @cached_property
    def asm_accounts(self) -> AsmAccounts:
        return AsmAccounts(self.changes, self.box, self.delivery, HostCheck(resolve=resolve))

    @cached_property
    def flows(self) -> Flows:
        return Flows(self.changes, self.file_accounts, self.asm_accounts)

    @cached_property
    def history(self) -> History:
        return History(self.changes, self.runs, self.objects, self.lanes, self.workflow, self.audit, KEEP)

    @cached_property
    def dry_runs(self) -> DryRuns:
        return DryRuns(self.changes, self.objects, RUNS, self.uploads, DRY_RUN_LIMITS)

    @cached_property
    def holds(self) -> Holds:
        return Holds(self.changes, self.runs, self.lanes, self.waiting, self.audit)

    @cached_property
    def trail(self) -> AuditTrail:
        return AuditTrail(self.changes, self.audit)

    @cached_property
    def users(self) -> Users:
        return Users(self.changes, self.audit, self.directory)

    @cached_property
    def sweeper(self) -> Sweeper:
        return Sweeper(self.accounts, self.objects, self.runs, self.lanes, self.workflow, HOMES, RUNS, lambda: self.now)

    def wait(self, **time: float) -> None:
        """Move the clock."""
        self.now += timedelta(**time)

    @property
    def told(self) -> list[tuple[str, str, tuple[str, ...]]]:
        """What the audit trail tells: action, kind and fields of each entry."""
        return [(entry.action, entry.kind, entry.fields) for entry in self.audit.entries]

    @property
    def last(self) -> AuditEntry:
        """The newest entry of the audit trail."""
        return self.audit.entries[-1]


def resolve(host: str) -> list[str]:
    """Look up without a network."""
    try:
        return [str(ip_address(host))]
    except ValueError:
        pass
    if host not in ADDRESSES:
        raise OSError
    return ADDRESSES[host]


def request(key: str = "key-1", fingerprint: str = "content-1", user_id: str = "user-1") -> Request:
    return Request(key, user_id, fingerprint)
