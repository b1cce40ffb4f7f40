"""How values, times and cursors look in DynamoDB, and what a condition that fails means."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from rosterbridge.adapters.clients import error_code, translated
from rosterbridge.errors import InvalidRequestError
from rosterbridge.flows.models import Model

CONDITION_FAILED = "ConditionalCheckFailed"
CURSOR_CHARACTERS = 300

Item = dict[str, Any]

_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize
_IDENTITY = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def to_item(values: Mapping[str, Any]) -> Item:
    """Return DynamoDB's form of plain values; ``None`` is left out."""
    return {name: _serialize(_stored(value)) for name, value in values.items() if value is not None}


def from_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the plain values of a DynamoDB item."""
    return {name: _plain(_deserialize(value)) for name, value in item.items()}


def plain(model: Model) -> dict[str, Any]:
    """Return a model's values as they are stored, without those that it has not."""
    return model.model_dump(mode="json", exclude_none=True)


def _stored(value: Any) -> Any:
    """Return ``value`` with its fractions as decimals: boto3 takes no float."""
    if isinstance(value, float):
        return Decimal(str(value))
    if isinstance(value, dict):
        return {name: _stored(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_stored(inner) for inner in value]
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value


def timestamp(at: datetime) -> str:
    """Return a time as text of one width and one zone, so that texts are in the order of their times."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def is_identity(*texts: str) -> bool:
    """Tell whether all of these could be ids of ours: what is asked for may be any text, and too long for a key."""
    return all(_IDENTITY.fullmatch(text) for text in texts)


class Position(NamedTuple):
    """Where a page ended: the time and the id of its last line."""

    at: str
    identity: str

    @property
    def cursor(self) -> str:
        """The position in the form that leaves the service; the partition is no part of it."""
        return base64.urlsafe_b64encode(json.dumps(self).encode()).decode().rstrip("=")


def position(cursor: str) -> Position:
    """Return where a cursor stands; raises InvalidRequestError ``cursor-invalid`` for what is none of ours."""
    try:
        if len(cursor) > CURSOR_CHARACTERS:
            raise ValueError
        padded = cursor + "=" * (-len(cursor) % 4)
        at, identity = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if not (_TIMESTAMP.fullmatch(at) and is_identity(identity)):
            raise ValueError
    except (ValueError, TypeError):
        raise InvalidRequestError("cursor-invalid", field="cursor") from None
    return Position(at, identity)


class ConditionFailedError(Exception):
    """The condition of a write failed; ``item`` is what is stored, if there is anything."""

    def __init__(self, item: Item | None) -> None:
        super().__init__()
        self.item = item


@contextmanager
def conditional() -> Iterator[None]:
    """Translate errors of a write, a failed condition to ConditionFailedError."""
    with translated("dynamodb"):
        try:
            yield
        except ClientError as error:
            if error_code(error) == f"{CONDITION_FAILED}Exception":
                answer: Mapping[str, Any] = error.response
                raise ConditionFailedError(answer.get("Item")) from None
            raise
