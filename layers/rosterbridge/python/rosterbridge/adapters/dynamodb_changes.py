"""A change as one transaction: which items it writes, and what it means when one of them cannot be written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from rosterbridge.adapters.dynamodb_items import CONDITION_FAILED, Item, from_item, timestamp, to_item
from rosterbridge.errors import (
    ConflictError,
    PermanentError,
    RepeatedRequestError,
    RosterbridgeError,
    TransientError,
)
from rosterbridge.flows.models import (
    AsmAccount,
    AuditEntry,
    DryRun,
    FileAccount,
    Flow,
    Organization,
    Project,
    Thing,
)
from rosterbridge.flows.ports import Change, RepeatedRequest, Request

KINDS: Mapping[type, str] = {
    Project: "project",
    FileAccount: "file-account",
    AsmAccount: "asm-account",
    Flow: "flow",
    DryRun: "dry-run",
}
HOMES, STARTS, LANES, WATCHES = "homes", "starts", "lanes", "watches"
LANE_GRACE = timedelta(days=1)  # runs of a removed flow may be on their way still
KEEP_REQUESTS = timedelta(hours=24)
# What a change of an administrator's leaves as it is stored: it names other items, or is written apart
KEPT = frozenset(
    {
        *("id", "organization_id", "created_at", "file_account_id", "asm_account_id"),
        *("flow_ids", "last_login_at", "last_upload_at"),
    }
)
KEPT_BY_FILE_ACCOUNTS = frozenset({"username"})  # an item of its own keeps it unique; an ASM account's is Apple's
NEW = "attribute_not_exists(pk)"
# Why a transaction is cancelled although nothing is wrong with it
PASSING = frozenset({"ProvisionedThroughputExceeded", "ThrottlingError", "TransactionConflict"})

Key = tuple[str, str]
Refusal = Callable[[Item | None], RosterbridgeError | None]


@dataclass(frozen=True)
class Tables:
    """Where a change is written; ``home_grace`` is how long the home of a removed file account stays."""

    accounts: str
    audit: str
    home_grace: timedelta


@dataclass(frozen=True)
class Write:
    """One item of a transaction; ``refusal`` tells from what is stored why its condition failed."""

    action: dict[str, Any]
    refusal: Refusal


def thing_key(kind: type, organization_id: str, identity: str) -> Key:
    """Return the key of a thing: the organization is part of it, so that nothing of another one is ever found."""
    if kind is Organization:
        return ("organizations", identity)
    return (f"organization#{organization_id}", f"{KINDS[kind]}#{identity}")


def username_key(username: str) -> Key:
    """Return the key of the item that keeps a user name unique."""
    return (f"username#{username}", "username")


def link_key(file_account_id: str, flow_id: str = "") -> Key:
    """Return the key of the link from a file account to a flow, or what all links of the account begin with."""
    return (f"file-account#{file_account_id}", f"flow#{flow_id}")


def request_key(request: Request) -> Key:
    """Return the key of the record of a request."""
    return (f"request#{request.user_id}", request.key)


def repeated_request(values: Mapping[str, Any]) -> RepeatedRequest:
    """Return what the record of a request tells."""
    return RepeatedRequest(values.get("fingerprint", ""), tuple(values.get("target_ids", ())))


def attributes(key: Key) -> dict[str, str]:
    """Return a key as attributes."""
    return {"pk": key[0], "sk": key[1]}


def audit_item(entry: AuditEntry) -> Item:
    """Return the item of an audit entry; ``expires_at`` is in seconds for DynamoDB's expiry."""
    values = entry.model_dump(mode="json")
    expires_at = int(entry.expires_at.timestamp())
    return to_item({**values, "sk": f"{timestamp(entry.at)}#{entry.id}", "expires_at": expires_at})


def writes(change: Change, tables: Tables) -> list[Write]:
    """Return everything that the change writes, each item once, the request first: its repeat explains the rest."""
    return [
        *(_request(change.request, change, tables) if change.request else ()),
        *_creates(change, tables.accounts),
        *(_update(thing, tables.accounts) for thing in change.updates),
        *_removes(change, tables),
        *_watches(change, tables.accounts),
        _put(tables.audit, audit_item(change.audit), condition="attribute_not_exists(sk)"),
    ]


def explained(reasons: Iterable[Mapping[str, Any]], written: Iterable[Write]) -> RosterbridgeError:
    """Return what a cancelled transaction means, by the reasons that DynamoDB gives for each of its writes."""
    reasons = list(reasons)
    for write, reason in zip(written, reasons, strict=False):
        if reason.get("Code") == CONDITION_FAILED and (refusal := write.refusal(reason.get("Item"))):
            return refusal
    causes = sorted({str(reason.get("Code")) for reason in reasons} - {"None"})
    kind = TransientError if causes and PASSING.issuperset(causes) else PermanentError
    return kind("aws-refused", " ".join(["dynamodb TransactWriteItems", *causes]))


def _request(request: Request, change: Change, tables: Tables) -> Iterator[Write]:
    """Yield the record of a request; one whose time is over counts as gone, since DynamoDB removes it days later."""
    now = int(change.audit.at.timestamp())
    item = {
        **attributes(request_key(request)),
        "fingerprint": request.fingerprint,
        "target_ids": list(change.target_ids),
        "expires_at": now + int(KEEP_REQUESTS.total_seconds()),
    }

    def refusal(stored: Item | None) -> RosterbridgeError:
        known = repeated_request(from_item(stored or {}))
        return RepeatedRequestError(known.fingerprint, known.target_ids)

    condition = f"{NEW} OR expires_at <= :now"
    yield _put(tables.accounts, to_item(item), refusal, condition=condition, values={":now": now})


def _creates(change: Change, table: str) -> Iterator[Write]:
    links = _links(change.creates)
    for thing in change.creates:
        key = thing_key(type(thing), thing.organization_id, thing.id)
        if isinstance(thing, FileAccount):
            owner = {"organization_id": thing.organization_id, "file_account_id": thing.id}
            name = {**attributes(username_key(thing.username)), **owner}
            yield _put(table, to_item(name), _always(ConflictError("username-taken")))
        if isinstance(thing, Flow):
            link = {"organization_id": thing.organization_id, "flow_id": thing.id}
            yield _put(table, to_item({**attributes(link_key(thing.file_account_id, thing.id)), **link}))
        # an account that is created with its flow has the flow from the start: a transaction writes an item once
        yield _put(table, to_item({**_values(thing, links.pop(key, None)), **attributes(key)}))
    for key, flow_ids in links.items():
        yield _link(table, key, "ADD", flow_ids, _always(ConflictError("account-gone", key[1].partition("#")[2])))


def _update(thing: Organization | Thing, table: str) -> Write:
    """Return the write of a thing's own fields under the next version."""
    kept = KEPT | KEPT_BY_FILE_ACCOUNTS if isinstance(thing, FileAccount) else KEPT
    fields = {name: value for name, value in _values(thing).items() if name not in kept}
    fields["version"] = thing.version + 1
    present = {name: value for name, value in fields.items() if value is not None}
    expression = "SET " + ", ".join(f"#{name} = :{name}" for name in present)
    if absent := fields.keys() - present.keys():
        expression += " REMOVE " + ", ".join(f"#{name}" for name in sorted(absent))
    update = {
        "UpdateExpression": expression,
        "ConditionExpression": "#version = :read",
        "ExpressionAttributeNames": {f"#{name}": name for name in fields},
        "ExpressionAttributeValues": to_item(
            {":read": thing.version, **{f":{name}": value for name, value in present.items()}}
        ),
    }
    key = thing_key(type(thing), thing.organization_id, thing.id)
    return _write("Update", table, {"Key": to_item(attributes(key)), **update}, _always(_changed(thing)))


def _removes(change: Change, tables: Tables) -> Iterator[Write]:
    table = tables.accounts
    for thing in change.removes:
        yield _remove(thing, table)
        if isinstance(thing, FileAccount):
            yield _delete(table, username_key(thing.username))
            due = timestamp(change.audit.at + tables.home_grace)
            yield _put(table, to_item({**attributes((HOMES, thing.id)), "due_at": due}))
        if isinstance(thing, Flow):
            yield _delete(table, link_key(thing.file_account_id, thing.id))
            due = timestamp(change.audit.at + LANE_GRACE)
            yield _put(table, to_item({**attributes((LANES, thing.id)), "due_at": due}))
    for key, flow_ids in _links(change.removes).items():
        yield _link(table, key, "DELETE", flow_ids, _never)


def _watches(change: Change, table: str) -> Iterator[Write]:
    """Yield what is watched from now on: flows that are on and expect an upload by a time of day."""
    for flow in (thing for thing in (*change.creates, *change.updates) if isinstance(thing, Flow)):
        if flow.enabled and flow.expected_by:
            yield _write("Put", table, {"Item": to_item(_watch(flow, change.audit.at))}, _never)
        elif flow not in change.creates:
            yield _delete(table, (WATCHES, flow.id))
    for thing in change.removes:
        if isinstance(thing, Flow):
            yield _delete(table, (WATCHES, thing.id))


def _watch(flow: Flow, since: datetime) -> dict[str, Any]:
    return {
        **attributes((WATCHES, flow.id)),
        "organization_id": flow.organization_id,
        "time_zone": flow.time_zone,
        "expected_by": flow.expected_by,
        "since": timestamp(since),
    }


def _remove(thing: Thing, table: str) -> Write:
    """Return the removal of a thing that nothing uses; DynamoDB keeps no empty set, so that its absence tells."""

    def refusal(stored: Item | None) -> RosterbridgeError:
        return ConflictError("in-use", thing.id) if stored and "flow_ids" in stored else _changed(thing)

    removal = {
        "Key": to_item(attributes(thing_key(type(thing), thing.organization_id, thing.id))),
        "ConditionExpression": "version = :read AND attribute_not_exists(flow_ids)",
        "ExpressionAttributeValues": to_item({":read": thing.version}),
    }
    return _write("Delete", table, removal, refusal)


def _links(things: Iterable[Organization | Thing]) -> dict[Key, set[str]]:
    """Return the flows among the things by the accounts that they use."""
    links: dict[Key, set[str]] = defaultdict(set)
    for flow in things:
        if isinstance(flow, Flow):
            links[thing_key(FileAccount, flow.organization_id, flow.file_account_id)].add(flow.id)
            links[thing_key(AsmAccount, flow.organization_id, flow.asm_account_id)].add(flow.id)
    return links


def _link(table: str, key: Key, verb: str, flow_ids: Set[str], refusal: Refusal) -> Write:
    update = {
        "Key": to_item(attributes(key)),
        "UpdateExpression": f"{verb} flow_ids :flows",
        "ConditionExpression": "attribute_exists(pk)",
        "ExpressionAttributeValues": to_item({":flows": flow_ids}),
    }
    return _write("Update", table, update, refusal)


def _values(thing: Organization | Thing, flow_ids: Set[str] | None = None) -> dict[str, Any]:
    """Return a thing's values, flows as a set, which cannot be empty, and its end in seconds for DynamoDB's expiry."""
    values = thing.model_dump(mode="json", exclude={"flow_ids", "last_login_at", "last_upload_at"})
    if isinstance(thing, DryRun):
        values["expires_at"] = int(thing.expires_at.timestamp())
    return {**values, "flow_ids": flow_ids} if flow_ids else values


def _put(
    table: str,
    item: Item,
    refusal: Refusal | None = None,
    *,
    condition: str = NEW,
    values: Mapping[str, Any] | None = None,
) -> Write:
    put: dict[str, Any] = {"Item": item, "ConditionExpression": condition}
    if values:
        put["ExpressionAttributeValues"] = to_item(values)
    return _write("Put", table, put, refusal or _never)


def _delete(table: str, key: Key) -> Write:
    return _write("Delete", table, {"Key": to_item(attributes(key))}, _never)


def _write(verb: str, table: str, action: dict[str, Any], refusal: Refusal) -> Write:
    stored = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"} if "ConditionExpression" in action else {}
    return Write({verb: {"TableName": table, **action, **stored}}, refusal)


def _changed(thing: Organization | Thing) -> ConflictError:
    return ConflictError("version-changed", thing.id)


def _always(error: RosterbridgeError) -> Refusal:
    return lambda _stored: error


def _never(_stored: Item | None) -> None:
    """Give no reason: such a condition fails only when something is wrong with the service itself."""
