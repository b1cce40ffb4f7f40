"""What is counted of an account's uploads, and what is known of those that broke off, in the Accounts table."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from botocore.exceptions import ClientError

from rosterbridge.adapters.clients import client, error_code, translated
from rosterbridge.adapters.dynamodb_items import (
    CONDITION_FAILED,
    ConditionFailedError,
    Item,
    conditional,
    from_item,
    to_item,
)
from rosterbridge.errors import TransientError
from rosterbridge.flows.broken_uploads import BrokenUpload, StoredVersion
from rosterbridge.flows.models import ObjectRef
from rosterbridge.flows.upload_limits import TOO_MANY_BYTES, TOO_MANY_UPLOADS, Counted, UploadLimits

COUNTS_KEPT = timedelta(days=16)  # a notice may come as late as its queue keeps it
VERSION, BROKEN = "version#", "broken#"
UNPAIRED = "attribute_not_exists(paired_with) OR paired_with = :other"


class DynamoUploadCounter:
    """One item an uploader and day: how many, how many bytes, and which, so that none counts twice."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._client = client("dynamodb")

    def count(self, uploader_id: str, day: date, upload: str, size: int, limits: UploadLimits) -> Counted:
        """Count an upload if the day's limits allow it, once for its id; what was counted once stays so."""
        values = {
            **to_item(
                {
                    ":one": 1,
                    ":size": size,
                    ":most": limits.uploads_per_day,
                    ":room": limits.bytes_per_day - size,
                    ":upload": upload,
                    ":end": int((datetime.combine(day, time(), UTC) + COUNTS_KEPT).timestamp()),
                }
            ),
            ":these": {"SS": [upload]},
        }
        fits = "attribute_not_exists(uploads) OR (uploads < :most AND uploaded_bytes <= :room)"
        if size > limits.bytes_per_day:
            return TOO_MANY_BYTES
        try:
            with conditional():
                self._client.update_item(
                    TableName=self._table,
                    Key=to_item({"pk": f"uploads#{uploader_id}", "sk": day.isoformat()}),
                    UpdateExpression="SET expires_at = :end ADD uploads :one, uploaded_bytes :size, counted :these",
                    ConditionExpression=f"({fits}) AND NOT contains(counted, :upload)",
                    ExpressionAttributeValues=values,
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ConditionFailedError as failed:
            known = from_item(failed.item or {})
            if upload in known.get("counted", ()):
                return "counted"
            return TOO_MANY_UPLOADS if known.get("uploads", 0) >= limits.uploads_per_day else TOO_MANY_BYTES
        return "counted"


class DynamoBrokenUploadStore:
    """One partition a file account; an object in it by the digest of its place, which may hold a name. All expires."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._client = client("dynamodb")

    def note_version(self, version: StoredVersion, until: datetime) -> None:
        """Keep a version; may be repeated."""
        values = {
            ":etag": version.etag,
            ":size": version.size,
            ":version": version.ref.version_id or "",
            ":runs": list(version.run_ids),
            ":end": _seconds(until),
        }
        expression = "SET etag = :etag, size_bytes = :size, version_id = :version, run_ids = :runs, expires_at = :end"
        self._update(_version_key(version), expression, values)

    def note_broken(self, broken: BrokenUpload, until: datetime) -> None:
        """Keep a failure; what it stands for already stays so."""
        values = {":etag": broken.etag, ":size": broken.size, ":id": broken.id, ":end": _seconds(until)}
        expression = "SET etag = :etag, size_bytes = :size, broken_id = :id, expires_at = :end"
        self._update(_broken_key(broken), expression, values)

    def versions(self, ref: ObjectRef, now: datetime) -> Sequence[StoredVersion]:
        """Return the versions of an object, whatever version ``ref`` names, as they are stored now."""
        return [
            StoredVersion(
                ref=ref.model_copy(update={"version_id": item["version_id"] or None}),
                etag=item["etag"],
                size=item["size_bytes"],
                run_ids=tuple(item["run_ids"]),
            )
            for item in self._query(ref, VERSION, now)
        ]

    def broken(self, ref: ObjectRef, now: datetime) -> Sequence[BrokenUpload]:
        """Return the failures of an object, likewise."""
        place = ref.model_copy(update={"version_id": None})
        return [
            BrokenUpload(id=item["broken_id"], ref=place, etag=item["etag"], size=item["size_bytes"])
            for item in self._query(ref, BROKEN, now)
        ]

    def claim(self, broken: BrokenUpload, version: StoredVersion) -> bool:
        """Let a failure stand for a version, one for one; False if either has another already. May be repeated."""
        pairs = ((_broken_key(broken), version.ref.version_id or ""), (_version_key(version), broken.id))
        with translated("dynamodb"):
            try:
                self._client.transact_write_items(
                    TransactItems=[{"Update": self._pairing(key, other)} for key, other in pairs]
                )
            except ClientError as error:
                if error_code(error) != "TransactionCanceledException":
                    raise
                answer: dict[str, Any] = dict(error.response)
                codes = {reason.get("Code") for reason in answer.get("CancellationReasons", [])}
                if codes <= {CONDITION_FAILED, "None"}:
                    return False
                raise TransientError("aws-refused", "dynamodb TransactWriteItems TransactionConflict") from None
        return True

    def _pairing(self, key: Item, other: str) -> dict[str, Any]:
        return {
            "TableName": self._table,
            "Key": key,
            "UpdateExpression": "SET paired_with = :other",
            "ConditionExpression": f"attribute_exists(pk) AND ({UNPAIRED})",
            "ExpressionAttributeValues": to_item({":other": other}),
        }

    def _update(self, key: Item, expression: str, values: dict[str, Any]) -> None:
        with translated("dynamodb"):
            self._client.update_item(
                TableName=self._table,
                Key=key,
                UpdateExpression=expression,
                ExpressionAttributeValues=to_item(values),
            )

    def _query(self, ref: ObjectRef, beginning: str, now: datetime) -> Iterator[dict[str, Any]]:
        """Yield what is kept of an object, but what is over: DynamoDB may remove that days later."""
        with translated("dynamodb"):
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                KeyConditionExpression="pk = :pk AND begins_with(sk, :beginning)",
                ExpressionAttributeValues=to_item({":pk": _partition(ref), ":beginning": _place(ref) + beginning}),
                ConsistentRead=True,
            )
            for page in pages:
                yield from (item for item in map(from_item, page["Items"]) if item["expires_at"] > _seconds(now))


def _partition(ref: ObjectRef) -> str:
    return f"upload#{ref.key.split('/')[1]}"  # home/<file account>/<the client's own path>


def _place(ref: ObjectRef) -> str:
    return f"{hashlib.sha256(f'{ref.bucket}/{ref.key}'.encode()).hexdigest()}#"


def _version_key(version: StoredVersion) -> Item:
    place = _place(version.ref)
    return to_item({"pk": _partition(version.ref), "sk": f"{place}{VERSION}{version.ref.version_id or ''}"})


def _broken_key(broken: BrokenUpload) -> Item:
    return to_item({"pk": _partition(broken.ref), "sk": f"{_place(broken.ref)}{BROKEN}{broken.id}"})


def _seconds(at: datetime) -> int:
    return int(at.timestamp())
