"""Which flows use an account: it is not deleted while one does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rosterbridge.errors import ConflictError, InUseError
from rosterbridge.flows.models import AsmAccount, FileAccount, Flow
from rosterbridge.flows.ports import AccountStore


def _flows_using(accounts: AccountStore, account: FileAccount | AsmAccount) -> Sequence[tuple[str, str]]:
    """Return id and name of each flow that uses the account, by name."""
    found = (accounts.get(Flow, account.organization_id, identity) for identity in account.flow_ids)
    return sorted(((flow.id, flow.name) for flow in found if flow), key=lambda pair: (pair[1], pair[0]))


@contextmanager
def in_use_named(accounts: AccountStore, account: FileAccount | AsmAccount) -> Iterator[None]:
    """Name the flows when the store refuses to remove their account: raise InUseError."""
    try:
        yield
    except ConflictError as error:
        if error.code != "in-use":
            raise
        now = accounts.get(type(account), account.organization_id, account.id)
        raise InUseError(_flows_using(accounts, now) if now else ()) from None
