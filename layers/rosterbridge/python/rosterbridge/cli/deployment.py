"""Which deployment a command speaks to: the local stack of ``make run``, or a stage on AWS."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict

from rosterbridge.adapters.clients import client, translated
from rosterbridge.cli.terminal import refuse_usage

LOCAL_STACK = Path(".local/stack.json")  # written by `make run`
LOOPBACK = "127.0.0.1"
LOCAL_CREDENTIALS = "test"  # what the embedded AWS takes; it has no real ones

StageOption = Annotated[
    str | None,
    typer.Option("--stage", help="A stage deployed to AWS, such as prod; without it, the local stack of `make run`."),
]


class Outputs(BaseModel):
    """The outputs of a stage's service stack that the command line needs."""

    model_config = ConfigDict(extra="ignore")

    AccountTable: str
    RunTable: str
    RunBucket: str


class LocalStack(BaseModel):
    """What ``make run`` leaves for the command line."""

    model_config = ConfigDict(extra="ignore")

    endpoint: str
    region: str
    outputs: Outputs
    project_id: str


class Deployment(BaseModel):
    """Where the tables are, and the project to speak of if none is named."""

    outputs: Outputs
    project_id: str | None = None


def connect(stage: str | None) -> Deployment:
    """Find the deployment and let this process's AWS clients speak to it."""
    return _on_aws(stage) if stage else _local()


def _local() -> Deployment:
    path = Path(os.environ.get("ROSTERBRIDGE_STACK", LOCAL_STACK))
    if not path.is_file():
        raise refuse_usage(f"no local stack at {path}: start it with `make run`, or name a --stage on AWS")
    stack = LocalStack.model_validate_json(path.read_bytes())
    os.environ.update(
        AWS_ENDPOINT_URL=stack.endpoint,
        AWS_DEFAULT_REGION=stack.region,
        AWS_ACCESS_KEY_ID=LOCAL_CREDENTIALS,
        AWS_SECRET_ACCESS_KEY=LOCAL_CREDENTIALS,
        NO_PROXY=LOOPBACK,  # a school's proxy knows nothing of this machine
        no_proxy=LOOPBACK,
    )
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        os.environ.pop(name, None)
    return Deployment(outputs=stack.outputs, project_id=stack.project_id)


def _on_aws(stage: str) -> Deployment:
    with translated("cloudformation"):
        stacks = client("cloudformation").describe_stacks(StackName=f"Rosterbridge-{stage}-Service")["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stacks[0].get("Outputs", [])}
    return Deployment(outputs=Outputs.model_validate_json(json.dumps(outputs)))
