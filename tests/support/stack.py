"""The deployed local stack for tests: everything that ``make run`` starts, on free ports and a state of its own."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from local.processes import LOOPBACK
from local.stack import OPERATOR, LocalStack, Ports
from local.upload import Server, upload
from rosterbridge.flows.managing import CreatedFlow
from rosterbridge.flows.models import FileAccount, Flow, Run
from rosterbridge.flows.ports import RunFilter
from tests.support.openssh import any_client

T = TypeVar("T")
NO_GUARD = {"removed_share": 1, "changed_share": 1}
WAIT_SECONDS = 60
# One second between the tries of a delivery, as often as on AWS; more changes than the tests' users make in a minute
CONTEXT = {
    "forward_retry_seconds": 1,
    "forward_retry_rate": 1,
    "changes_per_minute": 6000,
    "sign_in_threshold": 100_000,  # all tests sign in from one address
    "notify_by": "ses",
    "notify_from": "rosterbridge@example.org",
}


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(condition: Callable[[], T | None], what: str, seconds: float = WAIT_SECONDS) -> T:
    """Return the condition's first result that counts as true; fails the test when there is none in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if result := condition():
            return result
        time.sleep(0.05)
    message = f"{what}: not within {seconds} s"
    raise AssertionError(message)


@dataclass(frozen=True)
class Sender:
    """A file account with its flow, and how to upload to it."""

    created: CreatedFlow
    server: Server
    project_id: str

    @property
    def file_account_id(self) -> str:
        return self.created.file_account.id


class StackUnderTest:
    """The running stack, seen from outside: its servers, its history, and AWS's own view."""

    def __init__(self, stack: LocalStack) -> None:
        self.local = stack
        self.endpoint, self.region, self.outputs = stack.aws.endpoint, stack.aws.region, stack.outputs
        self.sftp_host, self.sftp_port, self.sftp_host_key = LOOPBACK, stack.ports.sftp, stack.host_key("sftp")
        self.received: Path = stack.received
        # SES knows the domain of the sender, and takes mail to nobody else before it is told to
        self.client("sesv2").create_email_identity(EmailIdentity="example.org")
        self.project_id = stack.create_project("Tests").id
        sender = self.create_flow()
        self.username, self.password = sender.server.username, sender.server.password
        self.sender = sender

    def client(self, service: str) -> Any:
        """Return a boto3 client of the embedded AWS."""
        return self.local.aws.client(service)

    def create_flow(self, **changes: Any) -> Sender:
        """Create a project with one flow; ``changes`` override fields of the request.

        Without a ``guard`` it lets through what has nothing to do with the upload before.
        """
        changes = {"guard": NO_GUARD, **changes}
        project = self.local.create_project("Test")
        created = self.local.create_flow(project.id, f"sis-{uuid4().hex[:12]}", **changes)
        server = Server(
            self.sftp_host, self.sftp_port, self.sftp_host_key, created.file_account.username, created.password or ""
        )
        return Sender(created, server, project.id)

    def switch_off(self, thing: FileAccount | Flow) -> None:
        """Switch off a file account or a flow."""
        flows = self.local.stores.flows
        cases: Any = flows.file_accounts if isinstance(thing, FileAccount) else flows
        now = cases.get(OPERATOR, thing.organization_id, thing.id)
        cases.update(OPERATOR, thing.organization_id, thing.id, now.version, enabled=False)

    def upload(self, path: Path, sender: Sender | None = None) -> str:
        """Upload with the OpenSSH client, or paramiko where there is none, and return the name."""
        return upload(path, (sender or self.sender).server, any_client())

    def runs(self, sender: Sender | None = None) -> list[Run]:
        """Return the runs of a sender's project, newest first."""
        wanted = RunFilter(self.local.organization_id, (sender or self.sender).project_id)
        found = (self.local.stores.runs.get(run.id) for run in self.local.stores.runs.page(wanted, limit=50).items)
        return [run for run in found if run]

    def wait_for_run(self, sender: Sender | None = None, number: int = 1, seconds: float = WAIT_SECONDS) -> Run:
        """Return the sender's newest run when ``number`` of them are there and that one has ended."""

        def ended() -> Run | None:
            runs = self.runs(sender)
            return runs[0] if len(runs) >= number and runs[0].status.final else None

        return wait_for(ended, "the run ends", seconds)

    def wait_for_status(self, sender: Sender, status: str) -> Run:
        """Return the sender's newest run when it has reached a status."""

        def reached() -> Run | None:
            return next((run for run in self.runs(sender)[:1] if run.status == status), None)

        return wait_for(reached, f"the run is {status}")

    def landed(self, run: Run) -> Path:
        """Return the file that the stand-in for Apple took from a run."""
        return self.received / f"rosterbridge-{run.id}.zip"

    def kept_by_apple(self) -> set[str]:
        """Return the names of all that lies at the stand-in for Apple but the ZIPs of runs."""
        found = (path.name for path in self.received.parent.rglob("*") if path.is_file())
        return {name for name in found if not re.fullmatch(r"rosterbridge-[0-9a-f]{32}\.zip", name)}

    def report(self, run: Run) -> str:
        """Return the text of a run's report."""
        assert run.report is not None
        return self.local.stores.objects.get_text(run.report)

    def log_lines(self) -> Iterator[str]:
        """Yield each line that the functions have logged, after the name of its log group."""
        logs = self.client("logs")
        for group in logs.describe_log_groups()["logGroups"]:
            name = group["logGroupName"]
            for page in logs.get_paginator("describe_log_streams").paginate(logGroupName=name):
                for stream in page["logStreams"]:
                    found = logs.get_log_events(
                        logGroupName=name, logStreamName=stream["logStreamName"], startFromHead=True
                    )
                    yield from (f"{name}: {event['message']}" for event in found["events"])

    def process_log_lines(self) -> Iterator[str]:
        """Yield each line that the processes of the stack have printed."""
        for path in (self.local.state / "logs").iterdir():
            yield from path.read_text(errors="replace").splitlines()

    def execution_history(self, run: Run) -> list[dict[str, Any]]:
        """Return the events of a run's execution."""
        arn = self.outputs["RunsStateMachine"].replace(":stateMachine:", ":execution:") + f":{run.id}"
        states = self.client("stepfunctions")
        pages = states.get_paginator("get_execution_history").paginate(executionArn=arn)
        return [event for page in pages for event in page["events"]]


@contextmanager
def running_stack(state: Path, *, enforces_iam: bool = False) -> Iterator[StackUnderTest]:
    """Start everything on free ports."""
    ports = Ports(free_port(), free_port(), free_port(), free_port())
    with LocalStack(state, ports, CONTEXT, enforces_iam=enforces_iam) as stack:
        yield StackUnderTest(stack)
