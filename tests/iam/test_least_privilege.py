"""Each function does its work by its own role, needs all of it, and an SFTP client gets no further than its home."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.sftp_front.identity import Grant, TransferServer, sign_in
from local.sftp_front.role import storage_by_role
from tests.support.iam import Right, Roles
from tests.support.iam_calls import Calls
from tests.support.iam_day import Day
from tests.support.iam_world import World
from tests.support.stack import Sender, StackUnderTest, wait_for

DENIED = "AccessDenied"
UNSCORED = "sign-in-scores-unavailable"
FORBIDDEN = "HeadObject 403"  # S3 says no more where it is asked for nothing but the head
REFUSED = "Permission denied"
ACCOUNTS, LANE, RUNS = "table/Accounts", "table/Accounts if lane#*", "table/Runs"


@dataclass(frozen=True)
class Need:
    """What a role needs for some work, and what is told where it is missing."""

    role: str
    action: str
    on: str
    work: Callable[[World], str]
    told: str = DENIED

    @property
    def kind(self) -> tuple[str, str]:
        return self.role, self.action.partition(":")[0]

    def __str__(self) -> str:
        return f"{self.role}-{self.action}-{self.on}".replace(" ", "-")


NEEDS = (
    Need("authenticate", "dynamodb:GetItem", ACCOUNTS, World.sign_in),
    Need("authenticate", "dynamodb:BatchGetItem", ACCOUNTS, World.sign_in, UNSCORED),
    Need("authenticate", "dynamodb:UpdateItem", "if sign-in#*", World.sign_in_wrongly, UNSCORED),
    Need("authenticate", "dynamodb:UpdateItem", "last_login_at", World.note_the_login, "the login was not noted"),
    Need("authenticate", "kms:Decrypt", "key", World.sign_in),
    Need("home", "s3:PutObject", "home/home/*", World.put, "No such file"),
    Need("home", "s3:GetObject", "home/home/*", World.fetch, REFUSED),
    Need("home", "s3:DeleteObject", "home/home/*", World.remove, REFUSED),
    Need("home", "s3:ListBucket", "home", World.look_around, REFUSED),
    Need("home", "kms:GenerateDataKey", "key", World.put, "No such file"),
    Need("home", "kms:Decrypt", "key", World.fetch, REFUSED),
    Need("receive", "dynamodb:Query", ACCOUNTS, World.receive),
    Need("receive", "dynamodb:PutItem", LANE, World.receive),
    Need("receive", "dynamodb:DeleteItem", LANE, World.receive_for_a_flow_that_is_off),
    Need("receive", "dynamodb:UpdateItem", "if upload#* uploads#*", World.receive),
    Need("receive", "dynamodb:UpdateItem", "last_upload_at", World.receive),
    Need("receive", "dynamodb:PutItem", RUNS, World.receive),
    Need("receive", "s3:GetObjectVersion", "home/home/*", World.receive, FORBIDDEN),
    Need("receive", "s3:DeleteObjectVersion", "home/home/*", World.receive),
    Need("receive", "s3:PutObject", "runfiles/runs/*", World.receive),
    Need("receive", "kms:Decrypt", "key", World.receive),
    Need("receive", "kms:GenerateDataKey", "key", World.receive),
    Need("receive", "states:StartExecution", "PipelineRuns", World.receive),
    Need("receive", "sqs:SendMessage", "OutcomesQueue", World.receive_for_a_flow_that_is_off),
    Need("validate", "dynamodb:GetItem", ACCOUNTS, World.validate),
    Need("validate", "dynamodb:Query", LANE, World.validate),
    Need("validate", "dynamodb:DeleteItem", LANE, World.validate),
    Need("validate", "dynamodb:GetItem", RUNS, World.validate),
    Need("validate", "dynamodb:UpdateItem", RUNS, World.validate),
    Need("validate", "s3:GetObject", "runfiles/runs/*", World.validate, FORBIDDEN),
    Need("validate", "s3:PutObject", "runfiles/runs/*", World.validate),
    Need("validate", "kms:GenerateDataKey", "key", World.validate),
    Need("convert", "dynamodb:GetItem", ACCOUNTS, World.convert),
    Need("convert", "dynamodb:UpdateItem", LANE, World.convert),
    Need("convert", "dynamodb:UpdateItem", RUNS, World.convert),
    Need("convert", "s3:GetObject", "runfiles/runs/*", World.convert, FORBIDDEN),
    Need("convert", "s3:PutObject", "runfiles/runs/*", World.convert),
    Need("guard", "dynamodb:Query", LANE, World.guard),
    Need("guard", "dynamodb:UpdateItem", RUNS, World.guard),
    Need("guard", "s3:GetObject", "runfiles/runs/*", World.guard, FORBIDDEN),
    Need("guard", "s3:PutObject", "runfiles/runs/*", World.guard),
    Need("forward", "dynamodb:UpdateItem", LANE, World.forward),
    Need("forward", "kms:Decrypt", "key if false", World.forward),
    Need("forward", "s3:GetObject", "runfiles/runs/*", World.forward, FORBIDDEN),
    Need("forward", "s3:PutObject", "runfiles/lanes/*", World.forward),
    Need("dryrun", "dynamodb:GetItem", ACCOUNTS, World.dry_run),
    Need("dryrun", "dynamodb:Query", LANE, World.dry_run),
    Need("dryrun", "dynamodb:UpdateItem", ACCOUNTS, World.dry_run),
    Need("dryrun", "s3:GetObjectVersion", "runfiles/dry-runs/*/source.zip", World.dry_run, FORBIDDEN),
    Need("dryrun", "s3:PutObject", "runfiles/dry-runs/*/report.json", World.dry_run),
    Need("dryrun", "kms:GenerateDataKey", "key", World.dry_run),
    Need("receive", "lambda:InvokeFunction", "live", World.receive_for_a_dry_run),
    Need("notify", "dynamodb:GetItem", RUNS, World.notify),
    Need("notify", "dynamodb:GetItem", ACCOUNTS, World.notify),
    Need("notify", "dynamodb:UpdateItem", "notice#*", World.notify),
    Need("notify", "s3:GetObject", "runfiles/runs/*/report.json", World.notify),
    Need("notify", "s3:PutObject", "home/home/*/reports/*", World.notify),
    Need("notify", "s3:ListBucket", "home", World.notify),
    Need("notify", "ses:SendEmail", "identity/example.org", World.notify_for_the_first_time),
    Need("watch", "dynamodb:Query", "watches", World.watch),
    Need("watch", "dynamodb:Query", "index/by-flow", World.watch),
    Need("watch", "dynamodb:UpdateItem", "notice#*", World.watch),
    Need("watch", "ses:SendEmail", "identity/example.org", World.watch),
    Need("sweep", "dynamodb:Query", "if homes", World.sweep),
    Need("sweep", "dynamodb:DeleteItem", "if homes", World.sweep),
    Need("sweep", "dynamodb:Query", LANE, World.sweep),
    Need("sweep", "dynamodb:DeleteItem", LANE, World.sweep),
    Need("sweep", "dynamodb:GetItem", RUNS, World.sweep),
    Need("sweep", "s3:ListBucketVersions", "home", World.sweep),
    Need("sweep", "s3:DeleteObject", "home/home/*", World.sweep),
    Need("sweep", "s3:DeleteObjectVersion", "home/home/*", World.sweep),
    Need("sweep", "states:StartExecution", "PipelineRuns", World.sweep),
    Need("api", "dynamodb:Query", ACCOUNTS, World.list_projects),
    Need("api", "dynamodb:PutItem", ACCOUNTS, World.create_project),
    Need("api", "dynamodb:UpdateItem", ACCOUNTS, World.change_project),
    Need("api", "dynamodb:DeleteItem", ACCOUNTS, World.delete_flow),
    Need("api", "dynamodb:PutItem", "table/Audit", World.create_project),
    Need("api", "dynamodb:Query", "table/Audit", World.list_audit),
    Need("api", "dynamodb:Query", "index/by-project", World.list_runs),
    Need("api", "dynamodb:GetItem", RUNS, World.show_run),
    Need("api", "dynamodb:PutItem", RUNS, World.rerun),
    Need("api", "s3:GetObject", "runfiles/runs/*", World.show_report),
    Need("api", "s3:PutObject", "runfiles/runs/*", World.rerun),
    Need("api", "s3:PutObject", "runfiles/made/*", World.download_errors),
    Need("api", "kms:Encrypt", "key if false", World.create_asm_account),
    Need("api", "kms:Decrypt", "key if false", World.test_asm_account),
    Need("api", "states:StartExecution", "PipelineRuns", World.rerun),
    Need("api", "cognito-idp:AdminCreateUser", "userpool", World.invite),
    Need("api", "cognito-idp:AdminAddUserToGroup", "userpool", World.invite),
)


# What a day does not use, and why it is there
SPARE = {
    "logs:": "Lambda, Transfer Family and Step Functions write logs, which the emulator does itself",
    "xray:": "Traces, which the emulator does not take",
    "s3:AbortMultipartUpload": "Clears up behind a large upload that failed",
    "s3:ListBucket runfiles": "Or S3 would call a missing object forbidden",
    "receive s3:ListBucket home": "Or S3 would call a missing object forbidden",
    "receive s3:ListBucketVersions": "Or S3 would call a missing version forbidden",
    "receive dynamodb:GetItem table/Runs": "Looks for the runs of an upload whose failure was heard of first",
    "receive s3:DeleteObject": "S3's reference asks for it beside the right to delete a version",
    "validate dynamodb:UpdateItem table/Accounts if lane#*": "A delta on a full set that was held and turned down",
    "api s3:PutObject runfiles/dry-runs/*": "Signs the form of a dry run, which the emulator takes for nobody's",
    "forward states:SendTaskSuccess": "Ends a held run that the guard, which looks first, did not see yet",
    "ses:SendEmail identity/rosterbridge@example.org": "SES knows a sender by the address or by its domain",
}


@pytest.fixture(scope="module")
def world(enforcing: StackUnderTest, calls: Calls, day: Day, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Work that waits, once the day is over."""
    return World(enforcing, calls, tmp_path_factory.mktemp("world"))


def test_a_whole_day_goes_by_without_a_denial(day: Day) -> None:
    assert day.denied == []


def test_every_right_is_used_or_has_a_reason(day: Day, roles: Roles) -> None:
    rights, used = roles.rights(), roles.used()

    assert [str(right) for right in sorted(rights - used) if not any(_means(known, right) for known in SPARE)] == []
    assert [known for known in SPARE if not any(_means(known, right) for right in rights)] == []


def _means(known: str, right: Right) -> bool:
    return str(right).startswith(known) or f"{right.action} {right.on}".startswith(known)


def test_every_role_has_a_need_in_the_list(day: Day, roles: Roles) -> None:
    acting = {right.role for right in roles.rights() if not right.action.startswith(("logs:", "xray:"))}

    # the latter have tests of their own, and the day erases an organization
    assert acting == {need.role for need in NEEDS} | {"runs", "closing", "events", "erase", "erasures"}


# One of each role and service, as time is short; NEEDS=all takes all of them
CHOSEN = NEEDS if os.environ.get("NEEDS") == "all" else tuple({need.kind: need for need in reversed(NEEDS)}.values())


@pytest.mark.parametrize("need", CHOSEN, ids=str)
def test_without_one_right_the_work_is_refused(world: World, roles: Roles, need: Need) -> None:
    before = len(roles.denied())

    with roles.without(need.role, need.action, need.on):
        told = need.work(world)

    assert (need.role, need.action) in roles.denied()[before:]
    assert need.told in told


# -- what acts by itself -----------------------------------------------------------------------------------------------


def denied_since(roles: Roles, before: int, *denial: str) -> bool:
    return tuple(denial) in roles.denied()[before:]


def test_without_the_right_to_read_its_queue_a_function_hears_of_nothing(world: World, roles: Roles) -> None:
    before = len(roles.denied())

    with roles.without("receive", "sqs:ReceiveMessage", "Uploads"):
        sender = world.upload_by_notice()
        wait_for(lambda: denied_since(roles, before, "receive", "sqs:ReceiveMessage"), "the poller is denied")
        assert not world.has_run(sender)

    wait_for(lambda: world.has_run(sender), "the message is read")


def test_without_the_right_to_call_a_step_a_run_does_not_begin(world: World, roles: Roles) -> None:
    before = len(roles.denied())

    with roles.without("runs", "lambda:InvokeFunction", ""):
        run_id = world.start()
        wait_for(lambda: denied_since(roles, before, "runs", "lambda:InvokeFunction"), "the execution is denied")
        assert not world.has_ended(run_id)

    wait_for(lambda: world.has_ended(run_id), "the next try succeeds")


@pytest.mark.parametrize(
    ("role", "action"),
    [("events", "states:StartExecution"), ("closing", "dynamodb:UpdateItem"), ("closing", "kms:Decrypt")],
)
def test_without_its_rights_nobody_closes_the_record_of_a_stopped_run(
    world: World, roles: Roles, role: str, action: str
) -> None:
    before = len(roles.denied())

    with roles.without(role, action, ""):
        run_id = world.start_and_stop()
        wait_for(lambda: denied_since(roles, before, role, action), "the closing is denied")

    assert not world.has_ended(run_id)


# -- a client's session ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def session(enforcing: StackUnderTest, calls: Calls) -> tuple[Any, str, str]:
    """S3 as a client's session has it, without the SFTP front before it; its account, and another one."""
    own, other = enforcing.create_flow(), enforcing.create_flow()
    for sender in (own, other):
        key = f"home/{sender.file_account_id}/there.part"
        enforcing.client("s3").put_object(Bucket=enforcing.outputs["HomeBucket"], Key=key, Body=b"there")
    return (
        storage_by_role(enforcing.local.aws)(granted(enforcing, calls, own)),
        own.file_account_id,
        other.file_account_id,
    )


def granted(stack: StackUnderTest, calls: Calls, sender: Sender) -> Grant:
    """Return what the deployed identity provider grants."""
    server = TransferServer(stack.outputs["SftpServerId"])
    secret = {"username": sender.server.username, "password": sender.server.password}
    return sign_in(lambda request: calls.answer("authenticate", request), server, **secret, source_ip="127.0.0.1")


def reaches(call: Callable[..., Any], **arguments: Any) -> bool:
    try:
        call(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] not in {DENIED, "403"}:
            raise
        return False
    return True


def test_s3_itself_lets_a_session_into_its_home_and_nowhere_else(
    enforcing: StackUnderTest, session: tuple[Any, str, str]
) -> None:
    s3, own, other = session
    home, runs = enforcing.outputs["HomeBucket"], enforcing.outputs["RunBucket"]

    def reached(bucket: str, prefix: str) -> list[bool]:
        there = {"Bucket": bucket, "Key": f"{prefix}there.part"}
        return [
            reaches(s3.get_object, **there),
            reaches(s3.put_object, **there, Body=b"x"),
            reaches(s3.list_objects_v2, Bucket=bucket, Prefix=prefix),
            reaches(s3.copy_object, Bucket=home, Key=f"home/{own}/copied.part", CopySource=there),
            reaches(s3.delete_object, **there),
        ]

    assert reached(home, f"home/{own}/") == [True] * 5
    assert reached(home, f"home/{other}/") == [False] * 5
    assert reached(home, f"home/{own}0/") == [False] * 5
    assert reached(home, "") == [False] * 5
    assert reached(runs, "runs/") == [False] * 5
    assert not reaches(s3.list_objects_v2, Bucket=home)
    assert not reaches(s3.list_object_versions, Bucket=home, Prefix=f"home/{own}/")
    assert not reaches(s3.list_buckets)
