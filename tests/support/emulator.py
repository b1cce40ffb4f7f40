"""The embedded AWS alone, on a free port and a folder of its own."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil

from local.certificate import certificate
from local.clients import REGION, Aws, variables
from local.processes import Processes, connects
from local.stack import EMULATOR_PYTHON
from tests.support.stack import free_port

ROLE = "arn:aws:iam::000000000000:role/any"
FLUSH_SECONDS = 0.3


class Emulator:
    """A running emulator; functions are made of their source text. ``environment`` is the machine's own.

    With ``enforces_iam`` it speaks TLS, and notes decisions about roles in the file ``decisions``.
    """

    def __init__(
        self, folder: Path, *, enforces_iam: bool = False, flush_seconds: float = FLUSH_SECONDS, **environment: str
    ) -> None:
        self.folder = folder
        self._flush_seconds = flush_seconds
        self.decisions = folder / "decisions.jsonl"
        self._tls = certificate(folder / "aws.crt") if enforces_iam else None
        self._environment = environment
        self.start()

    def start(self) -> None:
        port = free_port()
        ca = self._tls[0] if self._tls else None
        self.aws = Aws(f"{'https' if ca else 'http'}://127.0.0.1:{port}", REGION, ca)
        environment = {**self._environment, **variables(self.aws.endpoint, REGION, ca)}
        self.processes = Processes(self.folder / "logs", environment)
        enforcing: tuple[object, ...] = ()
        if self._tls:
            enforcing = ("--certificate", self._tls[0], "--key", self._tls[1], "--decisions", self.decisions)
        self.processes.start(
            *("emulator", EMULATOR_PYTHON, "local.emulator"),
            *("--port", port, "--state", self.folder / "aws", "--flush-seconds", self._flush_seconds),
            *enforcing,
        )
        self.processes.wait_for("emulator", lambda: connects(port))

    def function(
        self, name: str, code: str, *, timeout: int = 10, layers: tuple[str, ...] = (), role: str = ROLE
    ) -> None:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("handler.py", code)
        self.aws.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.11",
            Role=role,
            Handler="handler.lambda_handler",
            Code={"ZipFile": buffer.getvalue()},
            Timeout=timeout,
            Layers=list(layers),
        )

    def invoke(self, name: str, event: Any = None) -> Any:
        answer = self.aws.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
        return json.load(answer["Payload"])

    def template(self, resources: dict[str, Any]) -> dict[str, str]:
        """Make resources by CloudFormation and return their physical ids by logical ids."""
        stack, cloudformation = f"stack-{uuid4().hex[:8]}", self.aws.client("cloudformation")
        cloudformation.create_stack(StackName=stack, TemplateBody=json.dumps({"Resources": resources}))
        cloudformation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
        made = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
        return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in made}

    def process(self) -> psutil.Process:
        return psutil.Process(self.processes.pid("emulator"))
