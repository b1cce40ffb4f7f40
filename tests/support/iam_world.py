"""Work that waits to be done on a stack that enforces IAM, so that each right can be taken away and asked for."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

from local.sample import write_sample
from local.stack import OPERATOR
from rosterbridge.adapters.dynamodb_changes import HOMES, LANES
from rosterbridge.adapters.dynamodb_items import timestamp, to_item
from rosterbridge.flows.models import FileAccount, Run
from rosterbridge.flows.projects import Projects
from rosterbridge.flows.run_files import DRY_RUN_SOURCE, dry_run_object
from tests.support import flows
from tests.support.iam_calls import Calls
from tests.support.sftp_clients import Login, by_paramiko
from tests.support.stack import Sender, StackUnderTest

NOBODY = "not the password"


class World:
    """Each method does one thing and returns what its caller and the log are told; what fails may be repeated."""

    def __init__(self, stack: StackUnderTest, calls: Calls, folder: Path) -> None:
        self._stack, self._calls = stack, calls
        self._good = write_sample(folder / "good.zip", students=20).read_bytes()
        self._sender = stack.create_flow()
        # what is stored by hand here is told to the function by hand too
        for bucket in ("HomeBucket", "RunBucket"):
            stack.client("s3").put_bucket_notification_configuration(
                Bucket=stack.outputs[bucket], NotificationConfiguration={}
            )

    # -- the SFTP endpoint --------------------------------------------------------------------------------------------

    def sign_in(self) -> str:
        return self._calls.sign_in(self._sender.server.username, self._sender.server.password)

    def sign_in_wrongly(self) -> str:
        return self._calls.sign_in(self._sender.server.username, NOBODY)

    def note_the_login(self) -> str:
        before = self._last_login()
        answer = self.sign_in()
        return answer + ("" if self._last_login() != before else "the login was not noted")

    def _last_login(self) -> datetime | None:
        found = self._stack.local.stores.accounts.get(
            FileAccount, self._stack.local.organization_id, self._sender.file_account_id
        )
        assert found is not None
        return found.last_login_at

    def put(self) -> str:
        """Store a file; a client that does not look afterwards, as paramiko, is not told that it failed."""
        name = f"{uuid4().hex}.part"
        return self._in_the_home(lambda sftp: sftp.putfo(BytesIO(b"unfinished"), f"/{name}"))

    def fetch(self) -> str:
        self._lay("there.part")
        return self._in_the_home(lambda sftp: sftp.getfo("/there.part", BytesIO()))

    def remove(self) -> str:
        self._lay("there.part")
        return self._in_the_home(lambda sftp: sftp.remove("/there.part"))

    def look_around(self) -> str:
        return self._in_the_home(lambda sftp: sftp.listdir("/"))

    def _lay(self, name: str) -> None:
        key = f"home/{self._sender.file_account_id}/{name}"
        self._stack.client("s3").put_object(Bucket=self._stack.outputs["HomeBucket"], Key=key, Body=b"unfinished")

    def _in_the_home(self, act: Callable[[Any], Any]) -> str:
        stack, server = self._stack, self._sender.server
        with by_paramiko(Login(stack.sftp_port, stack.sftp_host_key, server.username, server.password)) as sftp:
            try:
                return f"done: {act(sftp)}"
            except OSError as error:
                return str(error)

    # -- the steps ---------------------------------------------------------------------------------------------------

    def receive(self) -> str:
        return self._calls.receive(self._sender)

    def receive_for_a_flow_that_is_off(self) -> str:
        return self._calls.receive(self._switched_off)

    @cached_property
    def _switched_off(self) -> Sender:
        found = self._stack.create_flow()
        self._stack.switch_off(found.created.flow)
        return found

    def validate(self) -> str:
        return self._step("validate", self._recorded)

    def convert(self) -> str:
        return self._step("convert", self._validated)

    def guard(self) -> str:
        return self._step("guard", self._converted)

    def forward(self) -> str:
        return self._step("forward", self._guarded)

    def _step(self, name: str, run: Run) -> str:
        return self._calls.invoke(name, {"run_id": run.id})

    @cached_property
    def _recorded(self) -> Run:
        return self._calls.recorded_run(self._stack.create_flow())

    @cached_property
    def _validated(self) -> Run:
        return self._prepared("validate")

    @cached_property
    def _converted(self) -> Run:
        return self._prepared("validate", "convert")

    @cached_property
    def _guarded(self) -> Run:
        return self._prepared("validate", "convert", "guard")

    def _prepared(self, *steps: str) -> Run:
        return self._calls.prepared_run(self._stack.create_flow(), self._good, *steps)

    # -- dry runs ----------------------------------------------------------------------------------------------------

    def dry_run(self) -> str:
        """Look at a file that has come for a new dry run."""
        bucket, key, version = self._deposited()
        _, organization, dry_run, _ = key.split("/")
        source = {"bucket": bucket, "key": key, "version_id": version}
        asked = {"organization_id": organization, "dry_run_id": dry_run, "source": source}
        return self._calls.invoke("dry_run", asked)

    def receive_for_a_dry_run(self) -> str:
        bucket, key, version = self._deposited()
        return self._calls.queued("receive", self._calls.notice(bucket, key, version, len(self._good)))

    def _deposited(self) -> tuple[str, str, str]:
        """Store a file for a new dry run, and return bucket, key and version."""
        flow, bucket = self._sender.created.flow, self._stack.outputs["RunBucket"]
        now = datetime.now(UTC)
        dry_run = flows.dry_run(
            organization_id=flow.organization_id, flow_id=flow.id, created_at=now, expires_at=now + timedelta(days=1)
        )
        self._stack.local.stores.changes.create(OPERATOR, dry_run, None)
        place = dry_run_object(bucket, dry_run.organization_id, dry_run.id, DRY_RUN_SOURCE)
        stored = self._stack.client("s3").put_object(Bucket=bucket, Key=place.key, Body=self._good)
        return bucket, place.key, stored["VersionId"]

    # -- notices and what is done by the clock ------------------------------------------------------------------------

    def notify(self) -> str:
        return self._calls.queued("notify", {"run_id": self._rejected.id})

    def notify_for_the_first_time(self) -> str:
        """Tell of a run of a flow of which nothing was told within the hour."""
        return self._calls.queued("notify", {"run_id": self._rejected_run().id})

    @cached_property
    def _rejected(self) -> Run:
        return self._rejected_run()

    def _rejected_run(self) -> Run:
        run = self._calls.recorded_run(self._stack.create_flow())
        told = self._step("validate", run)
        assert "rejected" in told, told
        self._stack.client("dynamodb").update_item(
            TableName=self._stack.outputs["RunTable"],
            Key=to_item({"id": run.id}),
            UpdateExpression="SET #status = :status, ended_at = :at",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues=to_item({":status": "rejected", ":at": timestamp(datetime.now(UTC))}),
        )
        return run

    def watch(self) -> str:
        assert self._expected
        return self._calls.invoke("watch")

    @cached_property
    def _expected(self) -> Sender:
        found = self._stack.create_flow(expected_by="00:00")
        self._calls.note("watches", found.created.flow.id, "since")
        return found

    def sweep(self) -> str:
        """Sweep where a home, a lane and a start are due that nobody has seen before."""
        identity = uuid4().hex
        for partition in (HOMES, LANES):
            self._calls.note(partition, identity, "due_at")
        self._calls.note(f"lane#{identity}", "lane", "lease_until")
        key = f"home/{identity}/left.part"
        self._stack.client("s3").put_object(Bucket=self._stack.outputs["HomeBucket"], Key=key, Body=b"left")
        self._calls.recorded_run(self._sender, noted=True)
        return self._calls.invoke("sweep")

    # -- the API -----------------------------------------------------------------------------------------------------

    def list_projects(self) -> str:
        return self._calls.ask("GET", "/projects")

    def create_project(self) -> str:
        return self._calls.ask("POST", "/projects", {"name": "Rosters"})

    def change_project(self) -> str:
        place = f"/projects/{self._sender.project_id}"
        return self._calls.ask("PATCH", place, {"name": f"Rosters {uuid4().hex}"}, if_match=f'"{self._version}"')

    @property
    def _version(self) -> int:
        cases = Projects(self._stack.local.stores.changes)
        return cases.get(OPERATOR, self._stack.local.organization_id, self._sender.project_id).version

    def create_asm_account(self) -> str:
        account = {"name": "Apple", "host": "127.0.0.1", "port": 22, "username": "a@sftp.apple.example"}
        key = self._stack.local.host_key("apple")
        return self._calls.ask(
            "POST", "/asm-accounts", {**account, "password": "apple-secret", "host_keys": [key], "folder": "dropbox"}
        )

    def test_asm_account(self) -> str:
        return self._calls.ask("POST", f"/asm-accounts/{self._sender.created.asm_account.id}/test")

    def delete_flow(self) -> str:
        created = self._stack.create_flow().created
        return self._calls.ask("DELETE", f"/flows/{created.flow.id}", if_match=f'"{created.flow.version}"')

    def list_runs(self) -> str:
        return self._calls.ask("GET", f"/projects/{self._sender.project_id}/runs")

    def show_run(self) -> str:
        return self._calls.ask("GET", f"/runs/{self._rejected.id}")

    def show_report(self) -> str:
        return self._calls.ask("GET", f"/runs/{self._rejected.id}/report")

    def download_errors(self) -> str:
        return self._calls.ask("GET", f"/runs/{self._rejected.id}/downloads/errors")

    def rerun(self) -> str:
        return self._calls.ask("POST", f"/runs/{self._rejected.id}/rerun")

    def list_audit(self) -> str:
        return self._calls.ask("GET", "/audit")

    def invite(self) -> str:
        return self._calls.ask("POST", "/users", {"email": f"{uuid4().hex[:8]}@school.example"})

    # -- what acts by itself ------------------------------------------------------------------------------------------

    def upload_by_notice(self) -> Sender:
        """Store an upload, and put S3's notice of it into the queue."""
        sender, sqs = self._stack.create_flow(), self._stack.client("sqs")
        queue = next(url for url in sqs.list_queues()["QueueUrls"] if "-Uploads" in url)
        sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(self._calls.stored(sender)))
        return sender

    def has_run(self, sender: Sender) -> bool:
        return bool(self._stack.runs(sender))

    def start(self) -> str:
        """Record a run, start its execution, and return its id."""
        run = self._calls.recorded_run(self._stack.create_flow())
        self._stack.client("stepfunctions").start_execution(
            stateMachineArn=self._stack.outputs["RunsStateMachine"],
            name=run.id,
            input=json.dumps({"run_id": run.id}),
        )
        return run.id

    def start_and_stop(self) -> str:
        """Start a run's execution, stop it from outside, and return the run's id."""
        run_id = self.start()
        machine = self._stack.outputs["RunsStateMachine"]
        execution = f"{machine.replace(':stateMachine:', ':execution:')}:{run_id}"
        self._stack.client("stepfunctions").stop_execution(executionArn=execution)
        return run_id

    def has_ended(self, run_id: str) -> bool:
        found = self._stack.local.stores.runs.get(run_id)
        return found is not None and found.ended_at is not None
