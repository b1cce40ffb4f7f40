"""Each correction of the embedded AWS, so that an upgrade of MiniStack shows which is needed still."""

from __future__ import annotations

import io
import json
import signal
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from local.clients import REGION, Aws, variables
from local.processes import Processes, connects
from local.stack import EMULATOR_PYTHON
from tests.support.stack import StackUnderTest, free_port, wait_for

ROLE = "arn:aws:iam::000000000000:role/any"
FLUSH_SECONDS = 0.3


class Emulator:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.start()

    def start(self) -> None:
        port = free_port()
        self.aws = Aws(f"http://127.0.0.1:{port}")
        self.processes = Processes(self.folder / "logs", variables(self.aws.endpoint, REGION))
        self.processes.start(
            *("emulator", EMULATOR_PYTHON, "local.emulator"),
            *("--port", port, "--state", self.folder / "aws", "--flush-seconds", FLUSH_SECONDS),
        )
        self.processes.wait_for("emulator", lambda: connects(port))

    def function(self, name: str, code: str, *, timeout: int = 10, layers: tuple[str, ...] = ()) -> None:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("handler.py", code)
        self.aws.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.11",
            Role=ROLE,
            Handler="handler.lambda_handler",
            Code={"ZipFile": buffer.getvalue()},
            Timeout=timeout,
            Layers=list(layers),
        )

    def invoke(self, name: str, event: Any = None) -> Any:
        answer = self.aws.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
        return json.load(answer["Payload"])

    def process(self) -> psutil.Process:
        return psutil.Process(self.processes.pid("emulator"))


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    running = Emulator(tmp_path_factory.mktemp("emulator"))
    yield running
    running.processes.stop()


def test_an_error_keeps_the_name_of_its_class(emulator: Emulator) -> None:
    emulator.function(
        "raises",
        "class TransientError(Exception): pass\n"
        "def lambda_handler(event, context): raise TransientError('try again')\n",
    )

    answer = emulator.invoke("raises")

    assert (answer["errorType"], answer["errorMessage"]) == ("TransientError", "try again")


def test_a_retry_matches_the_class_of_the_error(emulator: Emulator, tmp_path: Path) -> None:
    emulator.function(
        "fails-twice",
        "import pathlib\n"
        "class TransientError(Exception): pass\n"
        "def lambda_handler(event, context):\n"
        "    tries = pathlib.Path(event['tries'])\n"
        "    tries.write_text(tries.read_text() + 'x' if tries.exists() else 'x')\n"
        "    if len(tries.read_text()) < 3: raise TransientError('again')\n"
        "    return tries.read_text()\n",
    )
    retry = {"ErrorEquals": ["TransientError"], "IntervalSeconds": 1, "MaxAttempts": 3, "BackoffRate": 1}
    task = {
        "Type": "Task",
        "Resource": f"arn:aws:lambda:{REGION}:000000000000:function:fails-twice",
        "Retry": [retry],
        "End": True,
    }
    states = emulator.aws.client("stepfunctions")
    machine = states.create_state_machine(
        name="retries", definition=json.dumps({"StartAt": "Try", "States": {"Try": task}}), roleArn=ROLE
    )["stateMachineArn"]

    arn = states.start_execution(stateMachineArn=machine, input=json.dumps({"tries": str(tmp_path / "tries")}))
    ended = wait_for(
        lambda: (found := states.describe_execution(executionArn=arn["executionArn"]))["status"] != "RUNNING" and found,
        "the execution ends",
    )

    assert (ended["status"], ended["output"]) == ("SUCCEEDED", '"xxx"')


@pytest.mark.parametrize("module", ["boto3", "botocore", "ministack", "pydantic", "pip"])
def test_a_function_sees_no_package_that_it_does_not_bring(emulator: Emulator, module: str) -> None:
    emulator.function(f"imports-{module}", f"import {module}\ndef lambda_handler(event, context): pass\n")

    assert "No module named" in emulator.invoke(f"imports-{module}")["errorMessage"]


def test_a_function_sees_its_layers_and_its_own_code_only(emulator: Emulator, tmp_path: Path) -> None:
    (tmp_path / "brought.py").write_text("answer = 42\n")
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("layer.path", str(tmp_path))
    layer = emulator.aws.client("lambda").publish_layer_version(
        LayerName="brought", Content={"ZipFile": content.getvalue()}
    )["LayerVersionArn"]
    code = "import sys, brought\ndef lambda_handler(event, context): return [brought.answer, sys.path]\n"
    emulator.function("layered", code, layers=(layer,))

    answer, path = emulator.invoke("layered")

    assert answer == 42
    assert [entry for entry in path if "site-packages" in entry or entry == ""] == []


def test_a_function_is_stopped_when_its_time_is_over(emulator: Emulator) -> None:
    emulator.function("sleeps", "import time\ndef lambda_handler(event, context): time.sleep(60)\n", timeout=1)
    before = {child.pid for child in emulator.process().children(recursive=True)}

    started = time.monotonic()
    answer = emulator.invoke("sleeps")

    assert answer["errorType"] == "Sandbox.Timedout"
    assert time.monotonic() - started < 5
    assert {child.pid for child in emulator.process().children(recursive=True)} <= before


def test_a_function_that_dies_is_told_apart(emulator: Emulator) -> None:
    emulator.function("dies", "import os\ndef lambda_handler(event, context): os._exit(9)\n")

    assert emulator.invoke("dies")["errorType"] == "Runtime.ExitError"


def test_invocations_run_side_by_side(emulator: Emulator) -> None:
    emulator.function("naps", "import time\ndef lambda_handler(event, context): time.sleep(1); return event\n")

    started = time.monotonic()
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda number: emulator.invoke("naps", number), range(3)))

    assert answers == [0, 1, 2]
    assert time.monotonic() - started < 2.9


def test_a_function_knows_its_deadline_and_has_a_folder_to_write_in(emulator: Emulator) -> None:
    emulator.function(
        "asks",
        "import tempfile\n"
        "def lambda_handler(event, context):\n"
        "    with tempfile.NamedTemporaryFile() as file:\n"
        "        return [context.get_remaining_time_in_millis(), file.name]\n",
    )

    left, written = emulator.invoke("asks")

    assert 5_000 < left <= 10_000
    assert Path(written).is_relative_to((emulator.folder / "aws" / "tmp").resolve())


def test_cloudformation_makes_a_transfer_server_that_keeps_its_identity_provider(stack: StackUnderTest) -> None:
    transfer = stack.client("transfer")

    [listed] = transfer.list_servers()["Servers"]
    server = transfer.describe_server(ServerId=listed["ServerId"])["Server"]

    assert listed["ServerId"] == stack.outputs["SftpServerId"]
    assert server["IdentityProviderType"] == "AWS_LAMBDA"
    assert server["IdentityProviderDetails"]["Function"].endswith(":function:rosterbridge-local-authenticate")
    assert server["SecurityPolicyName"] == "TransferSecurityPolicy-2025-03"
    assert server["ProtocolDetails"]["SetStatOption"] == "ENABLE_NO_OP"


def test_a_killed_emulator_comes_back_with_its_state_on_another_port(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    killed = Emulator(tmp_path)
    queue = killed.aws.client("sqs").create_queue(QueueName="kept")["QueueUrl"]
    arn = killed.aws.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    code = (
        "import pathlib\n"
        "def lambda_handler(event, context): pathlib.Path('{}').write_text(event['Records'][0]['body'])\n"
    )
    killed.function("kept", code.format(seen))
    killed.aws.client("lambda").create_event_source_mapping(FunctionName="kept", EventSourceArn=arn["QueueArn"])
    time.sleep(3 * FLUSH_SECONDS)
    killed.process().send_signal(signal.SIGKILL)
    killed.processes.stop()

    again = Emulator(tmp_path)
    try:
        sqs = again.aws.client("sqs")
        url = sqs.get_queue_url(QueueName="kept")["QueueUrl"]
        assert url.startswith(again.aws.endpoint)
        assert url != queue
        sqs.send_message(QueueUrl=url, MessageBody="still delivered")
        assert wait_for(lambda: seen.exists() and seen.read_text(), "it is delivered") == "still delivered"
    finally:
        again.processes.stop()
