"""What MiniStack 1.5.33 does not tell IAM of a request: what DynamoDB is to touch, and KMS's encryption context."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from email.utils import parseaddr
from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.services import dynamodb, ses_v2

Request = dict[str, Any]
Keys = dict[str, Any]

EXPRESSIONS = ("UpdateExpression", "ConditionExpression")
# The first name of a path in an expression, which is no value, no function and no deeper name
NAME = re.compile(r"(?<![.:\w#])(#?[A-Za-z_]\w*)\b(?!\s*\()")
WORDS = frozenset({"set", "remove", "add", "delete", "and", "or", "not", "between", "in"})
EQUAL = re.compile(r"(#?\w+)\s*=\s*(:\w+)")

SEND = "/v2/email/outbound-emails"

_sender: ContextVar[Keys] = ContextVar("sender")
_items: ContextVar[Iterator[Keys]] = ContextVar("items")


def apply() -> None:
    """Put every correction of this module in place; call before the server starts."""
    stock = iam_actions.request_tag_context

    def request_context(service: str, action: str, body: bytes, params: Any) -> Keys:
        told = {"dynamodb": dynamodb_keys, "kms": _kms_keys}.get(service)
        return {**stock(service, action, body, params), **(told(json.loads(body or b"{}")) if told else {})}

    iam_actions.request_tag_context = request_context
    _tell_of_each_item_of_a_transaction()
    _tell_who_sends_mail()
    _judge_the_first_of_several_deletions()


def dynamodb_keys(request: Request) -> Keys:
    """Return DynamoDB's condition keys of a request for one table, or of one item of a transaction."""
    # a batch names its keys below its tables, of which ours is one
    batch = [asked for asked in request.get("RequestItems", {}).items() if isinstance(asked[1], dict)]
    table, keys = (batch[0][0], batch[0][1].get("Keys", [])) if batch else (request.get("TableName", ""), [])
    found = {
        "dynamodb:LeadingKeys": _leading_keys(request, table, keys),
        "dynamodb:Attributes": sorted(_written_attributes(request)),
    }
    return {
        "dynamodb:ReturnValues": request.get("ReturnValues", "NONE"),
        **{name: values for name, values in found.items() if values},
    }


def _leading_keys(request: Request, table: str, keys: Iterable[Request]) -> list[str]:
    """Return the partitions of the table itself that a request names."""
    partition = (dynamodb._tables.get(table.rpartition("/")[2]) or {}).get("pk_name")
    items = (request.get("Key"), request.get("Item"), *keys)
    found = [item[partition] for item in items if item and partition in item]
    if not request.get("IndexName"):
        for name, value in EQUAL.findall(request.get("KeyConditionExpression", "")):
            if _named(request, name) == partition:
                found.append(request["ExpressionAttributeValues"][value])
    return [str(next(iter(value.values()))) for value in found]


def _written_attributes(request: Request) -> set[str]:
    """Return the attributes that a write names, the item's key and what its condition tests among them."""
    if "Item" in request:
        return set(request["Item"])
    if not any(expression in request for expression in EXPRESSIONS):
        return set()
    names = {name for expression in EXPRESSIONS for name in NAME.findall(request.get(expression, ""))}
    return set(request.get("Key", ())) | {_named(request, name) for name in names if name.lower() not in WORDS}


def _named(request: Request, name: str) -> str:
    return str((request.get("ExpressionAttributeNames") or {}).get(name, name))


def _kms_keys(request: Request) -> Keys:
    context = request.get("EncryptionContext") or {}
    keys: Keys = {f"kms:EncryptionContext:{name}": value for name, value in context.items()}
    return {**keys, "kms:EncryptionContextKeys": list(context)} if context else keys


def _tell_of_each_item_of_a_transaction() -> None:
    """Judge each item of a transaction by its own keys: MiniStack gives all of them those of the whole request."""
    stock_checks, stock_enforce = iam_actions.dynamodb_transaction_checks, iam_evaluator.enforce

    def checks(action: str, body: bytes, region: str, account: str) -> list[tuple[str, str]]:
        if found := stock_checks(action, body, region, account):
            items = json.loads(body)["TransactItems"]
            _items.set(dynamodb_keys(request) for item in items for request in item.values())
        return found

    def enforce(*arguments: Any, service_context: Keys | None = None, **more: Any) -> Any:
        if "dynamodb:EnclosingOperation" in (service_context or {}):
            service_context = {**(service_context or {}), **next(_items.get())}
        return stock_enforce(*arguments, service_context=service_context, **more)

    iam_actions.dynamodb_transaction_checks = checks
    iam_evaluator.enforce = enforce


def _tell_who_sends_mail() -> None:
    """Judge SES's SendEmail by the identity of its sender, of which MiniStack says nothing."""
    stock_arn, stock_enforce = iam_actions.extract_resource_arn, iam_evaluator.enforce

    def resource_arn(service: str, method: str, path: str, headers: Any, body: bytes, *more: Any) -> str:
        if service != "ses" or not path.startswith(SEND):
            return str(stock_arn(service, method, path, headers, body, *more))
        sender = parseaddr(json.loads(body).get("FromEmailAddress", ""))[1]
        _sender.set({"ses:FromAddress": sender})
        known = next((name for name in (sender, sender.rpartition("@")[2]) if ses_v2._identities.get(name)), sender)
        _, region, account = more
        return f"arn:aws:ses:{region}:{account}:identity/{known}"

    def enforce(access_key: str, action: str, *arguments: Any, service_context: Keys | None = None, **more: Any) -> Any:
        if action == "ses:SendEmail":
            service_context = {**(service_context or {}), **_sender.get({})}
        return stock_enforce(access_key, action, *arguments, service_context=service_context, **more)

    iam_actions.extract_resource_arn = resource_arn
    iam_evaluator.enforce = enforce


def _judge_the_first_of_several_deletions() -> None:
    """Ask for DeleteObjectVersion for the first version of a batch too: MiniStack does so from the second one on."""
    stock = iam_actions.s3_additional_checks

    def checks(method: str, path: str, headers: Any, body: bytes, params: Any) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = stock(method, path, headers, body, params)
        if method == "POST" and "delete" in params:
            targets = iam_actions._s3_batch_delete_targets(path.split("/")[1], body)
            return [*(("s3:DeleteObjectVersion", arn) for arn, version in targets[:1] if version), *found]
        return found

    iam_actions.s3_additional_checks = checks
