"""Organizations with their projects, accounts and flows, and the audit trail that each change leaves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from rosterbridge.adapters.clients import client, error_code, translated
from rosterbridge.adapters.dynamodb_changes import (
    HOMES,
    LANES,
    STARTS,
    Key,
    Tables,
    attributes,
    audit_item,
    explained,
    link_key,
    repeated_request,
    request_key,
    thing_key,
    username_key,
    writes,
)
from rosterbridge.adapters.dynamodb_items import (
    ConditionFailedError,
    Position,
    conditional,
    from_item,
    is_identity,
    position,
    timestamp,
    to_item,
)
from rosterbridge.flows.models import AuditEntry, FileAccount, Flow, Organization
from rosterbridge.flows.ports import Change, Page, RepeatedRequest, Request, T

HOME_GRACE = timedelta(days=7)


class DynamoAccountStore:
    """One table, the organization in every key; ``audit_table`` is needed by ``commit`` alone."""

    def __init__(self, table: str, *, audit_table: str = "", home_grace: timedelta = HOME_GRACE) -> None:
        self._table = table
        self._tables = Tables(table, audit_table, home_grace)
        self._client = client("dynamodb")

    def get(self, kind: type[T], organization_id: str, identity: str) -> T | None:
        """Return one thing of the organization, as it is stored now."""
        if not is_identity(organization_id, identity) or (kind is Organization and identity != organization_id):
            return None
        values = self._get(thing_key(kind, organization_id, identity))
        return _thing(kind, values) if values else None

    def list(self, kind: type[T], organization_id: str) -> Sequence[T]:
        """Return all things of a kind that the organization has, in the order of their creation."""
        if kind is Organization:
            found = self.get(kind, organization_id, organization_id)
            return [found] if found else []
        if not is_identity(organization_id):
            return []
        return _in_order(_thing(kind, values) for values in self._query(thing_key(kind, organization_id, "")))

    def organizations(self) -> Sequence[Organization]:
        """Return all organizations, in the order of their creation."""
        return _in_order(_thing(Organization, values) for values in self._query(thing_key(Organization, "", "")))

    def commit(self, change: Change) -> None:
        """Store the change whole, with its entry in the audit trail and the record of its request.

        Raises ConflictError ``version-changed``, ``username-taken``, ``in-use`` or ``account-gone``,
        RepeatedRequestError, or TransientError when another transaction is in the way.
        """
        written = writes(change, self._tables)
        actions: list[Any] = [write.action for write in written]
        with translated("dynamodb"):
            try:
                self._client.transact_write_items(TransactItems=actions)
            except ClientError as error:
                if error_code(error) != "TransactionCanceledException":
                    raise
                answer: dict[str, Any] = dict(error.response)
                raise explained(answer.get("CancellationReasons", []), written) from None

    def repeated(self, request: Request, now: datetime) -> RepeatedRequest | None:
        """Return what a request with the same key of the same user created within the last 24 hours."""
        found = self._get(request_key(request))
        # DynamoDB removes what is over days later
        return repeated_request(found) if found and found["expires_at"] > int(now.timestamp()) else None

    def file_account_by_username(self, username: str) -> FileAccount | None:
        """Return the file account that signs in with ``username``."""
        found = self._get(username_key(username))
        return self.get(FileAccount, found["organization_id"], found["file_account_id"]) if found else None

    def flows_of_file_account(self, file_account_id: str) -> Sequence[Flow]:
        """Return the flows that an upload to this file account starts."""
        if not is_identity(file_account_id):
            return []
        links = list(self._query(link_key(file_account_id)))
        flows = (self.get(Flow, link["organization_id"], link["flow_id"]) for link in links)
        return [flow for flow in flows if flow is not None]

    def note_login(self, account: FileAccount, at: datetime) -> None:
        """Keep when the account signed in last; its version stays. One that is removed meanwhile stays removed."""
        self._note(account, "last_login_at", at)

    def note_upload(self, account: FileAccount, at: datetime) -> None:
        """Keep when the account uploaded last, likewise."""
        self._note(account, "last_upload_at", at)

    def due_homes(self, now: datetime) -> Sequence[str]:
        """Return the ids of removed file accounts whose home folders are to be removed by now."""
        return self._until(HOMES, "due_at", now)

    def forget_home(self, file_account_id: str) -> None:
        """Note that a removed account's home folder is gone."""
        self._delete((HOMES, file_account_id))

    def due_lanes(self, now: datetime) -> Sequence[str]:
        """Return the ids of removed flows whose lanes are to be removed by now."""
        return self._until(LANES, "due_at", now)

    def forget_lane(self, flow_id: str) -> None:
        """Note that a removed flow's lane is gone."""
        self._delete((LANES, flow_id))

    def note_start(self, run_id: str, at: datetime) -> None:
        """Note that a run is about to be recorded and started: whoever finds the note later makes sure that it was."""
        item = {**attributes((STARTS, run_id)), "noted_at": timestamp(at)}
        with translated("dynamodb"):
            self._client.put_item(TableName=self._table, Item=to_item(item))

    def open_starts(self, before: datetime) -> Sequence[str]:
        """Return the ids of runs that were noted by then and not forgotten since."""
        return self._until(STARTS, "noted_at", before)

    def forget_start(self, run_id: str) -> None:
        """Note that a run was started."""
        self._delete((STARTS, run_id))

    def _get(self, key: Key) -> dict[str, Any] | None:
        with translated("dynamodb"):
            answer = self._client.get_item(TableName=self._table, Key=to_item(attributes(key)), ConsistentRead=True)
        return from_item(answer["Item"]) if "Item" in answer else None

    def _delete(self, key: Key) -> None:
        with translated("dynamodb"):
            self._client.delete_item(TableName=self._table, Key=to_item(attributes(key)))

    def _until(self, partition: str, name: str, end: datetime) -> Sequence[str]:
        """Return the ids of a partition whose time has come, the earliest first."""
        found = [(item[name], item["sk"]) for item in self._query((partition, ""))]
        return [identity for at, identity in sorted(found) if at <= timestamp(end)]

    def _query(self, key: Key) -> Iterator[dict[str, Any]]:
        """Yield all items of a partition whose sort keys begin with that of ``key``."""
        partition, beginning = key
        condition, values = "pk = :pk", {":pk": partition}
        if beginning:
            condition, values = f"{condition} AND begins_with(sk, :sk)", {**values, ":sk": beginning}
        with translated("dynamodb"):
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=to_item(values),
                ConsistentRead=True,
            )
            for page in pages:
                yield from map(from_item, page["Items"])

    def _note(self, account: FileAccount, name: str, at: datetime) -> None:
        """Keep the latest time, in whatever order the notes come."""
        try:
            with conditional():
                self._client.update_item(
                    TableName=self._table,
                    Key=to_item(attributes(thing_key(FileAccount, account.organization_id, account.id))),
                    UpdateExpression="SET #name = :at",
                    ConditionExpression="attribute_exists(pk) AND (attribute_not_exists(#name) OR #name < :at)",
                    ExpressionAttributeNames={"#name": name},
                    ExpressionAttributeValues=to_item({":at": timestamp(at)}),
                )
        except ConditionFailedError:
            return


class DynamoAuditStore:
    """The audit trail: append-only, an organization's entries by time."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._client = client("dynamodb")

    def add(self, entry: AuditEntry) -> None:
        """Store an entry; one that is there stays as it is."""
        try:
            with conditional():
                self._client.put_item(
                    TableName=self._table, Item=audit_item(entry), ConditionExpression="attribute_not_exists(sk)"
                )
        except ConditionFailedError:
            return

    def page(self, organization_id: str, *, limit: int, cursor: str | None = None) -> Page[AuditEntry]:
        """Return an organization's entries, newest first; raises InvalidRequestError ``cursor-invalid``."""
        start = {}
        if cursor is not None:
            key = {"organization_id": organization_id, "sk": "#".join(position(cursor))}
            start = {"ExclusiveStartKey": to_item(key)}
        if not is_identity(organization_id):
            return Page(())
        with translated("dynamodb"):
            answer = self._client.query(
                TableName=self._table,
                KeyConditionExpression="organization_id = :organization",
                ExpressionAttributeValues=to_item({":organization": organization_id}),
                ScanIndexForward=False,
                Limit=limit + 1,  # one more tells whether the list goes on
                **start,
            )
        entries = [_entry(from_item(item)) for item in answer["Items"]]
        kept = tuple(entries[:limit])
        return Page(kept, Position(timestamp(kept[-1].at), kept[-1].id).cursor if len(entries) > limit else None)


def _entry(values: dict[str, Any]) -> AuditEntry:
    return AuditEntry.model_validate({name: value for name, value in values.items() if name != "sk"})


def _thing(kind: type[T], values: dict[str, Any]) -> T:
    thing: Any = kind.model_validate({name: value for name, value in values.items() if name not in {"pk", "sk"}})
    found: T = thing
    return found


def _in_order(things: Iterable[T]) -> Sequence[T]:
    found = list(things)
    found.sort(key=lambda thing: (thing.created_at, thing.id))
    return found
