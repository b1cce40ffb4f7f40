"""A day of the service on a stack that enforces IAM: what each function, session and execution is there for, once."""

from __future__ import annotations

import ssl
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncssh
import httpx
import paramiko
from pycognito.aws_srp import AWSSRP

from local.sample import sample_files, write_sample
from local.sftp_front.failed_uploads import FAILED
from local.stack import APPLE_FOLDER, APPLE_USERNAME, OPERATOR
from local.upload import Server, upload
from local.users import give_password, invite
from rosterbridge.adapters.dynamodb_changes import HOMES, LANES
from rosterbridge.flows.broken_uploads import BROKEN_OFF
from rosterbridge.flows.models import Run, RunStatus
from rosterbridge.flows.organizations import Organizations
from rosterbridge.flows.result_files import KEPT
from tests.support.http_client import HttpClient
from tests.support.iam_calls import LONG_AGO, Calls
from tests.support.openssh import any_client
from tests.support.sftp_clients import Login, by_paramiko
from tests.support.stack import Sender, StackUnderTest, free_port, wait_for

ADDRESS = "rosters@example.org"


class Day:
    """Does it all; every method fails where something is not done. ``denied`` is what roles were denied meanwhile."""

    denied: Sequence[tuple[str, str]] = ()

    def __init__(self, stack: StackUnderTest, calls: Calls, folder: Path) -> None:
        self._stack, self._calls, self._folder = stack, calls, folder
        local = stack.local
        self._base = f"/v1/organizations/{local.organization_id}"
        context = ssl.create_default_context(cafile=local.aws.ca)
        self._connections = httpx.Client(base_url=local.api["url"], timeout=35, trust_env=False, verify=context)
        self._administrator, self._operator = self._signed_in(local.organization_id), self._signed_in(None)
        self._sender = stack.create_flow(guard={})

    def live(self) -> None:
        """Live the day, and close the connections."""
        self._tell_the_organization_where_it_is_told()
        with self._connections:
            with ThreadPoolExecutor(2) as threads:
                for part in [threads.submit(part) for part in (self._send_and_administer, self._do_the_rest)]:
                    part.result()
            self._sweep()

    def _send_and_administer(self) -> None:
        first = self._send_the_first()
        self._hold_and_approve()
        self._overtake_what_is_held()
        self._send_a_delta()
        self._convert_what_is_overtaken()
        self._reject_and_tell()
        self._end_what_was_aborted()
        self._administer(first)

    def _do_the_rest(self) -> None:
        self._refuse_a_password()
        self._sign_in_by_key_and_use_the_home()
        self._break_off()
        self._hear_early_of_what_broke_off()
        self._invite_and_remove()
        self._erase()
        self._find_apple_away_and_there_again()
        self._watch()

    # -- uploads ------------------------------------------------------------------------------------------------------

    def _send(self, path: Path, number: int, status: RunStatus) -> Run:
        self._stack.upload(path, self._sender)
        run = self._stack.wait_for_run(self._sender, number)
        assert run.status is status, (run.status, run.error)
        return run

    def _sample(self, students: int) -> Path:
        return write_sample(self._folder / f"{students}-{uuid4().hex[:6]}.zip", students=students)

    def _send_the_first(self) -> Run:
        return self._send(self._sample(80), 1, RunStatus.SUCCEEDED)

    def _held(self, students: int) -> Run:
        self._stack.upload(self._sample(students), self._sender)
        return self._stack.wait_for_status(self._sender, "held")

    def _hold_and_approve(self) -> None:
        run = self._held(40)
        self._try_out_a_delta()
        self._administrator.post(f"{self._base}/runs/{run.id}/approve", {"reason": "The leavers of this year."})
        assert self._stack.wait_for_run(self._sender, 2).status is RunStatus.SUCCEEDED

    def _try_out_a_delta(self) -> None:
        """Look at a package that would change what is held, and be compared with what Apple has."""
        path, target = self._delta("try.zip"), f"{self._base}/dry-runs"
        asked = {"flow_id": self._sender.created.flow.id, "file_name": path.name, "file_bytes": path.stat().st_size}
        begun = self._administrator.made(target, asked)
        place = begun["upload"]["fields"]["key"]  # where IAM is enforced the emulator takes a form for nobody's
        files = self._stack.outputs["RunBucket"]
        self._stack.client("s3").put_object(Bucket=files, Key=place, Body=path.read_bytes())
        found = wait_for(
            lambda: (now := self._administrator.read(f"{target}/{begun['id']}"))["status"] == "done" and now, "it ends"
        )
        assert found["verdict"] == "hold", found

    def _overtake_what_is_held(self) -> None:
        older = self._held(20)
        self._send(self._sample(40), 4, RunStatus.SUCCEEDED)
        self._ends(older, RunStatus.SUPERSEDED)

    def _ends(self, run: Run, status: RunStatus) -> None:
        now = wait_for(lambda: (found := self._stack.local.stores.runs.get(run.id)) and found.ended_at and found, "end")
        assert now.status is status, (now.status, now.error)

    def _send_a_delta(self) -> None:
        self._send(self._delta("delta.zip"), 5, RunStatus.SUCCEEDED)

    def _delta(self, called: str) -> Path:
        path = self._folder / called
        with zipfile.ZipFile(path, "w") as archive:
            for name, text in sample_files(students=40).items():
                if name in {"manifest.csv", "users.csv"}:
                    archive.writestr(name, _as_delta(text) if name == "manifest.csv" else _first_active(text))
        return path

    def _convert_what_is_overtaken(self) -> None:
        content = self._sample(40).read_bytes()
        run = self._calls.recorded_run(self._sender, content, received_at=LONG_AGO)
        assert '"accepted"' in self._calls.invoke("validate", {"run_id": run.id})
        assert '"superseded"' in self._calls.invoke("convert", {"run_id": run.id})

    def _find_apple_away_and_there_again(self) -> None:
        local, port = self._stack.local, free_port()
        sender = self._stack.create_flow(asm_port=port)
        run = self._calls.prepared_run(sender, self._sample(20).read_bytes(), "validate", "convert", "guard")
        assert "TransientError" in self._calls.invoke("forward", {"run_id": run.id})
        local.start_apple("late-apple", port=port)
        local.wait_until_listening("late-apple", port)
        assert '"sent"' in self._calls.invoke("forward", {"run_id": run.id})
        local.processes.stop("late-apple")

    def _reject_and_tell(self) -> None:
        path = self._folder / "broken.zip"
        path.write_bytes(b"no ZIP at all")
        self._fill_the_results()
        run = self._send(path, 7, RunStatus.REJECTED)
        with self._session() as sftp:
            wait_for(lambda: any(run.id[:8] in name for name in sftp.listdir("/reports")), "the result is in reports/")

    def _fill_the_results(self) -> None:
        """Put so many results into the home that the oldest of them has to go."""
        for minute in range(KEPT):
            name = f"2026-01-01 00-{minute:02}-00 succeeded roster 0123abcd.txt"
            key = f"home/{self._sender.file_account_id}/reports/{name}"
            self._stack.client("s3").put_object(Bucket=self._stack.outputs["HomeBucket"], Key=key, Body=b"Succeeded.")

    def _end_what_was_aborted(self) -> None:
        run = self._held(10)
        machine = self._stack.outputs["RunsStateMachine"]
        execution = f"{machine.replace(':stateMachine:', ':execution:')}:{run.id}"
        self._stack.client("stepfunctions").stop_execution(executionArn=execution)
        self._ends(run, RunStatus.FAILED)

    # -- the SFTP endpoint --------------------------------------------------------------------------------------------

    def _session(self, sender: Sender | None = None, **secret: Any) -> Any:
        server, stack = (sender or self._sender).server, self._stack
        password = server.password
        return by_paramiko(Login(stack.sftp_port, stack.sftp_host_key, server.username, password, **secret))

    def _sign_in_by_key_and_use_the_home(self) -> None:
        path, key = self._folder / "key", asyncssh.generate_private_key("ssh-ed25519")
        key.write_private_key(path)
        sender = self._stack.create_flow(public_keys=(key.export_public_key().decode().strip(),))
        with self._session(sender, key=path) as sftp:
            with sftp.open("/roster.zip.part", "wb") as file:
                file.write(b"unfinished")
            assert sftp.open("/roster.zip.part").read() == b"unfinished"
            sftp.remove("/roster.zip.part")
            assert sftp.listdir("/") == []

    def _refuse_a_password(self) -> None:
        assert "wrong-password" in self._calls.sign_in(self._sender.server.username, "not the password")

    def _break_off(self) -> None:
        """Leave an upload half-way, as a client does whose line goes down."""
        sender = self._stack.create_flow()
        content = write_sample(self._folder / "half.zip").read_bytes()
        with paramiko.Transport((self._stack.sftp_host, self._stack.sftp_port)) as transport:
            transport.connect(username=sender.server.username, password=sender.server.password)
            with paramiko.SFTPClient.from_transport(transport) as sftp:
                file = sftp.open("half.zip", "wb", bufsize=0)  # kept, since one that nobody has is closed
                file.write(content[: len(content) // 2])
                transport.sock.close()
                assert self._stack.wait_for_run(sender).status is RunStatus.REJECTED

    def _hear_early_of_what_broke_off(self) -> None:
        """Tell of a failed upload before its file is there, so that its run ends where it is received."""
        sender, bucket = self._stack.create_flow(), self._stack.outputs["HomeBucket"]
        key, content = f"home/{sender.file_account_id}/early.zip", self._sample(20).read_bytes()
        about = {"file-path": f"/{bucket}/{key}", "bytes": len(content), "username": sender.server.username}
        told = {"detail-type": FAILED, "detail": {**about, "session-id": uuid4().hex}}
        assert '"batchItemFailures":[]' in self._calls.queued("receive", told).replace(" ", "")
        self._stack.client("s3").put_object(Bucket=bucket, Key=key, Body=content)
        assert self._stack.wait_for_run(sender).error == BROKEN_OFF

    # -- the API -----------------------------------------------------------------------------------------------------

    def _signed_in(self, organization_id: str | None) -> HttpClient:
        """Return the client of a new user, who has proved a password; an operator if of no organization."""
        local, email = self._stack.local, f"user-{uuid4().hex[:8]}@school.example"
        invite(local.aws, self._stack.outputs, email, organization_id)
        password, told = give_password(local.aws, self._stack.outputs, email), local.api
        srp = AWSSRP(email, password, told["user_pool_id"], told["client_id"], client=self._stack.client("cognito-idp"))
        return HttpClient(self._connections, srp.authenticate_user()["AuthenticationResult"]["IdToken"])

    def _administer(self, run: Run) -> None:
        client, base = self._administrator, self._base
        project = client.made(f"{base}/projects", {"name": "Rosters"})["id"]
        account = {"username": f"sis-{uuid4().hex[:8]}", "authentication": "password"}
        flow = {"project_id": project, "name": "Roster", "template": "oneroster-csv", "file_account": account}
        made = client.made(f"{base}/flows", {**flow, "asm_account": self._asm_account()})
        assert client.post(f"{base}/asm-accounts/{made['asm_account']['id']}/test").status == 200
        assert client.read(f"{base}/file-accounts/{made['file_account']['id']}")["id"]
        client.changed(f"{base}/projects/{project}", body={"name": "Rosters of the district"})
        for thing in ("flows/" + made["flow"]["id"], "file-accounts/" + made["file_account"]["id"]):
            client.changed(f"{base}/{thing}", "DELETE")
        history = f"{base}/projects/{self._sender.project_id}/runs"
        for query in ("", "?status=rejected", f"?flow_id={run.flow_id}"):
            assert client.read(history + query)["items"]
        assert client.read(f"{base}/runs/{run.id}")["steps"][0]["request"]
        for what in ("source", "errors", "errors"):
            link = client.read(f"{base}/runs/{run.id}/downloads/{what}")["url"]
            assert self._connections.get(link).status_code == 200
        self._lose(run, "provenance.csv.gz")
        assert client.get(f"{base}/runs/{run.id}/downloads/provenance").code == "file-missing"
        again = client.made(f"{base}/runs/{run.id}/rerun")["id"]
        wait_for(lambda: client.read(f"{base}/runs/{again}/status")["status"] == "held", "the second run is held")
        assert client.post(f"{base}/runs/{again}/reject", {"reason": "It was sent before."}).status == 200
        assert client.read(f"{base}/audit")["items"]

    def _asm_account(self) -> dict[str, Any]:
        local = self._stack.local
        return {
            "name": "Apple",
            "host": "127.0.0.1",
            "port": local.ports.apple,
            "username": APPLE_USERNAME,
            "password": local.apple_password,
            "host_keys": [local.host_key("apple")],
            "folder": APPLE_FOLDER,
        }

    def _lose(self, run: Run, name: str) -> None:
        self._stack.client("s3").delete_object(Bucket=self._stack.outputs["RunBucket"], Key=f"runs/{run.id}/{name}")

    def _invite_and_remove(self) -> None:
        users = f"{self._base}/users"
        invited = self._operator.made(users, {"email": f"{uuid4().hex[:8]}@school.example"})["id"]
        assert invited in {user["id"] for user in self._operator.read(users)["items"]}
        assert self._operator.delete(f"{users}/{invited}").status == 204

    def _erase(self) -> None:
        """Erase an organization that has one of everything, and a run that is held."""
        owner = self._operator.made("/v1/organizations", {"name": "Shelbyville"})["id"]
        base, username = f"/v1/organizations/{owner}", f"sis-{uuid4().hex[:8]}"
        self._operator.made(f"{base}/users", {"email": f"{uuid4().hex[:8]}@school.example"})
        project = self._operator.made(f"{base}/projects", {"name": "Rosters"})["id"]
        flow = {
            "project_id": project,
            "name": "Roster",
            "template": "oneroster-csv",
            "file_account": {"username": username, "authentication": "password"},
            "asm_account": self._asm_account(),
            "guard": {"blackouts": [{"first": "2026-01-01", "last": "2099-12-31"}]},
        }
        password = self._operator.made(f"{base}/flows", flow)["file_account"]["password"]
        stack = self._stack
        server = Server(stack.sftp_host, stack.sftp_port, stack.sftp_host_key, username, password)
        upload(self._sample(20), server, any_client())
        history = f"{base}/projects/{project}/runs?status=held"
        (run,) = wait_for(lambda: self._operator.read(history)["items"], "the run is held")
        places = (f"lanes/{run['flow_id']}/{run['id']}/full-set.zip", f"made/{run['id']}/errors.csv")
        for key in (*places, f"dry-runs/{owner}/dry-run-of-nobody/report.json"):
            stack.client("s3").put_object(Bucket=stack.outputs["RunBucket"], Key=key, Body=b"kept")
        assert self._operator.post(f"{base}/erasure", {"name": "Shelbyville"}).status == 202
        wait_for(lambda: all(one["ended_at"] for one in self._operator.read("/v1/erasures")["items"]), "it is erased")

    # -- what is done by the clock ------------------------------------------------------------------------------------

    def _tell_the_organization_where_it_is_told(self) -> None:
        organizations = Organizations(self._stack.local.stores.changes)
        now = organizations.get(OPERATOR, self._stack.local.organization_id)
        organizations.update(OPERATOR, now.id, now.version, notify=[ADDRESS])

    def _watch(self) -> None:
        self._calls.note("watches", self._stack.create_flow(expected_by="00:00").created.flow.id, "since")
        self._calls.note("holds", uuid4().hex, "since")  # of a run that is gone
        assert '"told": 1' in self._calls.invoke("watch")

    def _sweep(self) -> None:
        """Remove a deleted flow's home and lane, and start a run that was recorded and not started."""
        sender, stack = self._sender, self._stack
        lost = self._calls.recorded_run(stack.create_flow(), noted=True)
        flows, owner = stack.local.stores.flows, stack.local.organization_id
        for cases, identity in ((flows, sender.created.flow.id), (flows.file_accounts, sender.file_account_id)):
            found = cases.get(OPERATOR, owner, identity)
            cases.delete(OPERATOR, owner, identity, found.version)
        self._calls.note(HOMES, sender.file_account_id, "due_at")
        self._calls.note(LANES, sender.created.flow.id, "due_at")
        told = self._calls.invoke("sweep")
        assert '"homes": 1, "lanes": 1' in told, told
        assert '"runs": 1' in told, told
        self._ends(lost, RunStatus.REJECTED)


def _as_delta(manifest: str) -> str:
    lines = manifest.replace("file.users,bulk", "file.users,delta").splitlines()
    changed = [line.replace(",bulk", ",absent") for line in lines]
    return "\r\n".join(changed) + "\r\n"


def _first_active(users: str) -> str:
    """Return the header and the first student, marked as active now."""
    header, *rows = users.splitlines()
    cells = next(row for row in rows if ",student," in row).split(",")
    cells[1:3] = "active", "2026-11-01T06:00:00.000Z"
    return f"{header}\r\n{','.join(cells)}\r\n"
