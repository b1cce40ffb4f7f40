"""What an administrator does by ``rosterbridge``, from the sign-in to the audit trail, and what the SIS meets then."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from local.stack import APPLE_USERNAME
from rosterbridge.adapters.dynamodb_changes import HOMES, attributes
from rosterbridge.adapters.dynamodb_items import to_item
from tests.support.administration import Administration
from tests.support.administrator import Administrator, fingerprint, signed_in
from tests.support.authenticator import code
from tests.support.stack import StackUnderTest
from tests.support.terminal import CommandLine, Terminal

FLOW = "Roster of Springfield"
STEPS = ("receive", "validate", "convert", "guard", "forward")


@pytest.fixture(scope="module")
def anna(
    administration: Administration, stack: StackUnderTest, tmp_path_factory: pytest.TempPathFactory
) -> Administrator:
    """An administrator who has signed in."""
    return signed_in(administration, stack, tmp_path_factory.mktemp("anna"))


class Made(NamedTuple):
    """A flow that was made in a terminal: what was shown there, the ids, and the key of the SIS."""

    question: str
    shown: str
    id: str
    account: str
    asm_account: str
    username: str
    key: Path


@pytest.fixture(scope="module")
def made(anna: Administrator, stack: StackUnderTest) -> Made:
    username, key = f"sis-{anna.organization[-12:]}", anna.make_key("sis")
    words = ["flows", "create", FLOW, "--template", "oneroster-csv"]
    words += ["--new-account", username, "--public-key", key.with_suffix(".pub")]
    words += ["--asm-username", APPLE_USERNAME, "--asm-host", "127.0.0.1", "--asm-port", stack.local.ports.apple]
    with Terminal(anna.line, *words) as terminal:
        terminal.answer("Password from Apple School Manager: ", stack.local.apple_password)
        question = terminal.answer("Accept it? [y/N]: ", "y")
        exit_code, shown = terminal.ends()
    assert exit_code == 0, shown
    [flow] = anna.line.told("flows", "list")["items"]
    return Made(question, shown, flow["id"], flow["file_account_id"], flow["asm_account_id"], username, key)


@pytest.fixture(scope="module")
def rerun(anna: Administrator, first_run: str) -> str:
    """A run of the same file again."""
    return anna.again(first_run)


@pytest.fixture(scope="module")
def first_run(anna: Administrator, made: Made) -> str:
    """The run of the first upload, while the project does not save data."""
    anna.upload(made.username, key=made.key)
    run = anna.new_run(0)
    anna.line.done("runs", "watch")
    return run


def test_the_first_sign_in_sets_a_password_and_an_authenticator_app(
    administration: Administration, anna: Administrator, tmp_path: Path
) -> None:
    operator = administration.user()
    office, home = CommandLine(administration.api, tmp_path / "office"), CommandLine(administration.api, tmp_path)
    office.folder.mkdir()
    office.done("sign-in", "--username", operator.email, "--password-stdin", typed=f"{operator.password}\n")
    email, chosen = f"new-{anna.user.email}", "a passphrase of her own"
    assert email in office.done("users", "invite", email, "--organization", anna.organization)

    with Terminal(home, "sign-in", "--username", email, "--second-factor") as terminal:
        terminal.answer("Password: ", administration.first_password(email))
        terminal.answer("New password: ", chosen)
        terminal.answer("Repeat for confirmation: ", chosen)
        secret = terminal.answer("Code of your authenticator app: ", "000000").split()[-1]
        assert "the code is wrong" in terminal.answer("Code of your authenticator app: ", code(secret))
        assert terminal.ends()[0] == 0
    with Terminal(home, "sign-in", "--username", email) as terminal:
        terminal.answer("Password: ", chosen)
        terminal.answer("Code of your authenticator app: ", code(secret, 1))
        exit_code, shown = terminal.ends()

    assert exit_code == 0
    assert f"administrator of {anna.organization}" in shown
    assert chosen not in shown
    assert home.told("organizations", "show")["id"] == anna.organization
    sessions = home.folder / "config" / "rosterbridge" / "sessions.json"
    assert sessions.stat().st_mode & 0o077 == 0
    home.done("sign-out")
    assert "signed-out" in home.refused("projects", "list")


def test_a_wrong_password_signs_nobody_in(anna: Administrator, administration: Administration, tmp_path: Path) -> None:
    line = CommandLine(administration.api, tmp_path)

    done = line.call("sign-in", "--username", anna.user.email, "--password-stdin", typed="not the password\n")

    assert done.returncode == 2
    assert "NotAuthorizedException" in done.stderr
    assert "not the password" not in done.stdout + done.stderr
    assert line.refused("projects", "list")


def test_a_template_tells_what_is_needed_beforehand(anna: Administrator) -> None:
    shown = anna.line.done("flows", "templates")

    assert "oneroster-csv" in shown
    assert "users.csv" in shown
    assert "Apple School Manager" in shown


def test_a_flow_is_made_after_the_host_key_was_shown_and_accepted(
    anna: Administrator, stack: StackUnderTest, made: Made
) -> None:
    assert fingerprint(stack.local.host_key("apple")) in made.question
    assert fingerprint(stack.sftp_host_key) in made.shown
    assert f"user name       {made.username}" in made.shown
    assert "signs in by     public_key" in made.shown
    assert stack.local.apple_password not in made.question + made.shown

    account = anna.line.told("accounts", "show", made.account)
    assert (account["host"], account["port"]) == ("127.0.0.1", stack.sftp_port)
    assert account["flow_ids"] == [made.id]
    assert [key["label"] for key in account["public_keys"]] == ["sis"]
    assert "password_hash" not in account
    asm_account = anna.line.told("asm-accounts", "show", made.asm_account)
    assert asm_account["host_keys"] == [stack.local.host_key("apple")]
    assert stack.local.apple_password not in json.dumps(asm_account)


def test_who_does_not_accept_the_host_key_makes_nothing(anna: Administrator, stack: StackUnderTest, made: Made) -> None:
    before = anna.line.told("asm-accounts", "list")
    words = ["--username", APPLE_USERNAME, "--host", "127.0.0.1", "--port", stack.local.ports.apple]

    with Terminal(anna.line, "asm-accounts", "create", "Another", *words) as terminal:
        terminal.answer("Password from Apple School Manager: ", stack.local.apple_password)
        terminal.answer("Accept it? [y/N]: ", "n")
        assert terminal.ends()[0] == 1

    assert anna.line.told("asm-accounts", "list") == before


def test_a_connection_is_tested_for_real_and_leaves_nothing(
    anna: Administrator, stack: StackUnderTest, made: Made
) -> None:
    kept = stack.kept_by_apple()

    shown = anna.line.done("asm-accounts", "test", made.asm_account)

    assert shown.count("✓") == 4
    assert "✗" not in shown
    assert stack.kept_by_apple() == kept


def test_an_upload_with_the_key_is_watched_to_its_end(
    anna: Administrator, stack: StackUnderTest, made: Made, first_run: str
) -> None:
    watched = anna.line.done("runs", "watch", first_run)

    assert "Sent to Apple School Manager: 120 students" in watched
    run = anna.line.told("runs", "show", first_run)
    assert (run["status"], run["file_name"], run["flow_name"]) == ("succeeded", "roster.zip", FLOW)
    assert [(step["name"], step["outcome"]) for step in run["steps"]] == [(step, "succeeded") for step in STEPS]
    assert stack.received.joinpath(f"rosterbridge-{first_run}.zip").is_file()
    account = anna.line.told("accounts", "show", made.account)
    assert account["last_login_at"] <= account["last_upload_at"]


def test_request_and_response_are_there_only_while_the_project_saves_them(
    anna: Administrator, stack: StackUnderTest, first_run: str
) -> None:
    for step in anna.steps(first_run).values():
        assert (step["request"], step["response"], step["outcome"]) == ({}, {}, "succeeded")
        assert step["counts"]
    assert "the project does not save it" in anna.line.done("runs", "show", first_run, "--step", "forward")

    project = anna.line.told("projects", "update", anna.project, "--save-data")
    assert project["save_data_by"] == anna.user.id
    assert project["save_data_since"]
    saved = anna.again(first_run)
    steps = anna.steps(saved)
    assert tuple(steps) == STEPS
    assert all(step["request"]["method"] and step["response"] for step in steps.values()), steps
    forward = steps["forward"]
    assert forward["request"]["host"] == "127.0.0.1"
    assert forward["request"]["bytes"] == forward["counts"]["bytes"]
    assert forward["response"]["outcome"] == "stored"
    assert f"rosterbridge-{saved}.zip" in json.dumps(forward["response"])
    assert stack.local.apple_password not in json.dumps(steps)
    shown = anna.line.done("runs", "show", saved, "--step", "forward")
    assert "  method put" in shown
    assert "  outcome stored" in shown

    project = anna.line.told("projects", "update", anna.project, "--no-save-data")
    assert (project["save_data_since"], project["save_data_by"]) == (None, None)
    unsaved = anna.again(first_run)
    assert [(step["request"], step["response"]) for step in anna.steps(unsaved).values()] == [({}, {})] * 5
    assert anna.steps(saved) == steps


def test_source_result_errors_and_provenance_are_downloaded(
    anna: Administrator, stack: StackUnderTest, first_run: str
) -> None:
    def download(what: str) -> bytes:
        anna.line.done("runs", "download", first_run, what, "--output", f"{what}.out")
        return anna.folder.joinpath(f"{what}.out").read_bytes()

    assert download("source") == anna.folder.joinpath("roster.zip").read_bytes()
    assert download("result") == stack.received.joinpath(f"rosterbridge-{first_run}.zip").read_bytes()
    assert download("errors").decode("utf-8-sig").splitlines()[0].startswith("code,severity,")
    assert len(gzip.decompress(download("provenance")).splitlines()) > 600


def test_a_run_has_a_next_and_a_previous_one(anna: Administrator, first_run: str, rerun: str) -> None:
    newest, *_, second, oldest = [run["id"] for run in anna.runs()]

    assert (newest, oldest) == (rerun, first_run)
    assert anna.line.told("runs", "next", oldest)["id"] == second
    assert anna.line.told("runs", "previous", second)["id"] == oldest
    assert "there is no later run" in anna.line.done("runs", "next", newest)
    assert "there is no earlier run" in anna.line.done("runs", "previous", oldest)
    assert anna.line.told("runs", "show", newest)["rerun_of"] == first_run


def test_a_new_password_comes_in_and_the_old_one_is_refused_at_once(anna: Administrator) -> None:
    username = f"old-{anna.organization[-12:]}"
    account = anna.line.told("accounts", "create", username)
    assert re.fullmatch(r"\w{24}", account["password"])
    assert anna.comes_in(username, password=account["password"])

    new = anna.line.told("accounts", "password", account["id"], "--yes")["password"]

    assert not anna.comes_in(username, password=account["password"])
    assert anna.comes_in(username, password=new)
    assert "password" not in anna.line.told("accounts", "show", account["id"])


def test_a_removed_key_is_refused_and_the_last_one_stays(anna: Administrator) -> None:
    username, old, new = f"keys-{anna.organization[-12:]}", anna.make_key("old"), anna.make_key("new")
    account = anna.line.told("accounts", "create", username, "--public-key", old.with_suffix(".pub"))["id"]
    assert not anna.comes_in(username, key=new)

    keys = anna.line.told("accounts", "add-key", account, new.with_suffix(".pub"), "--label", "from May")["public_keys"]
    assert anna.comes_in(username, key=old)
    anna.line.done("accounts", "remove-key", account, keys[0]["id"])

    assert not anna.comes_in(username, key=old)
    assert anna.comes_in(username, key=new)
    assert "last-key" in anna.line.refused("accounts", "remove-key", account, keys[1]["id"])
    assert "private key" in anna.line.refused("accounts", "add-key", account, old)


def test_an_account_signs_in_from_its_networks_and_while_it_is_on(anna: Administrator, made: Made) -> None:
    changes = {
        ("--network", "192.0.2.0/24", "--network", "2001:db8::/32"): False,
        ("--network", "127.0.0.0/8"): True,
        ("--off",): False,
        ("--on", "--any-network"): True,
    }

    for words, expected in changes.items():
        anna.line.done("accounts", "update", made.account, *words)
        assert anna.comes_in(made.username, key=made.key) is expected, words


def test_an_upload_to_a_switched_off_flow_is_recorded_and_not_forwarded(
    anna: Administrator, stack: StackUnderTest, made: Made, first_run: str
) -> None:
    known = len(anna.runs())
    anna.line.done("flows", "update", made.id, "--off")

    anna.upload(made.username, "while-off.zip", key=made.key)
    run = anna.new_run(known)
    assert anna.line.call("runs", "watch", run).returncode == 1
    assert "flow-switched-off" in anna.line.refused("runs", "rerun", run)

    anna.line.done("flows", "update", made.id, "--on")
    again = anna.again(run)
    assert not stack.received.joinpath(f"rosterbridge-{run}.zip").exists()
    assert stack.received.joinpath(f"rosterbridge-{again}.zip").is_file()


def test_a_used_account_cannot_be_deleted_and_its_flow_is_named(anna: Administrator, made: Made) -> None:
    for kind, account in (("accounts", made.account), ("asm-accounts", made.asm_account)):
        why = anna.line.refused(kind, "delete", account, "--yes")
        assert "in-use" in why
        assert FLOW in why
        assert anna.line.told(kind, "show", account)["flow_ids"] == [made.id]


def test_the_home_of_a_deleted_account_goes_when_its_time_of_grace_is_over(
    anna: Administrator, stack: StackUnderTest, made: Made
) -> None:
    username, key = f"gone-{anna.organization[-12:]}", anna.make_key("gone")
    words = ["--template", "oneroster-csv", "--new-account", username, "--public-key", key.with_suffix(".pub")]
    flow = anna.line.told("flows", "create", "To be deleted", *words, "--asm-account", made.asm_account)
    account = flow["file_account"]["id"]
    anna.folder.joinpath("left.part").write_text("half a file")
    assert anna.sftp(username, "put left.part", key=key).returncode == 0

    anna.line.done("flows", "delete", flow["flow"]["id"], "--yes")
    anna.line.done("accounts", "delete", account, "--yes")

    assert not anna.comes_in(username, key=key)
    assert "file-account-missing" in anna.line.refused("accounts", "show", account)
    assert _home(stack, account) == [f"home/{account}/left.part"]
    _sweep(stack)
    assert _home(stack, account) == [f"home/{account}/left.part"]
    _make_due(stack, account)
    assert _sweep(stack)["homes"] >= 1
    assert _home(stack, account) == []


def _home(stack: StackUnderTest, account: str) -> list[str]:
    found = stack.client("s3").list_object_versions(Bucket=stack.outputs["HomeBucket"], Prefix=f"home/{account}/")
    return [version["Key"] for version in found.get("Versions", [])]


def _make_due(stack: StackUnderTest, account: str) -> None:
    stack.client("dynamodb").update_item(
        TableName=stack.outputs["AccountTable"],
        Key=to_item(attributes((HOMES, account))),
        ConditionExpression="attribute_exists(due_at)",
        UpdateExpression="SET due_at = :past",
        ExpressionAttributeValues=to_item({":past": "2026-01-01T00:00:00.000000Z"}),
    )


def _sweep(stack: StackUnderTest) -> dict[str, Any]:
    answer = stack.client("lambda").invoke(FunctionName="rosterbridge-local-sweep", Payload=b"{}")
    found: dict[str, Any] = json.load(answer["Payload"])
    return found


def test_the_audit_trail_tells_who_did_what_and_from_where(
    anna: Administrator, made: Made, first_run: str, rerun: str
) -> None:
    anna.line.done("projects", "update", anna.project, "--name", "Rosters of all schools")

    entries = anna.line.told("audit", "list", "--all")["items"]

    done = {(entry["action"], entry["kind"], entry["target_id"]): entry for entry in reversed(entries)}  # the newest
    assert ("create", "project", anna.project) in done
    assert ("create", "flow", made.id) in done
    assert ("rerun", "run", first_run) in done
    assert done["update", "project", anna.project]["fields"] == ["name"]
    assert [entry["at"] for entry in entries] == sorted((entry["at"] for entry in entries), reverse=True)
    own = [entry for entry in entries if entry["actor"] == anna.user.id]
    assert {(entry["role"], entry["source_ip"]) for entry in own} == {("administrator", "127.0.0.1")}
    assert "Rosters of all schools" not in json.dumps(entries)
    assert anna.user.id in anna.line.done("audit", "list")


def test_the_history_stays_when_the_flow_is_deleted(anna: Administrator, made: Made, first_run: str) -> None:
    """The last one of these tests: the others need the flow."""
    anna.line.done("flows", "delete", made.id, "--yes")
    anna.line.done("accounts", "delete", made.account, "--yes")
    anna.line.done("asm-accounts", "delete", made.asm_account, "--yes")

    assert first_run in [run["id"] for run in anna.runs()]
    assert anna.line.told("runs", "show", first_run)["flow_name"] == FLOW
    assert "flow-gone" in anna.line.refused("runs", "rerun", first_run)
    assert "account-" in anna.line.refused("accounts", "show", made.account)
