"""Runs one step of a run in a container: the code of its Lambda function, for an upload too large for Lambda.

The image is Lambda's own for Python, and this text is its command, so that nothing has to be built: code, layers and
settings are fetched from the function that is live. A process of its own runs them, since it may be killed for want of
memory; whatever comes of it is told under the names that the state machine knows from Lambda.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

BEAT_SECONDS = 60
DIED = "Runtime.ExitError"
# Calls the handler as Lambda does, and writes what it answers or raises
HANDLE = """
import json, pathlib, sys, types
from handler import lambda_handler
context = types.SimpleNamespace(
    function_name=sys.argv[3], memory_limit_in_mb=0, invoked_function_arn=sys.argv[3], aws_request_id=sys.argv[4],
    get_remaining_time_in_millis=lambda: 3_600_000,
)
try:
    told = {"output": lambda_handler(json.loads(sys.argv[1]), context)}
except Exception as error:
    told = {"error": type(error).__name__, "message": str(error)}
pathlib.Path(sys.argv[2]).write_text(json.dumps(told))
"""


def fetch(functions: Any, name: str, folder: Path) -> dict[str, str]:
    """Unpack the live function and its layers into the folder, and return its settings."""
    known = functions.get_function(FunctionName=name, Qualifier="live")
    unpack(known["Code"]["Location"], folder / "task")
    for layer in known["Configuration"].get("Layers", []):
        unpack(functions.get_layer_version_by_arn(Arn=layer["Arn"])["Content"]["Location"], folder / "opt")
    variables: dict[str, str] = known["Configuration"]["Environment"]["Variables"]
    return variables


def unpack(link: str, folder: Path) -> None:
    """Unpack the ZIP that a link leads to."""
    with urllib.request.urlopen(link, timeout=60) as answer:  # noqa: S310 AWS gave the link # nosec B310
        content = io.BytesIO(answer.read())
    with zipfile.ZipFile(content) as archive:
        archive.extractall(folder)


def handle(folder: Path, variables: Mapping[str, str], event: str, beat: Callable[[], None]) -> dict[str, Any]:
    """Call the handler in a process of its own; return its ``output``, or ``error`` and ``message``."""
    told = folder / "told.json"
    name = variables.get("POWERTOOLS_SERVICE_NAME", "step")
    environment = {
        **os.environ,
        **variables,
        "PYTHONPATH": os.pathsep.join((str(folder / "task"), str(folder / "opt" / "python"))),
        "POWERTOOLS_TRACE_DISABLED": "true",  # there is no daemon of X-Ray's here
    }
    command = [sys.executable, "-c", HANDLE, event, str(told), name, os.environ.get("HOSTNAME", "container")]
    with subprocess.Popen(command, env=environment) as child:  # noqa: S603 this Python
        while True:
            try:
                code = child.wait(BEAT_SECONDS)
                break
            except subprocess.TimeoutExpired:
                try:
                    beat()
                except Exception:
                    child.kill()  # nobody waits for it any more
                    raise
    if code or not told.exists():
        return {"error": DIED, "message": f"ended with {code}"}
    answer: dict[str, Any] = json.loads(told.read_text(encoding="utf-8"))
    return answer


def tell(states: Any, token: str, told: Mapping[str, Any]) -> None:
    """Answer the state machine as Lambda would."""
    if "output" in told:
        states.send_task_success(taskToken=token, output=json.dumps(told["output"]))
        return
    cause = json.dumps({"errorMessage": told["message"], "errorType": told["error"]})
    states.send_task_failure(taskToken=token, error=told["error"], cause=cause)


def main() -> None:
    """Do the step that the environment names."""
    sys.path.append("/var/runtime")  # where the image of an older Python has boto3
    import boto3

    states, token = boto3.client("stepfunctions"), os.environ["TASK_TOKEN"]
    try:
        with tempfile.TemporaryDirectory(prefix="step-") as name:
            folder = Path(name)
            variables = fetch(boto3.client("lambda"), os.environ["FUNCTION"], folder)
            event = json.dumps({"run_id": os.environ["RUN_ID"]})
            told = handle(folder, variables, event, lambda: states.send_task_heartbeat(taskToken=token))
    except Exception as error:  # noqa: BLE001 whatever it is, the state machine must hear of it
        told = {"error": DIED, "message": type(error).__name__}
    tell(states, token, told)


if __name__ == "__main__":
    main()
