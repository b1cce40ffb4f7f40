"""The functions as Lambda loads them: by their file, with their settings in the environment, over AWS by moto."""

from __future__ import annotations

import importlib.util
import io
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from rosterbridge.adapters.clients import client
from rosterbridge.adapters.dynamodb import DynamoAccountStore, DynamoRunStore
from rosterbridge.adapters.kms import KmsSecretBox
from rosterbridge.flows.changes import Changes
from rosterbridge.flows.models import Run, Thing
from rosterbridge.flows.ports import Change, RunFilter
from rosterbridge.measures import NAMESPACE
from rosterbridge.observability import SERVICE, logger, metrics
from rosterbridge.steps import processor, steps
from tests.support import flows
from tests.support.settings import DEPLOYED

FUNCTIONS = Path(__file__).parents[3] / "functions"
EVENTS = Path(__file__).parent / "events"
REGION = "eu-west-1"
LOCATION = {"LocationConstraint": REGION}
Load = Callable[[str], Any]


def sample(name: str, **replaced: str) -> Any:
    text = (EVENTS / f"{name}.json").read_text(encoding="utf-8")
    for placeholder, value in replaced.items():
        text = text.replace(placeholder, value)
    return json.loads(text)


@dataclass
class Context:
    """What Lambda tells a handler about its invocation."""

    function_name: str = "rosterbridge-test"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = f"arn:aws:lambda:{REGION}:111122223333:function:rosterbridge-test"
    aws_request_id: str = "52fdfc07-2182-154f-163f-5f0f9a621d72"
    milliseconds: int = 60_000

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


@dataclass
class Aws:
    """The tables, buckets and the key of a deployment."""

    key_arn: str
    state_machine_arn: str = f"arn:aws:states:{REGION}:123456789012:stateMachine:Runs"
    outcomes_queue_url: str = ""
    clients: dict[str, Any] = field(default_factory=dict)

    @property
    def accounts(self) -> DynamoAccountStore:
        return DynamoAccountStore("accounts", audit_table="audit")

    @property
    def runs(self) -> DynamoRunStore:
        return DynamoRunStore("runs")

    @property
    def secrets(self) -> KmsSecretBox:
        return KmsSecretBox(self.key_arn)

    def put(self, *things: Thing) -> None:
        """Store new things as one change."""
        changes = Changes(self.accounts, lambda: flows.AT, timedelta(days=400))
        changes.commit(Change(audit=changes.entry(flows.operator(), "create", things[0]), creates=things))

    def history(self) -> list[Run]:
        listed = self.runs.page(RunFilter(flows.ORGANIZATION, "project-1"), limit=50).items
        return [run for run in (self.runs.get(one.id) for one in listed) if run]

    def environment(self) -> dict[str, str]:
        return {
            **DEPLOYED,
            "KEY_ARN": self.key_arn,
            "STATE_MACHINE_ARN": self.state_machine_arn,
            "OUTCOMES_QUEUE_URL": self.outcomes_queue_url,
        }


TABLES = {"accounts": ("pk", "sk"), "audit": ("organization_id", "sk"), "runs": ("id",)}
INDEXES = {"by-project": ("project_key", "received_at"), "by-flow": ("flow_key", "received_at")}


def _create_tables() -> None:
    dynamodb = client("dynamodb")
    for table, keys in TABLES.items():
        indexes = INDEXES if table == "runs" else {}
        indexed = [
            {"IndexName": name, "KeySchema": _keys(index), "Projection": {"ProjectionType": "ALL"}}
            for name, index in indexes.items()
        ]
        dynamodb.create_table(
            TableName=table,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=_keys(keys),
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": "S"}
                for name in sorted({*keys, *(name for index in indexes.values() for name in index)})
            ],
            **({"GlobalSecondaryIndexes": indexed} if indexed else {}),
        )


def _keys(names: tuple[str, ...]) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ("HASH", "RANGE"), strict=False)]


@pytest.fixture(scope="package")
def _clients() -> Iterator[None]:
    """Keep the clients for all tests: making them is slow, and moto answers them whatever was before."""
    client.cache_clear()
    yield
    client.cache_clear()


@pytest.fixture
def aws(_clients: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("POWERTOOLS_LOGGER_LOG_EVENT", "true")  # an operator's switch must not open the events
    processor.cache_clear()
    steps.cache_clear()
    with mock_aws():
        _create_tables()
        s3 = client("s3")
        for bucket in ("homes", "run-files"):
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=LOCATION)
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        states = client("stepfunctions")
        definition = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})
        machine = states.create_state_machine(
            name="Runs", definition=definition, roleArn="arn:aws:iam::123456789012:role/runs"
        )
        key = client("kms").create_key()["KeyMetadata"]["Arn"]
        queue = client("sqs").create_queue(QueueName="outcomes")["QueueUrl"]
        client("sesv2").create_email_identity(EmailIdentity="rosterbridge@example.org")
        deployed = Aws(key, machine["stateMachineArn"], queue, {"s3": s3, "stepfunctions": states})
        for name, value in deployed.environment().items():
            monkeypatch.setenv(name, value)
        yield deployed
    processor.cache_clear()
    steps.cache_clear()


class Output:
    """What a function writes: to its log, and otherwise."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.log = io.StringIO()
        self._capsys = capsys

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.getvalue().splitlines()]

    def text(self) -> str:
        return self.log.getvalue() + "".join(self._capsys.readouterr())

    def metrics(self) -> dict[str, float]:
        """Return what CloudWatch would add up by metric, of one deployment as a whole."""
        found: Counter[str] = Counter()
        for line in self._capsys.readouterr().out.splitlines():
            told = json.loads(line)
            (about,) = told["_aws"]["CloudWatchMetrics"]
            assert (about["Namespace"], told["service"]) == (NAMESPACE, SERVICE)
            for metric in about["Metrics"]:
                values = told[metric["Name"]]
                found[metric["Name"]] += sum(values) if isinstance(values, list) else values
        return dict(found)


@pytest.fixture(autouse=True)
def output(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Output:
    """Take the log away from stdout, which its handler holds as it was at import."""
    output = Output(capsys)
    metrics.clear_metrics()
    monkeypatch.setattr(logger.registered_handler, "stream", output.log)
    return output


@pytest.fixture
def load(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Load:
    def load(name: str) -> Any:
        spec = importlib.util.spec_from_file_location(f"function_{name}", FUNCTIONS / name / "handler.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, module)  # pydantic looks there for the names in annotations
        spec.loader.exec_module(module)
        return module

    return load
