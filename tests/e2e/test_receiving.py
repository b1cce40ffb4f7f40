"""What SFTP clients do in their own ways: each upload is one run, and none that broke off is taken for whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import paramiko

from local.clients import environment
from local.sample import write_sample
from rosterbridge.adapters.dynamodb_scores import DynamoScoreStore
from rosterbridge.adapters.dynamodb_uploads import DynamoUploadCounter
from rosterbridge.flows.models import Run, RunStatus
from rosterbridge.flows.sign_in_scores import Client, client_of
from rosterbridge.flows.upload_limits import UploadLimits
from tests.support.stack import CONTEXT, Sender, StackUnderTest, wait_for


@contextmanager
def session(sender: Sender) -> Iterator[paramiko.SFTPClient]:
    """Sign in with a password."""
    server = sender.server
    with paramiko.Transport((server.host, server.port)) as transport:
        transport.connect(username=server.username, password=server.password)
        sftp = paramiko.SFTPClient.from_transport(transport)
        assert sftp is not None
        yield sftp


def put(sftp: paramiko.SFTPClient, name: str, content: bytes) -> None:
    with sftp.open(name, "wb") as file:
        file.set_pipelined(True)
        file.write(content)


def leave(sftp: paramiko.SFTPClient) -> None:
    """Break the connection off, as a machine does that is switched off."""
    channel = sftp.get_channel()
    assert channel is not None
    channel.get_transport().sock.close()


def rosters(folder: Path, count: int) -> list[bytes]:
    return [write_sample(folder / "roster.zip", seed=seed).read_bytes() for seed in range(count)]


def ended(stack: StackUnderTest, sender: Sender, count: int) -> list[Run]:
    """Return the sender's runs, newest first, when so many are there and all have ended."""

    def all_ended() -> list[Run] | None:
        runs = stack.runs(sender)
        return runs if len(runs) == count and all(run.status.final for run in runs) else None

    return wait_for(all_ended, f"{count} runs end")


def contents(stack: StackUnderTest, runs: list[Run]) -> list[bytes]:
    s3 = stack.client("s3")
    return [s3.get_object(Bucket=run.source.bucket, Key=run.source.key)["Body"].read() for run in runs]


def test_an_upload_whose_client_left_before_the_end_is_rejected_although_its_zip_is_whole(
    stack: StackUnderTest, tmp_path: Path
) -> None:
    sender = stack.create_flow()
    (content,) = rosters(tmp_path, 1)

    with session(sender) as sftp:
        file = sftp.open("roster.zip", "wb", bufsize=0)  # kept, since one that nobody has is closed
        file.write(content)
        leave(sftp)
    (run,) = ended(stack, sender, 1)

    assert (run.status, run.error) == (RunStatus.REJECTED, "upload-incomplete")
    assert contents(stack, [run]) == [content]
    assert not stack.landed(run).exists()

    with session(sender) as sftp:
        put(sftp, "roster.zip", content)
    assert [run.status for run in ended(stack, sender, 2)] == [RunStatus.SUCCEEDED, RunStatus.REJECTED]


def test_a_name_that_is_written_twice_is_two_runs_with_their_own_content(stack: StackUnderTest, tmp_path: Path) -> None:
    sender = stack.create_flow()
    first, second = rosters(tmp_path, 2)

    with session(sender) as sftp:
        put(sftp, "roster.zip", first)
        put(sftp, "roster.zip", second)
    newest, oldest = ended(stack, sender, 2)

    assert contents(stack, [oldest, newest]) == [first, second]
    assert newest.received_at > oldest.received_at
    assert newest.status is RunStatus.SUCCEEDED
    assert oldest.status in {RunStatus.SUCCEEDED, RunStatus.SUPERSEDED}


def test_two_uploads_within_a_second_are_received_in_their_order(stack: StackUnderTest, tmp_path: Path) -> None:
    sender = stack.create_flow()
    first, second = rosters(tmp_path, 2)

    with session(sender) as sftp:
        put(sftp, "a.zip", first)
        put(sftp, "b.zip", second)
    newest, oldest = ended(stack, sender, 2)

    assert [oldest.file_name, newest.file_name] == ["a.zip", "b.zip"]
    assert (newest.received_at - oldest.received_at).total_seconds() < 1
    assert newest.status is RunStatus.SUCCEEDED


def test_a_renamed_part_may_have_the_same_name_tomorrow(stack: StackUnderTest, tmp_path: Path) -> None:
    sender = stack.create_flow()

    for day, content in enumerate(rosters(tmp_path, 2), start=1):
        with session(sender) as sftp:
            put(sftp, "roster.zip.filepart", content)
            sftp.rename("roster.zip.filepart", "roster.zip")  # which S3 refuses while there is one of that name
        assert ended(stack, sender, day)[0].status is RunStatus.SUCCEEDED

    assert {run.file_name for run in stack.runs(sender)} == {"roster.zip"}


def test_an_upload_over_the_days_limit_says_so_and_sends_nothing(stack: StackUnderTest, tmp_path: Path) -> None:
    sender = stack.create_flow()
    path = write_sample(tmp_path / "roster.zip")
    stack.upload(path, sender)
    first = stack.wait_for_run(sender)
    limits = UploadLimits(uploads_per_day=100, bytes_per_day=10**10, bytes_per_upload=10**9)
    with environment(stack.endpoint, stack.region):
        counter = DynamoUploadCounter(stack.outputs["AccountTable"])
        for number in range(99):
            counter.count(sender.file_account_id, first.received_at.date(), f"{number}", 1, limits)

    stack.upload(path, sender)
    run = stack.wait_for_run(sender, number=2)

    assert (run.status, run.error) == (RunStatus.REJECTED, "too-many-uploads")
    assert "At most 100 files a day are taken" in run.summary
    assert not stack.landed(run).exists()


def sign_in(stack: StackUnderTest, source_ip: str, username: str, password: str) -> Any:
    """Ask the deployed function as Transfer Family asks it."""
    request = {
        "username": username,
        "password": password,
        "protocol": "SFTP",
        "serverId": stack.outputs["SftpServerId"],
        "sourceIp": source_ip,
    }
    answer = stack.client("lambda").invoke(
        FunctionName="rosterbridge-local-authenticate", Payload=json.dumps(request).encode()
    )
    return json.loads(answer["Payload"].read())


def nearly_banned(stack: StackUnderTest, source_ip: str, username: str) -> Client:
    """Count against a client until two more points ban it, since the tests' threshold is out of reach."""
    client = client_of(source_ip, username, datetime.now(UTC), by_key=False)
    with environment(stack.endpoint, stack.region):
        store = DynamoScoreStore(stack.outputs["AccountTable"])
    for board in (client.address, client.account):
        assert board is not None
        store.add(board, CONTEXT["sign_in_threshold"] - 2, client.at, timedelta(minutes=30))
    return client


def test_who_guesses_is_banned_with_its_whole_site_and_nobody_else(stack: StackUnderTest) -> None:
    server = stack.create_flow().server
    site = f"2001:db8:{uuid4().hex[:4]}:{uuid4().hex[:4]}"
    nearly_banned(stack, f"{site}::1", "nobody-1")
    assert sign_in(stack, f"{site}::1", server.username, server.password)["Role"]

    assert sign_in(stack, f"{site}::2", "nobody-2", "guess") == {}

    assert sign_in(stack, f"{site}::1", server.username, server.password) == {}
    assert sign_in(stack, f"{site[:-4]}::1", server.username, server.password)["Role"]


def test_who_guesses_one_accounts_password_from_elsewhere_does_not_lock_its_sender_out(stack: StackUnderTest) -> None:
    server = stack.create_flow().server
    assert sign_in(stack, "198.51.100.7", server.username, server.password)["Role"]
    nearly_banned(stack, "203.0.113.1", server.username)

    for number in (2, 3):
        sign_in(stack, f"203.0.113.{number}", server.username, "guess")

    assert sign_in(stack, "203.0.113.4", server.username, server.password) == {}
    assert sign_in(stack, "198.51.100.7", server.username, server.password)["Role"]
