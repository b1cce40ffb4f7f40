"""The stores of accounts and of the audit trail, fake or in DynamoDB, and changes to them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from local.clients import environment
from rosterbridge.adapters.dynamodb import DynamoAccountStore, DynamoAuditStore
from rosterbridge.flows.models import AuditEntry, Organization, Role, Thing
from rosterbridge.flows.ports import AccountStore, AuditStore, Change, Request
from tests.support import flows
from tests.support.fakes import FakeAccountStore, FakeAuditStore
from tests.support.stack import StackUnderTest

HOME_GRACE = timedelta(days=3)


@dataclass(frozen=True)
class Stores:
    """An account store and the audit trail that its changes leave."""

    accounts: AccountStore
    audit: AuditStore

    @classmethod
    def fake(cls) -> Stores:
        audit = FakeAuditStore()
        return cls(FakeAccountStore(audit, home_grace=HOME_GRACE), audit)

    @classmethod
    def in_dynamodb(cls, stack: StackUnderTest) -> Stores:
        tables = stack.outputs
        with environment(stack.endpoint, stack.region):
            accounts = DynamoAccountStore(
                tables["AccountTable"], audit_table=tables["AuditTable"], home_grace=HOME_GRACE
            )
            return cls(accounts, DynamoAuditStore(tables["AuditTable"]))

    def create(self, *things: Organization | Thing) -> None:
        self.accounts.commit(change(*things))

    def trail(self, organization_id: str) -> list[AuditEntry]:
        return list(self.audit.page(organization_id, limit=100).items)


def entry(**changes: Any) -> AuditEntry:
    values = {
        "id": flows.unique("audit"),
        "organization_id": flows.ORGANIZATION,
        "at": flows.AT,
        "actor": "user-1",
        "role": Role.ADMINISTRATOR,
        "source_ip": "192.0.2.1",
        "action": "create",
        "kind": "flow",
        "target_id": "flow-1",
        "expires_at": flows.AT + timedelta(days=400),
    }
    return AuditEntry(**{**values, **changes})


def change(
    *creates: Organization | Thing,
    updates: tuple[Organization | Thing, ...] = (),
    removes: tuple[Thing, ...] = (),
    request: Request | None = None,
    at: datetime = flows.AT,
) -> Change:
    """Return a change of the organization of the first thing in it."""
    owner = (*creates, *updates, *removes)[0].organization_id
    return Change(entry(organization_id=owner, at=at), creates, updates, removes, request)
