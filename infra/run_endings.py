"""How a run ends: the state machine writes it into the record itself, and tells of it."""

from __future__ import annotations

import runpy
from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from infra.build import OWN_CODE

# Read from its file: the environment that deploys need not have Rosterbridge itself installed
SENTENCES: Mapping[str, str] = runpy.run_path(str(OWN_CODE / "rosterbridge" / "flows" / "messages.py"))["FAILURES"]
DYNAMODB_FAULTS = (
    "InternalServerErrorException",
    "ProvisionedThroughputExceededException",
    "SdkClientException",
    "ThrottlingException",
)
# The classes of rosterbridge.errors that a function raises: matched by their exact names
TRANSIENT = "TransientError"
FINAL = ("PermanentError", "InputRejectedError")
NOW = "$$.State.EnteredTime"
ENDED_ALREADY = "DynamoDB.ConditionalCheckFailedException"
SEE_RECORD = "The run's record names the step and the code"

Failures = Sequence[tuple[Sequence[str], sfn.IChainable]]


class Endings:
    """Builds endings for the runs of one state machine: their records are in ``table``, ``outcomes`` hears of them."""

    def __init__(self, scope: Construct, *, table: dynamodb.ITable, outcomes: sqs.IQueue) -> None:
        self._scope = scope
        self._table = table
        self._outcomes = outcomes

    def ending(self, name: str, status: str, code: str | None = None) -> sfn.IChainable:
        """Return the states that end a run without a failure, with the code's sentence if there is a code."""
        told = {"error": code, "summary": SENTENCES[code]} if code else {}
        return self._recorded(name, status, **told).next(sfn.Succeed(self._scope, name))

    def failures(self) -> Failures:
        """Return what each kind of error leads to: the run's record says why, then the execution fails."""
        code = "step-stopped"
        died = self._recorded("Died", "failed", error=code, summary=SENTENCES[code]).next(
            sfn.Fail(self._scope, "Died", error_path="$.failure.Error", cause=SEE_RECORD)
        )
        return (
            ((TRANSIENT,), self._failed("GaveUp", summary=SENTENCES["gave-up"])),
            (FINAL, self._failed("Failed")),
            (("States.ALL",), died),
        )

    def closing(self) -> sfn.IChainable:
        """Return the states that close the record of an execution which could not do so itself."""
        code = "run-stopped"
        closed = sfn.Succeed(self._scope, "Closed")
        close = record(
            self._scope,
            "CloseRecord",
            self._table,
            "failed",
            error=code,
            summary=SENTENCES[code],
        )
        close.add_catch(closed, errors=[ENDED_ALREADY], result_path=sfn.JsonPath.DISCARD)
        return close.next(self.tell("Closed")).next(closed)

    def tell(self, name: str) -> tasks.SqsSendMessage:
        """Return a state that tells of the run's new status; a run does not fail because nobody hears of it."""
        state = tasks.SqsSendMessage(
            self._scope,
            f"Tell{name}",
            queue=self._outcomes,
            message_body=sfn.TaskInput.from_object({"run_id": sfn.JsonPath.string_at("$.run_id")}),
            result_path=sfn.JsonPath.DISCARD,
            task_timeout=sfn.Timeout.duration(cdk.Duration.seconds(60)),
        )
        state.add_retry(
            errors=["States.ALL"],
            interval=cdk.Duration.seconds(2),
            backoff_rate=2,
            max_attempts=6,
            jitter_strategy=sfn.JitterType.FULL,
        )
        return state

    def _recorded(self, name: str, status: str, *, error: str | None = None, summary: str | None = None) -> sfn.Chain:
        """Return the states that write an ending and tell of it; one that was written from outside stays."""
        state = record(self._scope, f"Record{name}", self._table, status, error=error, summary=summary)
        tell = self.tell(name)
        state.add_catch(tell, errors=[ENDED_ALREADY], result_path=sfn.JsonPath.DISCARD)
        return state.next(tell)

    def _failed(self, name: str, summary: str | None = None) -> sfn.IChainable:
        """Return the ending for an error of ours: its text is ``code: detail``, and the step wrote its own sentence."""
        path = sfn.JsonPath
        read = sfn.Pass(
            self._scope,
            f"Read{name}",
            parameters={
                "run_id": path.string_at("$.run_id"),
                "failure": path.string_to_json(path.string_at("$.failure.Cause")),
            },
        )
        code = path.array_get_item(path.string_split(path.string_at("$.failure.errorMessage"), ":"), 0)
        return read.next(self._recorded(name, "failed", error=code, summary=summary)).next(
            sfn.Fail(self._scope, name, error_path="$.failure.errorType", cause=SEE_RECORD)
        )


def record(
    scope: Construct,
    name: str,
    table: dynamodb.ITable,
    status: str,
    *,
    error: str | None = None,
    summary: str | None = None,
) -> tasks.DynamoUpdateItem:
    """Return a state that writes how an open run ended, without a function; texts are given or JSON paths."""
    text = tasks.DynamoAttributeValue.from_string
    values = {":status": text(status), ":now": text(sfn.JsonPath.string_at(NOW))}
    # the record knows by which key its project finds it with each status
    names = {"#status": "status", "#ended_as": status}
    expression = "SET #status = :status, ended_at = :now, project_status = status_keys.#ended_as"
    for field, value in (("error", error), ("summary", summary)):
        if value is not None:
            values[f":{field}"], names[f"#{field}"] = text(value), field
            expression += f", #{field} = :{field}"
    state = tasks.DynamoUpdateItem(
        scope,
        name,
        table=table,
        key={"id": text(sfn.JsonPath.string_at("$.run_id"))},
        update_expression=expression,
        condition_expression="attribute_exists(id) AND attribute_not_exists(ended_at)",
        expression_attribute_names=names,
        expression_attribute_values=values,
        result_path=sfn.JsonPath.DISCARD,
        task_timeout=sfn.Timeout.duration(cdk.Duration.seconds(60)),
    )
    state.add_retry(
        errors=[*(f"DynamoDB.{fault}" for fault in DYNAMODB_FAULTS), "States.Timeout"],
        interval=cdk.Duration.seconds(2),
        backoff_rate=2,
        max_attempts=6,
        jitter_strategy=sfn.JitterType.FULL,
    )
    return state
