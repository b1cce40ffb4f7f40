"""Deploy the CDK app to the embedded AWS: synth, assets and CloudFormation, without npm and without credentials."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import takewhile
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from infra import build
from local.clients import ACCOUNT, Aws

ROOT = build.ROOT
# A change of any of these makes the deployed stacks stale
INPUTS = (
    "app.py",
    "cdk.json",
    "infra",
    "functions",
    "layers",
    "local/deploy.py",
    "local/emulator",
    "local/requirements.txt",
)
CONTEXT: dict[str, Any] = {
    "local": True,
    "stage": "local",
    "forward_retry_seconds": 1,
    "forward_retry_rate": 2,
    "circuit_open_seconds": 1,
    "circuit_longest_seconds": 1,
    "private_asm_hosts": True,  # the stand-in for Apple is on this machine
    "second_factor": "optional",
}
BOOTSTRAP_PARAMETER = "/cdk-bootstrap/hnb659fds/version"
BOOTSTRAP_VERSION = "30"
SERVICE = "Rosterbridge-local-Service"
STACKS = ("Rosterbridge-local-Data", SERVICE)
HEALTHY = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
NEVER_WHOLE = (
    "CREATE_FAILED",
    "ROLLBACK_COMPLETE",
    "ROLLBACK_FAILED",
    "DELETE_FAILED",
)  # nothing in it is worth keeping
STACK_SECONDS = 120
# The CDK's own look at a template takes half of a synth; here the template is put to work at once
WITHOUT_VALIDATION = {"CDK_VALIDATION": "false"}
MESSAGE_CHARACTERS = 1000  # a refusal may repeat the whole template


class DeployError(RuntimeError):
    """The stacks could not be synthesized or deployed; the message says why."""


@dataclass(frozen=True)
class Plan:
    """What to deploy: ``digest`` names its inputs, ``context`` adds to ``cdk.json``, ``folder`` keeps what is made."""

    folder: Path
    context: Mapping[str, Any]

    @property
    def assembly(self) -> Path:
        """Where synth writes."""
        return self.folder / "cdk.out"

    @property
    def synthesized(self) -> Path:
        """Where the digest of the assembly stands."""
        return self.assembly / "digest"

    @property
    def deployed(self) -> Path:
        """Where the digest of what is deployed stands."""
        return self.folder / "deployed"

    def digest(self) -> str:
        """Return the name of this plan's inputs, the place of the repository included, since layers point into it."""
        files = [path for name in INPUTS for path in build.source_files(ROOT / name)]
        return build.digest_of(files, sys.version, str(ROOT), json.dumps(sorted(self.context.items())))


def plan(folder: Path, **context: Any) -> Plan:
    """Return the plan of the local stacks; ``context`` overrides CDK settings."""
    return Plan(folder, {**CONTEXT, **context})


def prepare(plan: Plan) -> str:
    """Build what synth packs, and synthesize unless nothing changed; return the digest. Needs no emulator."""
    build.build_layers(build.HOST)
    digest = plan.digest()
    if _read(plan.synthesized) != digest:
        _synthesize(plan)
        plan.synthesized.write_text(digest)
    return digest


def deploy(plan: Plan, digest: str, aws: Aws) -> dict[str, str]:
    """Bring the stacks up to what ``prepare`` made and return the Service stack's outputs; raises DeployError."""
    if _read(plan.deployed) != digest or any(_status(aws, stack) not in HEALTHY for stack in STACKS):
        _bootstrap(aws)
        for stack, artifact in _stacks(plan.assembly):
            _publish(plan.assembly / f"{stack}.assets.json", aws)
            _apply(stack, _template_url(artifact, aws), aws)
        plan.deployed.write_text(digest)
    return _outputs(aws)


def _read(path: Path) -> str | None:
    return path.read_text() if path.is_file() else None


def _synthesize(plan: Plan) -> None:
    shutil.rmtree(plan.assembly, ignore_errors=True)
    environment = {
        **os.environ,
        **WITHOUT_VALIDATION,
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", ""))),  # Node for jsii
        "CDK_OUTDIR": str(plan.assembly),
        "CDK_CONTEXT_JSON": json.dumps(plan.context),
    }
    done = subprocess.run(
        [sys.executable, "app.py"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        shutil.rmtree(plan.assembly, ignore_errors=True)
        message = f"the CDK app does not synthesize:\n{_tail(done.stderr)}"
        raise DeployError(message)


def _tail(text: str, lines: int = 12) -> str:
    return "\n".join(f"  {line}" for line in text.strip().splitlines()[-lines:])


def _stacks(assembly: Path) -> list[tuple[str, dict[str, Any]]]:
    """Return the stacks of an assembly, each after those that it depends on."""
    artifacts = json.loads((assembly / "manifest.json").read_text())["artifacts"]
    stacks = {name: artifact for name, artifact in artifacts.items() if artifact["type"] == "aws:cloudformation:stack"}
    graph = {
        name: [other for other in stack.get("dependencies", ()) if other in stacks] for name, stack in stacks.items()
    }
    return [(name, stacks[name]) for name in TopologicalSorter(graph).static_order()]


def _bootstrap(aws: Aws) -> None:
    """Make what ``cdk bootstrap`` makes, as far as the stacks look at it."""
    aws.client("ssm").put_parameter(Name=BOOTSTRAP_PARAMETER, Value=BOOTSTRAP_VERSION, Type="String", Overwrite=True)
    try:
        aws.client("s3").create_bucket(
            Bucket=_asset_bucket(aws), CreateBucketConfiguration={"LocationConstraint": aws.region}
        )
    except ClientError as error:
        if error.response["Error"]["Code"] not in {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}:
            raise


def _asset_bucket(aws: Aws) -> str:
    return f"cdk-hnb659fds-assets-{ACCOUNT}-{aws.region}"


def _publish(manifest: Path, aws: Aws) -> None:
    """Upload a stack's files, the template among them."""
    for asset in json.loads(manifest.read_text())["files"].values():
        source = manifest.parent / asset["source"]["path"]
        body = _zipped(source) if asset["source"]["packaging"] == "zip" else source.read_bytes()
        for destination in asset["destinations"].values():
            aws.client("s3").put_object(Bucket=_asset_bucket(aws), Key=destination["objectKey"], Body=body)


def _zipped(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            archive.writestr(zipfile.ZipInfo(path.relative_to(folder).as_posix()), path.read_bytes())
    return buffer.getvalue()


def _template_url(artifact: dict[str, Any], aws: Aws) -> str:
    key = artifact["properties"]["stackTemplateAssetObjectUrl"].rpartition("/")[2]
    return f"{aws.endpoint}/{_asset_bucket(aws)}/{key}"


def _apply(stack: str, template_url: str, aws: Aws) -> None:
    """Create or update one stack and wait for it; raises DeployError."""
    status = _status(aws, stack)
    if status in NEVER_WHOLE:
        aws.client("cloudformation").delete_stack(StackName=stack)
        _settle(stack, aws)
        status = _status(aws, stack)
    request = {
        "StackName": stack,
        "TemplateURL": template_url,
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
    }
    try:
        if status is None or status == "DELETE_COMPLETE":
            aws.client("cloudformation").create_stack(**request, OnFailure="DO_NOTHING")
        else:
            aws.client("cloudformation").update_stack(**request)
    except ClientError as error:
        if "No updates are to be performed" in str(error):
            return
        message = f"stack {stack} was refused: {error.response['Error']['Message'][:MESSAGE_CHARACTERS]}"
        raise DeployError(message) from None
    status = _settle(stack, aws)
    if status not in HEALTHY:
        message = f"stack {stack} ended {status}:\n{_reasons(stack, aws)}"
        raise DeployError(message)


def _status(aws: Aws, stack: str) -> str | None:
    try:
        return aws.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
    except ClientError:
        return None


def _settle(stack: str, aws: Aws) -> str | None:
    until = time.monotonic() + STACK_SECONDS
    while (status := _status(aws, stack)) is not None and status.endswith("_IN_PROGRESS"):
        if time.monotonic() > until:
            message = f"stack {stack} is still {status} after {STACK_SECONDS} s"
            raise DeployError(message)
        time.sleep(0.05)
    return status


def _reasons(stack: str, aws: Aws) -> str:
    events = aws.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]  # newest first
    latest = takewhile(
        lambda event: (event["LogicalResourceId"], event["ResourceStatus"]) not in _starts(stack), events
    )
    failed = [event for event in latest if event["ResourceStatus"].endswith("_FAILED")]
    return "\n".join(map(_reason, reversed(failed))) or "  no resource names a reason"


def _starts(stack: str) -> set[tuple[str, str]]:
    return {(stack, "CREATE_IN_PROGRESS"), (stack, "UPDATE_IN_PROGRESS")}


def _reason(event: dict[str, Any]) -> str:
    reason = event.get("ResourceStatusReason", "no reason given")
    return f"  {event['LogicalResourceId']} ({event['ResourceType']}): {reason}"


def _outputs(aws: Aws) -> dict[str, str]:
    found = aws.client("cloudformation").describe_stacks(StackName=SERVICE)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}
