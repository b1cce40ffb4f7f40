"""An upload over real SFTP reaches the stand-in for Apple, or its sender learns why not."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections import defaultdict
from collections.abc import Callable
from datetime import date
from pathlib import Path

import paramiko
import pytest

from local.following import row_counts
from local.sample import Version, sample_files, write_sample
from local.upload import Server, upload
from rosterbridge.flows.models import RunStatus
from rosterbridge.roster import ConversionOptions, convert
from tests.support.openssh import openssh_client
from tests.support.stack import Sender, StackUnderTest

ASM_FILES = ["students.csv", "staff.csv", "courses.csv", "classes.csv", "rosters.csv", "locations.csv"]


def with_openssh(path: Path, server: Server) -> None:
    upload(path, server, openssh_client())


def with_paramiko(path: Path, server: Server) -> None:
    upload(path, server, None)


def rows(archive: Path, name: str) -> list[dict[str, str]]:
    with zipfile.ZipFile(archive) as opened:
        return list(csv.DictReader(io.StringIO(opened.read(name).decode())))


def sample_rows(version: Version, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(sample_files(version=version)[name], newline="")))


@pytest.mark.parametrize("send", [with_openssh, with_paramiko])
@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_a_oneroster_zip_lands_as_the_conversion_makes_it(
    stack: StackUnderTest, tmp_path: Path, version: Version, send: Callable[[Path, Server], None]
) -> None:
    sender = stack.create_flow()
    source = write_sample(tmp_path / "roster.zip", version=version)

    send(source, sender.server)
    run = stack.wait_for_run(sender)

    assert run.status is RunStatus.SUCCEEDED
    local = tmp_path / "local.zip"
    assert convert(source, local, ConversionOptions(), as_of=run.received_at.date()).accepted
    with zipfile.ZipFile(stack.landed(run)) as landed, zipfile.ZipFile(local) as expected:
        assert landed.namelist() == expected.namelist() == ASM_FILES
        assert [landed.read(name) for name in ASM_FILES] == [expected.read(name) for name in ASM_FILES]


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_what_lands_holds_the_people_and_classes_of_the_upload(
    stack: StackUnderTest, tmp_path: Path, version: Version
) -> None:
    sender = stack.create_flow()
    stack.upload(write_sample(tmp_path / "roster.zip", version=version), sender)
    run = stack.wait_for_run(sender)

    landed = stack.landed(run)
    enrollments = sample_rows(version, "enrollments.csv")
    ids = {row["sourcedId"] for row in sample_rows(version, "users.csv")}
    students = {row["person_id"] for row in rows(landed, "students.csv")}
    staff = {row["person_id"] for row in rows(landed, "staff.csv")}
    assert (students | staff, students & staff) == (ids, set())
    assert staff == {row["userSourcedId"] for row in enrollments if row["role"] == "teacher"}
    taught = defaultdict(set)
    for row in enrollments:
        if row["role"] == "teacher":
            taught[row["classSourcedId"]].add(row["userSourcedId"])
    assert taught == {
        row["class_id"]: {value for column, value in row.items() if column.startswith("instructor_id") and value}
        for row in rows(landed, "classes.csv")
    }
    assert {(row["class_id"], row["student_id"]) for row in rows(landed, "rosters.csv")} == {
        (row["classSourcedId"], row["userSourcedId"]) for row in enrollments if row["role"] == "student"
    }
    assert {row["location_name"] for row in rows(landed, "locations.csv")} == {
        row["name"] for row in sample_rows(version, "orgs.csv") if row["type"] == "school"
    }


def test_a_run_tells_each_step_with_counts_and_where_its_files_lie(stack: StackUnderTest, tmp_path: Path) -> None:
    sender = stack.create_flow()
    stack.upload(write_sample(tmp_path / "roster.zip"), sender)
    run = stack.wait_for_run(sender)

    assert [(step.name, step.outcome, step.attempts) for step in run.steps] == [
        ("receive", "succeeded", 1),
        ("validate", "succeeded", 1),
        ("convert", "succeeded", 1),
        ("guard", "succeeded", 1),
        ("forward", "succeeded", 1),
    ]
    assert all(step.ended_at and step.ended_at >= step.started_at for step in run.steps)
    converted = {name: count for name, count in run.steps[2].counts.items() if name != "bytes"}
    assert converted == row_counts(stack.landed(run))
    assert run.file_name == "roster.zip"
    assert run.delivered_to == f"127.0.0.1:{stack.local.ports.apple}/dropbox/{stack.landed(run).name}"
    source = tmp_path / "source.zip"
    stack.local.stores.objects.download(run.source, source)
    assert source.read_bytes() == (tmp_path / "roster.zip").read_bytes()
    assert json.loads(stack.report(run))["format"] == "oneroster-1.1"


def test_the_home_has_nothing_but_results_after_an_upload(stack: StackUnderTest, tmp_path: Path) -> None:
    sender = stack.create_flow()
    stack.upload(write_sample(tmp_path / "roster.zip"), sender)
    stack.wait_for_run(sender)

    found = stack.client("s3").list_objects_v2(
        Bucket=stack.outputs["HomeBucket"], Prefix=f"home/{sender.file_account_id}/"
    )

    others = [one["Key"] for one in found.get("Contents", []) if "/reports/" not in one["Key"]]
    assert others == []


def test_a_clean_asm_zip_goes_through_byte_for_byte(stack: StackUnderTest, tmp_path: Path) -> None:
    sender = stack.create_flow(template="asm-csv")
    asm = tmp_path / "asm.zip"
    convert(write_sample(tmp_path / "roster.zip"), asm, ConversionOptions(), as_of=date(2026, 9, 1))

    stack.upload(asm, sender)
    run = stack.wait_for_run(sender)

    assert run.status is RunStatus.SUCCEEDED
    assert stack.landed(run).read_bytes() == asm.read_bytes()


def _broken(path: Path, kind: str) -> Path:
    whole = write_sample(path).read_bytes()
    path.write_bytes({"truncated": whole[: len(whole) * 6 // 10], "text": b"name,value\n" * 100}[kind])
    return path


@pytest.mark.parametrize(("kind", "code"), [("truncated", "upload-incomplete"), ("text", "not-a-zip")])
def test_a_broken_upload_is_rejected_with_its_code(stack: StackUnderTest, tmp_path: Path, kind: str, code: str) -> None:
    sender = stack.create_flow()

    stack.upload(_broken(tmp_path / "roster.zip", kind), sender)
    run = stack.wait_for_run(sender)

    assert run.status is RunStatus.REJECTED
    assert run.step("validate").code == code
    assert code in [entry["code"] for entry in json.loads(stack.report(run))["entries"]]
    assert run.summary
    assert run.ended_at
    assert run.step("forward") is None
    assert not stack.landed(run).exists()


def test_a_path_with_quotes_and_blanks_is_uploaded_under_a_plain_name(stack: StackUnderTest, tmp_path: Path) -> None:
    sender = stack.create_flow()
    folder = tmp_path / "it's a [folder]"
    folder.mkdir()

    name = stack.upload(write_sample(folder / 'Schüler "2026" *.zip'), sender)

    assert name == "Sch-ler-2026.zip"
    assert stack.wait_for_run(sender).status is RunStatus.SUCCEEDED


def _notice(stack: StackUnderTest, key: str, version: str, size: int) -> str:
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "eventTime": "2026-11-24T08:00:00.000Z",
        "s3": {
            "bucket": {"name": stack.outputs["HomeBucket"]},
            "object": {"key": key, "size": size, "versionId": version},
        },
    }
    return json.dumps({"Records": [record]})


def _announce_again(stack: StackUnderTest, key: str, version: str, size: int) -> None:
    sqs = stack.client("sqs")
    [queue] = [url for url in sqs.list_queues()["QueueUrls"] if "-Data-Uploads" in url]
    sqs.send_message(QueueUrl=queue, MessageBody=_notice(stack, key, version, size))


def _executions(stack: StackUnderTest, run_id: str) -> int:
    found = stack.client("stepfunctions").list_executions(stateMachineArn=stack.outputs["RunsStateMachine"])
    return sum(execution["name"] == run_id for execution in found["executions"])


def test_a_notice_that_comes_twice_is_one_run_and_one_delivery(stack: StackUnderTest, tmp_path: Path) -> None:
    sender = stack.create_flow()
    content = write_sample(tmp_path / "roster.zip").read_bytes()
    key = f"home/{sender.file_account_id}/roster.zip"

    version = stack.client("s3").put_object(Bucket=stack.outputs["HomeBucket"], Key=key, Body=content)["VersionId"]
    _announce_again(stack, key, version, len(content))  # while the first is being received
    run = stack.wait_for_run(sender)
    delivered_at = stack.landed(run).stat().st_mtime_ns
    _announce_again(stack, key, version, len(content))  # when all is over
    another = stack.create_flow()
    stack.upload(tmp_path / "roster.zip", another)  # received after the repeated notice
    stack.wait_for_run(another)

    assert [found.id for found in stack.runs(sender)] == [run.id]
    assert stack.runs(sender)[0].step("forward").attempts == 1
    assert _executions(stack, run.id) == 1
    assert stack.landed(run).stat().st_mtime_ns == delivered_at


def test_the_same_name_with_other_content_is_another_run(stack: StackUnderTest, tmp_path: Path) -> None:
    sender = stack.create_flow()
    first = write_sample(tmp_path / "roster.zip", seed=1)
    stack.upload(first, sender)
    run = stack.wait_for_run(sender)

    stack.upload(write_sample(first, seed=2), sender)
    later = stack.wait_for_run(sender, number=2)

    assert later.id != run.id
    assert (run.status, later.status) == (RunStatus.SUCCEEDED, RunStatus.SUCCEEDED)
    assert stack.landed(run).read_bytes() != stack.landed(later).read_bytes()


def test_an_upload_to_a_switched_off_flow_is_rejected(stack: StackUnderTest, tmp_path: Path) -> None:
    sender = stack.create_flow()
    stack.switch_off(sender.created.flow)

    stack.upload(write_sample(tmp_path / "roster.zip"), sender)
    run = stack.wait_for_run(sender)

    assert (run.status, run.error) == (RunStatus.REJECTED, "flow-switched-off")
    assert not stack.landed(run).exists()


def test_an_unfinished_or_hidden_file_starts_nothing(stack: StackUnderTest, tmp_path: Path) -> None:
    sender = stack.create_flow()
    content = write_sample(tmp_path / "roster.zip").read_bytes()
    with _session(sender) as sftp:
        for name in ("roster.zip.filepart", ".roster.zip", "roster.tmp"):
            with sftp.open(name, "wb") as file:
                file.write(content)
        sftp.mkdir("folder")
        sftp.open("empty.zip", "wb").close()

    with _session(sender) as sftp:
        sftp.rename("roster.zip.filepart", "roster.zip")  # what WinSCP does at the end
    run = stack.wait_for_run(sender)

    assert [found.file_name for found in stack.runs(sender)] == ["roster.zip"]
    assert run.status is RunStatus.SUCCEEDED


class _session:  # noqa: N801 reads as a function
    def __init__(self, sender: Sender) -> None:
        self._server = sender.server
        self._ssh = paramiko.SSHClient()
        self._ssh.set_missing_host_key_policy(paramiko.AutoAddPolicy())

    def __enter__(self) -> paramiko.SFTPClient:
        server = self._server
        self._ssh.connect(
            server.host, server.port, server.username, server.password, allow_agent=False, look_for_keys=False
        )
        return self._ssh.open_sftp()

    def __exit__(self, *_: object) -> None:
        self._ssh.close()
