"""``accounts``: file accounts as their administrator handles them."""

from __future__ import annotations

from pathlib import Path

import pytest

from rosterbridge.flows.models import FileAccount
from tests.support.api import belongings
from tests.support.command_line import Line, call, done, told
from tests.support.flows import KEY

ACCOUNT = belongings("north")["file_account_id"]
OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILTBbUZnLBWdAycbvKBpOpIyZ4jpWHjmJFu8i3InRsU5"


@pytest.fixture
def key_file(home: Path) -> Path:
    path = home / "sis.pub"
    path.write_text(f"# the SIS\n{OTHER_KEY} somebody@somewhere\n")
    return path


def test_a_new_account_shows_its_password_this_once(north: Line) -> None:
    output = done("accounts", "create", "springfield-sis", "--network", "192.0.2.0/24")
    password = next(line.split()[1] for line in output.splitlines() if line.startswith("password  "))
    assert len(password) == 24
    assert "not shown again" in output
    for expected in ("sftp.example.org", "SHA256:fake", "springfield-sis", "192.0.2.0/24"):
        assert expected in output
    account = told("accounts", "list")["items"][-1]
    assert password not in done("accounts", "show", account["id"])


def test_an_account_with_a_key_has_no_password(north: Line, key_file: Path) -> None:
    made = told("accounts", "create", "springfield-sis", "--public-key", key_file)
    assert made["authentication"] == "public_key"
    assert made["password"] is None
    assert [(key["label"], key["text"]) for key in made["public_keys"]] == [("sis", OTHER_KEY)]
    assert "not shown again" not in done("accounts", "show", made["id"])


def test_no_label_of_a_key_commands_the_terminal(north: Line) -> None:
    owner = belongings("north")["organization_id"]
    account = north.world.accounts.get(FileAccount, owner, ACCOUNT)
    assert account is not None
    key = account.public_keys[0].model_copy(update={"label": "\x9b2JSIS\u202e"})
    north.world.accounts.put(account.model_copy(update={"public_keys": (key,)}))
    output = done("accounts", "show", ACCOUNT)
    assert "SIS" in output
    assert not {"\x9b", "\u202e"} & set(output)


@pytest.mark.parametrize("letter", ["\x9b", "\u2029", "\u202e", "\u2069"])
def test_a_label_that_could_command_a_terminal_or_turn_the_text_around_is_refused(
    north: Line, key_file: Path, letter: str
) -> None:
    result = call("accounts", "add-key", ACCOUNT, key_file, "--label", f"S{letter}IS")
    assert result.exit_code == 2
    assert "label: " in result.stderr


@pytest.mark.parametrize("text", ["-----BEGIN OPENSSH PRIVATE KEY-----\nx\n", "PuTTY-User-Key-File-3: ssh-ed25519\n"])
def test_a_private_key_never_leaves_this_machine(north: Line, home: Path, text: str) -> None:
    (home / "id").write_text(text)
    result = call("accounts", "create", "springfield-sis", "--public-key", home / "id")
    assert result.exit_code == 2
    assert ".pub" in result.stderr
    assert not north.requests


def test_a_file_without_a_key_is_refused(north: Line, home: Path) -> None:
    (home / "empty.pub").write_text("# nothing\n")
    assert call("accounts", "add-key", ACCOUNT, home / "empty.pub").exit_code == 2


def test_a_user_name_that_is_taken_is_refused(north: Line) -> None:
    result = call("accounts", "create", "sis-of-south")
    assert result.exit_code == 2
    assert "username-taken" in result.stderr


def test_a_new_password_is_asked_about_and_shown_this_once(north: Line) -> None:
    assert "nothing was changed" in call("accounts", "password", ACCOUNT, typed="n\n").stderr
    first = told("accounts", "password", ACCOUNT, "--yes")["password"]
    assert first
    assert first != told("accounts", "password", ACCOUNT, "--yes")["password"]


def test_networks_are_set_and_lifted(north: Line) -> None:
    made = told("accounts", "update", ACCOUNT, "--network", "192.0.2.0/24", "--network", "2001:db8::/32")
    assert made["networks"] == ["192.0.2.0/24", "2001:db8::/32"]
    assert told("accounts", "update", ACCOUNT, "--any-network")["networks"] == []
    assert call("accounts", "update", ACCOUNT, "--any-network", "--network", "192.0.2.0/24").exit_code == 2


def test_an_account_is_switched_off_and_on(north: Line) -> None:
    assert told("accounts", "update", ACCOUNT, "--off")["enabled"] is False
    assert told("accounts", "update", ACCOUNT, "--on")["enabled"] is True


def test_the_authentication_is_switched_and_a_password_shown(north: Line) -> None:
    assert told("accounts", "update", ACCOUNT, "--authentication", "public_key")["authentication"] == "public_key"
    assert told("accounts", "update", ACCOUNT, "--authentication", "password")["password"]


def test_a_key_is_added_with_label_and_expiry_and_removed(north: Line, key_file: Path) -> None:
    words = ("accounts", "add-key", ACCOUNT, key_file, "--label", "the new SIS", "--expires", "2030-01-31")
    key = told(*words)["public_keys"][-1]
    assert key["label"] == "the new SIS"
    assert key["expires_at"].startswith(("2030-01-30", "2030-01-31"))
    assert "the new SIS" in done("accounts", "show", ACCOUNT)
    assert key["id"] not in [left["id"] for left in told("accounts", "remove-key", ACCOUNT, key["id"])["public_keys"]]


def test_a_key_that_the_service_does_not_know_how_to_read_is_refused(north: Line, home: Path) -> None:
    (home / "old.pub").write_text("ssh-dss AAAAB3NzaC1kc3M=\n")
    result = call("accounts", "add-key", ACCOUNT, home / "old.pub")
    assert result.exit_code == 2
    assert "key-" in result.stderr


def test_several_keys_in_a_file_are_added_one_by_one(north: Line, home: Path) -> None:
    (home / "both.pub").write_text(f"{KEY}\n{OTHER_KEY}\n")
    result = call("accounts", "add-key", ACCOUNT, home / "both.pub")
    assert result.exit_code == 2
    assert "one by one" in result.stderr


def test_an_account_in_use_is_not_deleted_and_the_flow_is_named(north: Line) -> None:
    north.world.accounts.put(
        north.world.accounts.file_account_by_username("sis-of-north").model_copy(  # type: ignore[union-attr]
            update={"flow_ids": frozenset({"flow-of-north"})}
        )
    )
    result = call("accounts", "delete", ACCOUNT, "--yes")
    assert result.exit_code == 2
    assert "in-use" in result.stderr
    assert "flow Flow of north (flow-of-north)" in result.stderr


def test_an_account_without_a_flow_is_deleted_if_it_is_meant(north: Line) -> None:
    made = told("accounts", "create", "springfield-sis")["id"]
    assert "nothing was changed" in call("accounts", "delete", made, typed="n\n").stderr
    assert f"deleted {made}" in done("accounts", "delete", made, typed="y\n")
    assert made not in [account["id"] for account in told("accounts", "list")["items"]]
