"""``python -m benchmarks.requests``: what each function of a nightly upload asks of AWS, and how many units that is.

The functions' handlers run in this process, over moto. A first upload goes all the way; the requests of a second one
are counted. Units are computed from the sizes of the items by DynamoDB's rules, indexes included. Writes
``benchmarks/figures.json`` in part.
"""

from __future__ import annotations

import io
import json
import math
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import median
from types import ModuleType, SimpleNamespace
from typing import Any

from moto import mock_aws

from benchmarks import states
from benchmarks.figures import FIGURES, keep
from benchmarks.history_reads import item_bytes
from benchmarks.history_runs import Table, definitions
from benchmarks.load_rosters import Rosters
from benchmarks.measure import bundle
from benchmarks.processes import run
from benchmarks.units import READ_BYTES, WRITE_BYTES, lines, read_bytes
from benchmarks.validate_once import load
from rosterbridge.adapters.clients import client
from rosterbridge.adapters.dynamodb import DynamoAccountStore
from rosterbridge.adapters.kms import KmsSecretBox
from rosterbridge.adapters.passwords import Argon2Hasher
from rosterbridge.flows.changes import Changes
from rosterbridge.flows.ports import Change
from rosterbridge.observability import logger
from tests.support import fakes, flows
from tests.support.settings import DEPLOYED

RUNS = Table(0).name
ROUNDS = 5
STEPS = ("validate", "convert", "guard", "forward")
IN_TURN = ("authenticate", "receive", *STEPS, "notify")
PASSWORD = "correct horse battery"  # noqa: S105 nobody's
SETTINGS = {
    **DEPLOYED,
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "ACCOUNT_TABLE": "Accounts",
    "RUN_TABLE": RUNS,
    "NOTIFY_BY": "none",
}
CONTEXT = SimpleNamespace(
    function_name="rosterbridge",
    memory_limit_in_mb=512,
    invoked_function_arn="arn:aws:lambda:us-east-1:111122223333:function:rosterbridge",
    aws_request_id="52fdfc07-2182-154f-163f-5f0f9a621d72",
    get_remaining_time_in_millis=lambda: 60_000,
)


@dataclass
class Asked:
    """What was asked meanwhile: requests by service and operation, units, and the CPU seconds that moto took."""

    requests: Counter[str] = field(default_factory=Counter)
    read_units: float = 0
    write_units: Counter[str] = field(default_factory=Counter)  # by table, and of all indexes
    seconds: float = 0


class Listener:
    """Counts the requests of the process's clients, and prices those to DynamoDB."""

    def __init__(self) -> None:
        self.asked = Asked()
        self._sent: dict[int, float] = {}
        self._before: dict[str, dict[str, Any]] = {}
        self._on = True
        for service in ("dynamodb", "s3", "kms", "sqs", "stepfunctions"):
            events = client(service).meta.events
            events.register("before-call", self._begin)
            events.register("after-call", self._end)

    @contextmanager
    def listening(self) -> Iterator[Asked]:
        """Give what is asked meanwhile."""
        self.asked = asked = Asked()
        yield asked
        self.asked = Asked()

    def _begin(self, model: Any, params: dict[str, Any], **_: Any) -> None:
        if self._on:
            self._sent[id(params)] = time.process_time()
            self._pending = (model, params)

    def _end(self, model: Any, parsed: dict[str, Any], **_: Any) -> None:
        if not self._on:
            return
        _, params = self._pending
        self.asked.seconds += time.process_time() - self._sent.pop(id(params), time.process_time())
        service = model.service_model.service_name
        self.asked.requests[f"{service}:{model.name}"] += 1
        if service == "dynamodb":
            self._price(model.name, json.loads(params["body"]), parsed)

    def _price(self, operation: str, asked: dict[str, Any], answer: dict[str, Any]) -> None:
        if operation in {"GetItem", "Query", "BatchGetItem"}:
            share = 1 if asked.get("ConsistentRead") else 0.5
            for size in read_bytes(operation, answer):
                self.asked.read_units += share * max(1, math.ceil(size / READ_BYTES))
            return
        if operation == "TransactWriteItems":
            for action in asked["TransactItems"]:
                for inner in action.values():
                    self._write(inner["TableName"], inner.get("Key") or inner["Item"], times=2)
            return
        self._write(asked["TableName"], asked.get("Key") or asked["Item"])

    def _write(self, table: str, item: dict[str, Any], times: int = 1) -> None:
        """Count the units of a write: of the larger of the item before and after it, and of each line that changed."""
        names = ("id",) if table == RUNS else ("pk", "sk")
        key = {name: item[name] for name in names}
        place = f"{table} {json.dumps(key, sort_keys=True)}"
        before, after = self._before.get(place, {}), self._stored(table, key)
        self._before[place] = after
        units = max(1, *(math.ceil(item_bytes(one) / WRITE_BYTES) for one in (before, after)))
        self.asked.write_units["Runs" if table == RUNS else table] += times * units
        self.asked.write_units["indexes"] += sum(lines(before, after)) if table == RUNS else 0

    def _stored(self, table: str, key: dict[str, Any]) -> dict[str, Any]:
        self._on = False
        try:
            found: dict[str, Any] = client("dynamodb").get_item(TableName=table, Key=key).get("Item", {})
        finally:
            self._on = True
        return found


def prepare() -> None:
    """Create what is deployed, and an organization with a flow."""
    os.environ.update(SETTINGS)
    for definition in definitions([Table(0)]):
        client("dynamodb").create_table(**definition)
    for bucket in ("homes", "run-files"):
        client("s3").create_bucket(Bucket=bucket)
        client("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    definition = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})
    role = "arn:aws:iam::123456789012:role/runs"
    machine = client("stepfunctions").create_state_machine(name="Runs", definition=definition, roleArn=role)
    os.environ["STATE_MACHINE_ARN"] = machine["stateMachineArn"]
    os.environ["KEY_ARN"] = client("kms").create_key()["KeyMetadata"]["Arn"]
    os.environ["OUTCOMES_QUEUE_URL"] = client("sqs").create_queue(QueueName="outcomes")["QueueUrl"]
    secret = KmsSecretBox(os.environ["KEY_ARN"]).encrypt("apple-secret", organization_id=flows.ORGANIZATION)
    changes = Changes(DynamoAccountStore("Accounts", audit_table="Audit"), lambda: flows.AT, timedelta(days=400))
    for things in (
        (flows.organization(),),
        (flows.project(id="project-1"),),
        (
            flows.flow(id="flow-1"),
            flows.file_account(id="fa-1", username="district", password_hash=Argon2Hasher().hash(PASSWORD)),
            flows.asm_account(id="asm-1", host="127.0.0.1", encrypted_password=secret),
        ),
    ):
        changes.commit(Change(audit=changes.entry(flows.operator(), "create", things[0]), creates=things))


def handlers() -> dict[str, ModuleType]:
    """Return the functions of a run, as Lambda loads them; Apple is a fake."""
    loaded = {name: load(name) for name in IN_TURN}
    loaded["forward"].SftpDelivery = lambda _: fakes.FakeDelivery()  # type: ignore[attr-defined]
    return loaded


def upload(functions: dict[str, ModuleType], content: bytes, listener: Listener) -> dict[str, Asked]:
    """Take an upload all the way; return what each function has asked, ``seconds`` being its own."""
    asked: dict[str, Asked] = {}
    sign_in = {"username": "district", "password": PASSWORD, "protocol": "SFTP", "serverId": "s-0", "sourceIp": "::1"}
    _call(functions, "authenticate", sign_in, listener, asked)
    stored = client("s3").put_object(Bucket="homes", Key="home/fa-1/roster.zip", Body=content)
    notice = {
        "eventTime": datetime.now(UTC).isoformat(),
        "s3": {
            "bucket": {"name": "homes"},
            "object": {
                "key": "home/fa-1/roster.zip",
                "size": len(content),
                "eTag": stored["ETag"].strip('"'),
                "versionId": stored["VersionId"],
            },
        },
    }
    _call(functions, "receive", _message({"Records": [notice]}), listener, asked)
    executions = client("stepfunctions").list_executions(stateMachineArn=os.environ["STATE_MACHINE_ARN"])
    event = {"run_id": max(executions["executions"], key=lambda one: one["startDate"])["name"]}
    for name in STEPS:
        _call(functions, name, event, listener, asked)
    with listener.listening() as asked["state machine"]:
        _record(event["run_id"])
    _call(functions, "notify", _message(event), listener, asked)
    return asked


def _call(functions: dict[str, ModuleType], name: str, event: Any, listener: Listener, asked: dict[str, Asked]) -> None:
    with listener.listening() as asked[name]:
        start = time.process_time()
        answer = functions[name].lambda_handler(event, CONTEXT)
        asked[name].seconds = time.process_time() - start - asked[name].seconds
    if not answer or answer.get("batchItemFailures"):
        raise RuntimeError(f"{name}: {answer}")


def _message(body: dict[str, Any]) -> dict[str, Any]:
    source = {"eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:111122223333:queue"}
    return {"Records": [{"messageId": "message-1", "body": json.dumps(body), **source}]}


def _record(run_id: str) -> None:
    """End the run as the state machine does."""
    client("dynamodb").update_item(
        TableName=RUNS,
        Key={"id": {"S": run_id}},
        UpdateExpression="SET #status = :status, ended_at = :now, project_status = status_keys.#ended_as",
        ExpressionAttributeNames={"#status": "status", "#ended_as": "succeeded"},
        ExpressionAttributeValues={":status": {"S": "succeeded"}, ":now": {"S": datetime.now(UTC).isoformat()}},
    )


def cold(name: str) -> float:
    """Return the CPU seconds from the start of Python to the end of the function's imports, the median of some."""
    code = f"import sys; sys.path.insert(0, 'functions/{name}'); import handler"
    return median(run([sys.executable, "-c", code]).cpu for _ in range(ROUNDS))


def main() -> None:
    """Count, print, and keep the figures."""
    with mock_aws():
        prepare()
        logger.registered_handler.stream = log = io.StringIO()
        rosters, functions, listener = Rosters(bundle("S")), handlers(), Listener()
        with redirect_stdout(log):  # metrics are lines of the log
            upload(functions, rosters.zip(1, 1), listener)
            log.seek(0)
            log.truncate()
            asked = upload(functions, rosters.zip(1, 2), listener)
    keep(FIGURES, {"functions": {name: _told(name, one) for name, one in asked.items()}})
    keep(FIGURES, {"log_bytes": len(log.getvalue().encode())})
    definition, memory = states.deployed()
    keep(FIGURES, {"transitions": len(states.visited(definition)), "memory": memory})


def _told(name: str, asked: Asked) -> dict[str, Any]:
    told = {
        "requests": dict(sorted(asked.requests.items())),
        "read_units": asked.read_units,
        "write_units": dict(sorted(asked.write_units.items())),
        "seconds": round(asked.seconds, 4),
        "cold": round(cold(name), 3) if name in IN_TURN else 0,
    }
    sys.stdout.write(f"{name}: {json.dumps(told)}\n")
    return told


if __name__ == "__main__":
    main()
