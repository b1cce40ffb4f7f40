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

import httpx
import pytest

from local.clients import REGION
from local.host_key import host_key
from tests.support.emulator import ROLE, Emulator
from tests.support.stack import StackUnderTest, wait_for


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
    assert server["IdentityProviderDetails"]["Function"].endswith(":function:rosterbridge-local-authenticate:live")
    assert server["SecurityPolicyName"] == "TransferSecurityPolicy-2025-03"
    assert server["ProtocolDetails"]["SetStatOption"] == "ENABLE_NO_OP"


def test_the_transfer_server_shows_the_host_key_that_the_sftp_front_has(stack: StackUnderTest) -> None:
    transfer, server_id = stack.client("transfer"), stack.outputs["SftpServerId"]

    server = transfer.describe_server(ServerId=server_id)["Server"]
    [listed] = transfer.list_host_keys(ServerId=server_id)["HostKeys"]

    shown = host_key(stack.local.host_key_file("sftp")).get_fingerprint()
    assert server["HostKeyFingerprint"] == listed["Fingerprint"] == shown


def test_a_transfer_server_without_a_known_host_key_shows_none(emulator: Emulator) -> None:
    server = emulator.template({"Server": {"Type": "AWS::Transfer::Server"}})

    transfer, server_id = emulator.aws.client("transfer"), server["Server"].rpartition("/")[2]

    assert "HostKeyFingerprint" not in transfer.describe_server(ServerId=server_id)["Server"]
    assert transfer.list_host_keys(ServerId=server_id)["HostKeys"] == []


@pytest.mark.parametrize(
    ("sources", "failed"), [(["aws.transfer"], 0), (["aws.s3"], 1), (["aws.transfer", "aws.s3"], 2), (["ours"], 0)]
)
def test_of_aws_own_events_those_of_transfer_family_alone_may_be_put(
    emulator: Emulator, sources: list[str], failed: int
) -> None:
    entries = [{"Source": source, "DetailType": "Test", "Detail": "{}"} for source in sources]

    assert emulator.aws.client("events").put_events(Entries=entries)["FailedEntryCount"] == failed


def api(emulator: Emulator, name: str, code: str, **properties: Any) -> str:
    """Make an HTTP API in front of a function by CloudFormation, and return its address."""
    emulator.function(name, code)
    function = f"arn:aws:lambda:{REGION}:000000000000:function:{name}"
    target = {"Fn::Join": ["/", ["integrations", {"Ref": "Function"}]]}
    resources = {
        "Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Name": name, "ProtocolType": "HTTP", **properties}},
        "Function": {
            "Type": "AWS::ApiGatewayV2::Integration",
            "Properties": {
                "ApiId": {"Ref": "Api"},
                "IntegrationType": "AWS_PROXY",
                "IntegrationUri": function,
                "PayloadFormatVersion": "2.0",
            },
        },
        "Route": {
            "Type": "AWS::ApiGatewayV2::Route",
            "Properties": {"ApiId": {"Ref": "Api"}, "RouteKey": "ANY /v1/{proxy+}", "Target": target},
        },
        "Stage": {
            "Type": "AWS::ApiGatewayV2::Stage",
            "Properties": {"ApiId": {"Ref": "Api"}, "StageName": "$default", "AutoDeploy": True},
        },
    }
    return f"{emulator.aws.endpoint}/_aws/execute-api/{emulator.template(resources)['Api']}/$default"


def test_a_functions_failure_is_answered_without_its_reason(emulator: Emulator) -> None:
    url = api(emulator, "fails", "def lambda_handler(event, context): raise ValueError('a secret')\n")

    answer = httpx.get(f"{url}/v1/any", trust_env=False)

    assert (answer.status_code, answer.json()) == (500, {"message": "Internal Server Error"})


ORIGIN = "https://console.example"


@pytest.fixture(scope="module")
def for_a_page(emulator: Emulator) -> str:
    """The address of an API that a page may call."""
    cors = {"AllowOrigins": [ORIGIN], "AllowMethods": ["GET"], "AllowHeaders": ["authorization"]}
    code = "def lambda_handler(event, context): return {'statusCode': 204}\n"
    return api(emulator, "cors", code, CorsConfiguration=cors)


def preflight(url: str, origin: str) -> httpx.Response:
    headers = {"Origin": origin, "Access-Control-Request-Method": "GET"}
    return httpx.options(f"{url}/v1/any", headers=headers, trust_env=False)


def test_the_page_that_the_api_names_may_call_it(for_a_page: str) -> None:
    answer = preflight(for_a_page, ORIGIN)

    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-allow-headers"] == "authorization"


def test_another_page_may_not_call_it(for_a_page: str) -> None:
    assert "access-control-allow-origin" not in preflight(for_a_page, "https://other.example").headers


def test_the_answer_itself_says_which_page_may_read_it(for_a_page: str) -> None:
    answer = httpx.get(f"{for_a_page}/v1/any", headers={"Origin": ORIGIN}, trust_env=False)

    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (204, ORIGIN)


def state(folder: Path, service: str) -> str:
    file = folder / "aws" / "services" / f"{service}.json"
    return file.read_text() if file.exists() else ""


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
    wait_for(
        lambda: all(arn["QueueArn"] in state(tmp_path, name) for name in ("sqs", "lambda")), "its state is written"
    )
    killed.process().send_signal(signal.SIGKILL)
    killed.processes.stop()

    again = Emulator(tmp_path, flush_seconds=0.01)  # as if it started slowly: nothing is saved before it is loaded
    try:
        sqs = again.aws.client("sqs")
        url = sqs.get_queue_url(QueueName="kept")["QueueUrl"]
        assert url.startswith(again.aws.endpoint)
        assert url != queue
        sqs.send_message(QueueUrl=url, MessageBody="still delivered")
        assert wait_for(lambda: seen.exists() and seen.read_text(), "it is delivered") == "still delivered"
    finally:
        again.processes.stop()
