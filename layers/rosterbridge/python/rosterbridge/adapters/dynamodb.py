"""Accounts and history in DynamoDB; ``docs/data-model.md`` has keys and access patterns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC
from decimal import Decimal
from typing import Any, Never, TypeVar

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from rosterbridge.adapters.clients import client, error_code, translated
from rosterbridge.errors import ConfigurationError, NotFoundError, PermanentError, TransientError
from rosterbridge.flows.models import (
    STEPS,
    AsmAccount,
    FileAccount,
    Flow,
    Model,
    ObjectRef,
    Project,
    Run,
    RunStatus,
    Step,
)

# Why a transaction is cancelled although nothing is wrong with it
PASSING = frozenset({"ProvisionedThroughputExceeded", "ThrottlingError", "TransactionConflict"})
CONDITION_FAILED = "ConditionalCheckFailed"
# A run is there, and has not ended yet
KNOWN = "attribute_exists(id)"
OPEN = "attribute_exists(id) AND attribute_not_exists(ended_at)"
PAGE = 100

M = TypeVar("M", bound=Model)
Item = dict[str, Any]

_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


def to_item(values: Mapping[str, Any]) -> Item:
    """Return DynamoDB's form of plain values; ``None`` is left out."""
    return {name: _serialize(_stored(value)) for name, value in values.items() if value is not None}


def from_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the plain values of a DynamoDB item."""
    return {name: _plain(_deserialize(value)) for name, value in item.items()}


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


class DynamoAccountStore:
    """Projects, accounts and flows: one table, the thing's kind and id as partition key."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._client = client("dynamodb")

    def file_account_by_username(self, username: str) -> FileAccount | None:
        """Return the file account that signs in with ``username``."""
        found = self._get(f"username#{username}", "username")
        return self._load(FileAccount, "file-account", found["file_account_id"]) if found else None

    def flows_of_file_account(self, file_account_id: str) -> Sequence[Flow]:
        """Return the flows that an upload to this file account starts."""
        with translated("dynamodb"):
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                KeyConditionExpression="pk = :pk AND begins_with(sk, :flow)",
                ExpressionAttributeValues=to_item({":pk": f"file-account#{file_account_id}", ":flow": "flow#"}),
                ConsistentRead=True,
            )
            links = [from_item(item)["flow_id"] for page in pages for item in page["Items"]]
        return [flow for flow in map(self.flow, links) if flow is not None]

    def flow(self, flow_id: str) -> Flow | None:
        """Return the flow."""
        return self._load(Flow, "flow", flow_id)

    def asm_account(self, asm_account_id: str) -> AsmAccount | None:
        """Return the ASM account."""
        return self._load(AsmAccount, "asm-account", asm_account_id)

    def project(self, project_id: str) -> Project | None:
        """Return the project."""
        return self._load(Project, "project", project_id)

    def put_project(self, project: Project) -> None:
        """Store the project."""
        with translated("dynamodb"):
            self._client.put_item(TableName=self._table, Item=self._item("project", project.id, project))

    def create_flow(self, flow: Flow, file_account: FileAccount, asm_account: AsmAccount) -> None:
        """Store the three together or none; raises ConfigurationError ``username-taken``."""
        link = {"pk": f"file-account#{file_account.id}", "sk": f"flow#{flow.id}", "flow_id": flow.id}
        name = {"pk": f"username#{file_account.username}", "sk": "username", "file_account_id": file_account.id}
        items = [
            to_item(name),
            self._item("file-account", file_account.id, file_account),
            self._item("asm-account", asm_account.id, asm_account),
            self._item("flow", flow.id, flow),
            to_item(link),
        ]
        puts = [
            {"Put": {"TableName": self._table, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}}
            for item in items
        ]
        with translated("dynamodb"):
            try:
                self._client.transact_write_items(TransactItems=puts)
            except ClientError as error:
                if error_code(error) == "TransactionCanceledException":
                    _explain(error, name=items.index(to_item(name)))
                raise

    def _get(self, pk: str, sk: str) -> dict[str, Any] | None:
        with translated("dynamodb"):
            answer = self._client.get_item(
                TableName=self._table, Key=to_item({"pk": pk, "sk": sk}), ConsistentRead=True
            )
        return from_item(answer["Item"]) if "Item" in answer else None

    def _load(self, model: type[M], kind: str, identity: str) -> M | None:
        values = self._get(f"{kind}#{identity}", kind)
        return model.model_validate(_without_keys(values)) if values else None

    @staticmethod
    def _item(kind: str, identity: str, model: Model) -> Item:
        return to_item({**model.model_dump(mode="json"), "pk": f"{kind}#{identity}", "sk": kind})


def _explain(cancelled: ClientError, *, name: int) -> Never:
    """Raise what a cancelled transaction means; ``name`` is the place of the user name in it."""
    reasons = [str(reason.get("Code")) for reason in cancelled.response.get("CancellationReasons", [])]
    if reasons[name : name + 1] == [CONDITION_FAILED]:
        raise ConfigurationError("username-taken") from None
    causes = sorted(set(reasons) - {"None"})
    kind = TransientError if causes and all(cause in PASSING for cause in causes) else PermanentError
    raise kind("aws-refused", " ".join(["dynamodb TransactWriteItems", *causes])) from None


def _without_keys(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in {"pk", "sk"}}


class _ConditionFailedError(Exception):
    """The condition of a write failed; ``item`` is what is stored, if there is anything."""

    def __init__(self, item: Item | None) -> None:
        super().__init__()
        self.item = item


@contextmanager
def _conditional() -> Iterator[None]:
    with translated("dynamodb"):
        try:
            yield
        except ClientError as error:
            if error_code(error) == f"{CONDITION_FAILED}Exception":
                answer: Mapping[str, Any] = error.response
                raise _ConditionFailedError(answer.get("Item")) from None
            raise


class DynamoRunStore:
    """The history: one item a run, its steps a map inside, so that a page costs one read."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._client = client("dynamodb")

    def create(self, run: Run) -> Run:
        """Store a new run and return it; one that is known already stays as it is and is returned instead."""
        try:
            with _conditional():
                self._client.put_item(
                    TableName=self._table,
                    Item=run_to_item(run),
                    ConditionExpression="attribute_not_exists(id)",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except _ConditionFailedError as known:
            return run_from_item(known.item) if known.item else run
        return run

    def get(self, run_id: str) -> Run | None:
        """Return the run with its steps."""
        with translated("dynamodb"):
            answer = self._client.get_item(TableName=self._table, Key=to_item({"id": run_id}), ConsistentRead=True)
        return run_from_item(answer["Item"]) if "Item" in answer else None

    def list(self, project_id: str, *, limit: int) -> Sequence[Run]:
        """Return a project's runs, newest first."""
        with translated("dynamodb"):
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                IndexName="by-project",
                KeyConditionExpression="project_id = :project",
                ExpressionAttributeValues=to_item({":project": project_id}),
                ScanIndexForward=False,
                PaginationConfig={"MaxItems": limit, "PageSize": min(limit, PAGE)},
            )
            return [run_from_item(item) for page in pages for item in page["Items"]]

    def start_step(self, run_id: str, status: RunStatus, step: Step) -> None:
        """Record that a step begins and what the run is doing; raises PermanentError for an ended run."""
        try:
            self._update(run_id, step, {"status": status.value}, condition=OPEN)
        except _ConditionFailedError as failed:
            if failed.item:
                raise PermanentError("run-ended", run_id) from None
            raise NotFoundError("run-missing", run_id) from None

    def end_step(
        self,
        run_id: str,
        step: Step,
        *,
        summary: str = "",
        report: ObjectRef | None = None,
        result: ObjectRef | None = None,
        provenance: ObjectRef | None = None,
        delivered_to: str | None = None,
    ) -> None:
        """Record how a step ended, with what it produced; an ended run keeps its summary."""
        stored = {"report": report, "result": result, "provenance": provenance}
        fields: dict[str, Any] = {name: ref.model_dump(exclude_none=True) for name, ref in stored.items() if ref}
        if delivered_to is not None:
            fields["delivered_to"] = delivered_to
        try:
            try:
                self._update(run_id, step, {**fields, "summary": summary} if summary else fields, condition=OPEN)
            except _ConditionFailedError:
                self._update(run_id, step, fields, condition=KNOWN)
        except _ConditionFailedError:
            raise NotFoundError("run-missing", run_id) from None

    def _update(self, run_id: str, step: Step, fields: dict[str, Any], *, condition: str) -> None:
        names = {"#step": step.name, **{f"#{name}": name for name in fields}}
        values = {":step": step.model_dump(mode="json"), **{f":{name}": value for name, value in fields.items()}}
        assignments = ["steps.#step = :step", *(f"#{name} = :{name}" for name in fields)]
        with _conditional():
            self._client.update_item(
                TableName=self._table,
                Key=to_item({"id": run_id}),
                UpdateExpression="SET " + ", ".join(assignments),
                ConditionExpression=condition,
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=to_item(values),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )


def run_to_item(run: Run) -> Item:
    """Return the item of a run: steps as a map, ``expires_at`` in seconds for DynamoDB's expiry.

    ``received_at``, which is sorted by, has one width and one zone.
    """
    values = run.model_dump(mode="json", exclude_none=True)
    values["received_at"] = run.received_at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    values["steps"] = {step["name"]: step for step in values["steps"]}
    values["expires_at"] = int(run.expires_at.timestamp())
    return to_item(values)


def run_from_item(item: Item) -> Run:
    """Return the run that an item holds, its steps in order."""
    values = from_item(item)
    steps = values.pop("steps", {})
    return Run.model_validate({**values, "steps": [steps[name] for name in STEPS if name in steps]})
