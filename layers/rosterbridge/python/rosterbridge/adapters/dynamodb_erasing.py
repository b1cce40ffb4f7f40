"""What the tables hold of an organization, found by the keys of docs/data-model.md, and the certificate of its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from rosterbridge.adapters.clients import client, translated
from rosterbridge.adapters.dynamodb_changes import (
    KINDS,
    WATCHES,
    Key,
    attributes,
    link_key,
    thing_key,
    username_key,
)
from rosterbridge.adapters.dynamodb_items import ConditionFailedError, conditional, from_item, timestamp, to_item
from rosterbridge.adapters.dynamodb_notices import HOLDS
from rosterbridge.flows.erasing import Erasure
from rosterbridge.flows.models import FileAccount, Organization
from rosterbridge.flows.sign_in_scores import account_board

ERASURES = "erasures"
NOTHING: Mapping[str, int] = {}
# What the sort keys in an organization's partition begin with, and as what it is counted
COUNTED = {f"{kind}#": f"{kind.replace('-', '_')}s" for kind in KINDS.values()} | {"user#": "memberships"}


class DynamoBelongings:
    """Removes item by item; what was removed before counts no second time."""

    def __init__(self, account_table: str, run_table: str, audit_table: str) -> None:
        self._accounts, self._runs, self._audit = account_table, run_table, audit_table
        self._client = client("dynamodb")

    def close_doors(self, organization_id: str) -> None:
        """Remove what lets clients sign in, uploads start runs, and missing uploads be noticed."""
        for item in self._partition(thing_key(FileAccount, organization_id, "")):
            self._remove(username_key(item["username"]))
            for link in self._partition(link_key(item["id"])):
                self._remove((link["pk"], link["sk"]))
                self._remove((WATCHES, link["flow_id"]))

    def remove_run(self, run_id: str) -> Mapping[str, int]:
        """Remove the record of a run, and that it waits for somebody."""
        self._remove((HOLDS, run_id))
        return {"runs": self._delete(self._runs, {"id": run_id})}

    def remove_flow(self, flow_id: str) -> Mapping[str, int]:
        """Remove what belongs to a flow beside the flow itself: its lane, and what was told of it."""
        return {
            "lane_records": self._remove_all(f"lane#{flow_id}"),
            "notices": self._remove_all(f"notice#{flow_id}") + self._remove((WATCHES, flow_id)),
        }

    def remove_file_account(self, account_id: str, username: str | None) -> Mapping[str, int]:
        """Remove what belongs to a file account beside itself: what is known of its uploads and its sign-ins."""
        self._remove_all(link_key(account_id)[0])
        sign_ins = 0
        if username is not None:
            self._remove(username_key(username))
            board = account_board(username)
            sign_ins = self._remove_all(f"sign-in#{board.kind}#{board.key}")
        uploads = self._remove_all(f"uploads#{account_id}") + self._remove_all(f"upload#{account_id}")
        return {"upload_records": uploads, "sign_in_records": sign_ins}

    def remove_circuit(self, host: str) -> Mapping[str, int]:
        """Remove what is known of a host, ``<host>:<port>``."""
        return {"circuits": self._remove_all(f"circuit#{host}")}

    def remove_requests(self, user_id: str, about: Collection[str] | None) -> Mapping[str, int]:
        """Remove what is known of a user's requests; if ``about`` is given, of those that created some of it."""
        removed = 0 if about is not None else self._remove_all(f"throttle#{user_id}")
        for item in self._partition((f"request#{user_id}", "")):
            if about is None or set(item.get("target_ids", ())) & set(about):
                removed += self._remove((item["pk"], item["sk"]))
        return {"request_records": removed}

    def remove_things(self, organization_id: str) -> Mapping[str, int]:
        """Remove projects, accounts, flows and memberships."""
        counts: Counter[str] = Counter()
        for item in self._partition((f"organization#{organization_id}", "")):
            kind = next((name for beginning, name in COUNTED.items() if item["sk"].startswith(beginning)), "others")
            counts[kind] += self._remove((item["pk"], item["sk"]))
        return counts

    def remove_trail(self, organization_id: str) -> Mapping[str, int]:
        """Remove the entries of the audit trail."""
        condition, values = "organization_id = :organization", {":organization": organization_id}
        removed = 0
        for item in self._query(self._audit, condition, values):
            key = {"organization_id": organization_id, "sk": item["sk"]}
            removed += self._delete(self._audit, key)
        return {"audit_entries": removed}

    def remove_organization(self, organization_id: str) -> None:
        """Remove the organization itself, and what is counted of its dry runs."""
        self._remove_all(f"uploads#{organization_id}")
        self._remove(thing_key(Organization, organization_id, organization_id))

    def _remove_all(self, partition: str) -> int:
        return sum(self._remove((item["pk"], item["sk"])) for item in self._partition((partition, "")))

    def _remove(self, key: Key) -> int:
        return self._delete(self._accounts, attributes(key))

    def _delete(self, table: str, key: Mapping[str, str]) -> int:
        """Delete an item; return 1 if it was there."""
        with translated("dynamodb"):
            answer = self._client.delete_item(TableName=table, Key=to_item(key), ReturnValues="ALL_OLD")
        return int("Attributes" in answer)

    def _partition(self, key: Key) -> Iterator[dict[str, Any]]:
        """Yield the items of a partition of the Accounts table whose sort keys begin with that of ``key``."""
        partition, beginning = key
        condition, values = "pk = :pk", {":pk": partition}
        if beginning:
            condition, values = f"{condition} AND begins_with(sk, :sk)", {**values, ":sk": beginning}
        return self._query(self._accounts, condition, values)

    def _query(self, table: str, condition: str, values: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        with translated("dynamodb"):
            pages = self._client.get_paginator("query").paginate(
                TableName=table,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=to_item(values),
                ConsistentRead=True,
            )
            for page in pages:
                yield from map(from_item, page["Items"])


class DynamoErasureStore:
    """One item an erasure in the Accounts table, its counts a number each."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._client = client("dynamodb")

    def begin(self, erasure: Erasure) -> Erasure:
        """Store an erasure and return it; one that is known already stays as it is and is returned instead."""
        values = erasure.model_dump(mode="json", exclude_none=True)
        values |= {"requested_at": timestamp(erasure.requested_at), "expires_at": _seconds(erasure.expires_at)}
        try:
            with conditional():
                self._client.put_item(
                    TableName=self._table,
                    Item=to_item({**attributes((ERASURES, erasure.organization_id)), **values}),
                    ConditionExpression="attribute_not_exists(pk)",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ConditionFailedError as known:
            return _erasure(from_item(known.item)) if known.item else erasure
        return erasure

    def get(self, organization_id: str) -> Erasure | None:
        """Return an organization's erasure, as it is stored now."""
        with translated("dynamodb"):
            answer = self._client.get_item(TableName=self._table, Key=_key(organization_id), ConsistentRead=True)
        return _erasure(from_item(answer["Item"])) if "Item" in answer else None

    def list(self) -> Sequence[Erasure]:
        """Return all erasures, the newest first."""
        with translated("dynamodb"):
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues=to_item({":pk": ERASURES}),
                ConsistentRead=True,
            )
            found = [_erasure(from_item(item)) for page in pages for item in page["Items"]]
        return sorted(found, key=lambda erasure: erasure.requested_at, reverse=True)

    def count(self, organization_id: str, counts: Mapping[str, int]) -> None:
        """Add to the counts."""
        if counts:
            names = {"#counts": "counts", **{f"#{name}": name for name in counts}}
            added = ", ".join(f"#counts.#{name} :{name}" for name in counts)
            self._update(organization_id, f"ADD {added}", {f":{name}": count for name, count in counts.items()}, names)

    def quiet(self, organization_id: str, until: datetime) -> None:
        """Note that everything is stopped, and from when on it is removed."""
        self._update(organization_id, "SET quiet_until = :until", {":until": timestamp(until)})

    def end(self, organization_id: str, at: datetime, remains: Mapping[str, datetime], expires_at: datetime) -> None:
        """Note that all is removed."""
        values = {
            ":at": timestamp(at),
            ":remains": {name: timestamp(until) for name, until in remains.items()},
            ":end": _seconds(expires_at),
        }
        self._update(organization_id, "SET ended_at = :at, remains = :remains, expires_at = :end", values)

    def _update(
        self,
        organization_id: str,
        expression: str,
        values: Mapping[str, Any],
        names: Mapping[str, str] | None = None,
    ) -> None:
        named = {"ExpressionAttributeNames": dict(names)} if names else {}
        with translated("dynamodb"):
            self._client.update_item(
                TableName=self._table,
                Key=_key(organization_id),
                UpdateExpression=expression,
                ConditionExpression="attribute_exists(pk)",
                ExpressionAttributeValues=to_item(values),
                **named,
            )


def _key(organization_id: str) -> dict[str, Any]:
    return to_item(attributes((ERASURES, organization_id)))


def _erasure(values: Mapping[str, Any]) -> Erasure:
    return Erasure.model_validate({name: values[name] for name in Erasure.model_fields if name in values})


def _seconds(at: datetime) -> int:
    return int(at.timestamp())
