"""The history: one item a run, its steps a map inside, and indexes whose lines are what a list shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from rosterbridge.adapters.clients import client, translated
from rosterbridge.adapters.dynamodb_items import (
    ConditionFailedError,
    Item,
    Position,
    conditional,
    from_item,
    is_identity,
    plain,
    position,
    timestamp,
    to_item,
)
from rosterbridge.errors import InvalidRequestError, NotFoundError, PermanentError
from rosterbridge.flows.models import STEPS, Hold, ObjectRef, Run, RunStatus, RunSummary, Step
from rosterbridge.flows.ports import Page, RunFilter

# A run is there, and has not ended yet
KNOWN = "attribute_exists(id)"
OPEN = "attribute_exists(id) AND attribute_not_exists(ended_at)"
# How far one page looks for a status among the runs of a flow before it hands over to the next one
FILTERED_ROWS, MAX_QUERIES = 500, 10
# What only the indexes need, and the answer to the state machine
KEYS = frozenset({"project_key", "flow_key", "project_status", "status_keys", "task_token"})
SUMMARY = tuple(RunSummary.model_fields)
# Names that are words of DynamoDB's own
RESERVED = {"#status": "status", "#hold": "hold"}


@dataclass(frozen=True)
class _Search:
    """The runs that a filter means: an index, one partition of it, a span of times, and a status to look out for."""

    index: str
    attribute: str
    key: str
    since: str | None
    until: str | None  # inclusive
    status: RunStatus | None = None

    @classmethod
    def of(cls, wanted: RunFilter) -> _Search:
        since = timestamp(wanted.since) if wanted.since else None
        # stored times are whole microseconds, and BETWEEN includes both ends
        until = timestamp(wanted.until - timedelta(microseconds=1)) if wanted.until else None
        project = project_key(wanted.organization_id, wanted.project_id)
        if wanted.flow_id is not None:
            return cls("by-flow", "flow_key", f"{project}#{wanted.flow_id}", since, until, wanted.status)
        if wanted.status is not None:
            return cls("by-project-status", "project_status", f"{project}#{wanted.status.value}", since, until)
        return cls("by-project", "project_key", project, since, until)

    @property
    def empty(self) -> bool:
        """Whether the span ends before it begins."""
        return self.since is not None and self.until is not None and self.since > self.until

    def start(self, cursor: str) -> Item:
        """Return the key to go on after; the partition comes from the filter, never from the cursor."""
        at, identity = position(cursor)
        if (self.since and at < self.since) or (self.until and at > self.until):
            raise InvalidRequestError("cursor-invalid", field="cursor")
        return self.index_key(at, identity)

    def index_key(self, at: str, identity: str) -> Item:
        """Return a line's key in the index."""
        return to_item({self.attribute: self.key, "received_at": at, "id": identity})

    def query(self, limit: int) -> dict[str, Any]:
        """Return the query's arguments, newest first."""
        condition, values = f"{self.attribute} = :key", {":key": self.key}
        if self.since and self.until:
            condition += " AND received_at BETWEEN :since AND :until"
        elif self.since or self.until:
            condition += " AND received_at >= :since" if self.since else " AND received_at <= :until"
        values |= {f":{name}": text for name, text in (("since", self.since), ("until", self.until)) if text}
        arguments: dict[str, Any] = {"Limit": limit + 1}  # one more tells whether the list goes on
        if self.status is not None:
            values[":status"] = self.status.value
            filtered = {"FilterExpression": "#status = :status", "ExpressionAttributeNames": {"#status": "status"}}
            arguments = {"Limit": max(FILTERED_ROWS, limit + 1), **filtered}
        return {
            "IndexName": self.index,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": to_item(values),
            "ScanIndexForward": False,
            **arguments,
        }


class DynamoRunStore:
    """One item a run; no list reads more than it shows, except a status among the runs of one flow."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._client = client("dynamodb")

    def create(self, run: Run) -> Run:
        """Store a new run and return it; one that is known already stays as it is and is returned instead."""
        try:
            with conditional():
                self._client.put_item(
                    TableName=self._table,
                    Item=run_to_item(run),
                    ConditionExpression="attribute_not_exists(id)",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ConditionFailedError as known:
            return run_from_item(known.item) if known.item else run
        return run

    def get(self, run_id: str) -> Run | None:
        """Return the run with its steps, as it is stored now."""
        item = self._item(run_id, ConsistentRead=True)
        return run_from_item(item) if item else None

    def peek(self, run_id: str) -> RunSummary | None:
        """Return the run without its steps, cheaply, and at most a second behind."""
        names = {f"#{name}": name for name in SUMMARY}
        item = self._item(run_id, ProjectionExpression=", ".join(names), ExpressionAttributeNames=names)
        return RunSummary.model_validate(from_item(item)) if item else None

    def page(self, wanted: RunFilter, *, limit: int, cursor: str | None = None) -> Page[RunSummary]:
        """Return runs, newest first; raises InvalidRequestError ``cursor-invalid``.

        A page may be short, or empty, and still have a cursor: after 5,000 runs of a flow without the status wanted.
        """
        search = _Search.of(wanted)
        start = search.start(cursor) if cursor is not None else None
        if search.empty or not is_identity(wanted.organization_id, wanted.project_id, wanted.flow_id or "none"):
            return Page(())
        found: list[RunSummary] = []
        for _ in range(MAX_QUERIES):
            items, start = self._query(search.query(limit), start)
            found += [_summary(from_item(item)) for item in items]
            if len(found) > limit or start is None:
                break
        if len(found) > limit:
            last = found[limit - 1]
            return Page(tuple(found[:limit]), Position(timestamp(last.received_at), last.id).cursor)
        return Page(tuple(found), _cursor(start) if start else None)

    def neighbours(self, run: Run) -> tuple[str | None, str | None]:
        """Return the ids of the run before and the run after this one in its project."""
        search = _Search.of(RunFilter(run.organization_id, run.project_id))
        start = search.index_key(timestamp(run.received_at), run.id)
        arguments = {**search.query(0), "ProjectionExpression": "id"}
        before, _ = self._query(arguments, start)
        after, _ = self._query({**arguments, "ScanIndexForward": True}, start)
        return _first_id(before), _first_id(after)

    def start_step(self, run_id: str, status: RunStatus, step: Step) -> None:
        """Record that a step begins and what the run is doing; raises PermanentError for an ended run."""
        try:
            self._update(run_id, step, {"status": status.value}, condition=OPEN)
        except ConditionFailedError as failed:
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
        full_set: ObjectRef | None = None,
        base: str | None = None,
        changes: ObjectRef | None = None,
        compared: str | None = None,
        hold: Hold | None = None,
        delivered_to: str | None = None,
        rows: Mapping[str, int] | None = None,
    ) -> None:
        """Record how a step ended, with what it produced; an ended run keeps its summary."""
        models = {
            "report": report,
            "result": result,
            "provenance": provenance,
            "full_set": full_set,
            "changes": changes,
            "hold": hold,
        }
        texts = {"base": base, "compared": compared, "delivered_to": delivered_to}
        fields: dict[str, Any] = {name: plain(model) for name, model in models.items() if model}
        fields |= {name: text for name, text in texts.items() if text is not None}
        fields |= {} if rows is None else {"rows": dict(rows)}
        try:
            try:
                self._update(run_id, step, {**fields, "summary": summary} if summary else fields, condition=OPEN)
            except ConditionFailedError:
                self._update(run_id, step, fields, condition=KNOWN)
        except ConditionFailedError:
            raise NotFoundError("run-missing", run_id) from None

    def wait(self, run_id: str, task_token: str) -> None:
        """Record that the run waits for somebody, who answers with the token; raises PermanentError ``run-ended``."""
        expression = "SET #status = :held, project_status = status_keys.held, task_token = :token"
        values = {":held": RunStatus.HELD.value, ":token": task_token}
        try:
            self._write(run_id, expression, f"{OPEN} AND attribute_exists(#hold)", values, RESERVED)
        except ConditionFailedError:
            raise PermanentError("run-ended", run_id) from None

    def decide(self, run_id: str, hold: Hold) -> str | None:
        """Record the decision about a held run, once, and return the token of whoever waits for it."""
        values = {":hold": plain(hold), ":held": RunStatus.HELD.value, ":decision": hold.decision}
        undecided = "(attribute_not_exists(#hold.decision) OR #hold.decision = :decision)"
        condition = f"{OPEN} AND #status = :held AND {undecided}"
        try:
            stored = self._write(run_id, "SET #hold = :hold", condition, values, RESERVED)
        except ConditionFailedError:
            return None
        return str(stored["task_token"])

    def reject(self, run_id: str, code: str, sentence: str, at: datetime) -> Run | None:
        """End a run whose file must not be sent, and return it as it is then; None if it is being sent or has ended."""
        ended = {"status": RunStatus.REJECTED.value, "ended_at": timestamp(at), "error": code, "summary": sentence}
        step = {"outcome": "rejected", "code": code, "message": sentence}
        names = {f"#{name}": name for name in (*ended, *step)} | {"#receive": "receive"}
        values = {f":{name}": value for name, value in (ended | step).items()}
        assignments = [
            *(f"#{name} = :{name}" for name in ended),
            *(f"steps.#receive.#{name} = :{name}" for name in step),
            "project_status = status_keys.rejected",
        ]
        values[":forwarding"] = RunStatus.FORWARDING.value
        condition = f"{OPEN} AND #status <> :forwarding"
        try:
            stored = self._write(run_id, "SET " + ", ".join(assignments), condition, values, names)
        except ConditionFailedError:
            return None
        return run_from_item(to_item(stored))

    def _write(
        self, run_id: str, expression: str, condition: str, values: dict[str, Any], names: dict[str, str]
    ) -> dict[str, Any]:
        """Write on a condition and return the run's values after it."""
        with conditional():
            answer = self._client.update_item(
                TableName=self._table,
                Key=to_item({"id": run_id}),
                UpdateExpression=expression,
                ConditionExpression=condition,
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=to_item(values),
                ReturnValues="ALL_NEW",
            )
        return from_item(answer["Attributes"])

    def _item(self, run_id: str, **how: Any) -> Item | None:
        if not is_identity(run_id):
            return None
        with translated("dynamodb"):
            answer = self._client.get_item(TableName=self._table, Key=to_item({"id": run_id}), **how)
        return dict(answer["Item"]) if "Item" in answer else None

    def _query(self, arguments: Mapping[str, Any], start: Item | None) -> tuple[list[Item], Item | None]:
        """Return the items of one query, and where the next one goes on."""
        after = {"ExclusiveStartKey": start} if start else {}
        with translated("dynamodb"):
            answer = self._client.query(TableName=self._table, **arguments, **after)
        last = answer.get("LastEvaluatedKey")
        return [dict(item) for item in answer["Items"]], dict(last) if last else None

    def _update(self, run_id: str, step: Step, fields: dict[str, Any], *, condition: str) -> None:
        names = {"#step": step.name, **{f"#{name}": name for name in fields}}
        values = {":step": step.model_dump(mode="json"), **{f":{name}": value for name, value in fields.items()}}
        assignments = ["steps.#step = :step", *(f"#{name} = :{name}" for name in fields)]
        if "status" in fields:
            names["#now"] = fields["status"]
            assignments.append("project_status = status_keys.#now")
        with conditional():
            self._client.update_item(
                TableName=self._table,
                Key=to_item({"id": run_id}),
                UpdateExpression="SET " + ", ".join(assignments),
                ConditionExpression=condition,
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=to_item(values),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )


def project_key(organization_id: str, project_id: str) -> str:
    """Return the partition of a project's runs: with its organization, so that no other one finds them."""
    return f"{organization_id}#{project_id}"


def run_to_item(run: Run) -> Item:
    """Return the item of a run: steps as a map, ``expires_at`` in seconds for DynamoDB's expiry.

    ``status_keys`` holds the partition for each status, so that the state machine can choose one without a function.
    """
    values = run.model_dump(mode="json", exclude_none=True)
    project = project_key(run.organization_id, run.project_id)
    values["received_at"] = timestamp(run.received_at)
    values["steps"] = {step["name"]: step for step in values["steps"]}
    values["expires_at"] = int(run.expires_at.timestamp())
    values["project_key"] = project
    values["flow_key"] = f"{project}#{run.flow_id}"
    values["status_keys"] = {status.value: f"{project}#{status.value}" for status in RunStatus}
    values["project_status"] = values["status_keys"][run.status.value]
    return to_item(values)


def run_from_item(item: Item) -> Run:
    """Return the run that an item holds, its steps in order."""
    values = {name: value for name, value in from_item(item).items() if name not in KEYS}
    steps = values.pop("steps", {})
    return Run.model_validate({**values, "steps": [steps[name] for name in STEPS if name in steps]})


def _summary(values: Mapping[str, Any]) -> RunSummary:
    return RunSummary.model_validate({name: values[name] for name in SUMMARY if name in values})


def _cursor(key: Item) -> str:
    values = from_item(key)
    return Position(values["received_at"], values["id"]).cursor


def _first_id(items: list[Item]) -> str | None:
    return str(from_item(items[0])["id"]) if items else None
