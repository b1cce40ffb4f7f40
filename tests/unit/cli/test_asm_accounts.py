"""``asm-accounts``: the connection to Apple School Manager is tested before it is kept."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rosterbridge.errors import PermanentError, TransientError
from rosterbridge.flows.delivery_ports import Probe
from rosterbridge.flows.models import AsmAccount
from tests.support import flows
from tests.support.api import belongings
from tests.support.command_line import Line, call, done, told
from tests.support.fakes import FakeSecretBox
from tests.support.flows import HOST_KEY
from tests.support.flows import KEY as OLD_KEY

ACCOUNT = belongings("north")["asm_account_id"]
CREATE = ("asm-accounts", "create", "Apple", "--username", "district@sftp.apple.example", "--password-stdin")
SECRET = "apple-secret\n"


@pytest.fixture(autouse=True)
def fingerprint(north: Line) -> str:
    """The fingerprint of the key that Apple's server shows, which the stored account does not accept."""
    account = flows.asm_account(
        host_keys=(OLD_KEY,), id=ACCOUNT, organization_id=belongings("north")["organization_id"]
    )
    box = FakeSecretBox()
    encrypted = box.encrypt("stored-secret", organization_id=account.organization_id)
    north.world.accounts.put(account.model_copy(update={"encrypted_password": encrypted}))
    north.world.delivery.host_key = HOST_KEY
    return str(north.world.delivery.probe(flows.asm_account(host_keys=()), "").fingerprint)


def test_the_host_key_is_shown_and_accepted_by_hand(north: Line, fingerprint: str) -> None:
    words = [word for word in CREATE if word != "--password-stdin"]
    result = call(*words, typed=f"{SECRET}y\n")
    assert result.exit_code == 0, result.output
    assert fingerprint in result.stderr
    assert "upload.appleschoolcontent.com" in result.stdout
    assert "apple-secret" not in result.output


def test_a_host_key_that_is_not_accepted_ends_it(north: Line) -> None:
    words = [word for word in CREATE if word != "--password-stdin"]
    result = call(*words, typed=f"{SECRET}n\n")
    assert result.exit_code == 1
    assert len(told("asm-accounts", "list")["items"]) == 1


def test_a_script_names_the_host_key_that_it_accepts(north: Line, fingerprint: str) -> None:
    made = told(*CREATE, "--accept-host-key", fingerprint, "--host", "sftp.apple.example", typed=SECRET)
    assert made["host_keys"] == [HOST_KEY]
    assert made["host"] == "sftp.apple.example"
    assert north.world.delivery.probed_with == [("district@sftp.apple.example", "apple-secret")]


def test_another_host_key_than_the_script_accepts_ends_it_before_the_sign_in(north: Line) -> None:
    result = call(*CREATE, "--accept-host-key", "SHA256:other", typed=SECRET)
    assert result.exit_code == 1
    assert "another host key" in result.stderr
    assert not north.world.delivery.probed_with


@pytest.mark.parametrize(
    ("error", "exit_code"),
    [
        (TransientError("asm-unreachable"), 3),
        (TransientError("asm-timed-out"), 3),
        (PermanentError("asm-sign-in-refused"), 1),
        (PermanentError("asm-folder-missing"), 1),
    ],
)
def test_a_connection_that_does_not_work_is_not_kept(north: Line, error: Exception, exit_code: int) -> None:
    north.world.delivery.error = error
    result = call(*CREATE, "--accept-host-key", "SHA256:x", typed=SECRET)
    assert result.exit_code == exit_code
    assert str(error) in result.stderr
    assert "✗ the server answers" in result.stdout
    assert len(told("asm-accounts", "list")["items"]) == 1


def test_a_password_that_apple_refuses_is_told_after_the_host_key_and_not_kept(
    north: Line, fingerprint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = north.world.delivery.probe

    def refuse(account: AsmAccount, password: str) -> Probe:
        found = real(account, password)
        return (
            replace(found, signed_in=False, folder_found=False, code="asm-sign-in-refused") if found.accepted else found
        )

    monkeypatch.setattr(north.world.delivery, "probe", refuse)
    result = call(*CREATE, "--accept-host-key", fingerprint, typed=SECRET)
    assert result.exit_code == 1
    assert "✓ its host key is accepted" in result.stdout
    assert "asm-sign-in-refused" in result.stderr
    assert len(told("asm-accounts", "list")["items"]) == 1


def test_no_password_on_standard_input_is_wrong_usage(north: Line) -> None:
    assert call(*CREATE, "--accept-host-key", "SHA256:x", typed="").exit_code == 2


def test_an_account_shows_fingerprints_and_no_password(north: Line) -> None:
    made = told("asm-accounts", "update", ACCOUNT, "--name", "Apple of the district")
    assert made["name"] == "Apple of the district"
    output = done("asm-accounts", "show", ACCOUNT)
    assert "SHA256:" in output
    assert "password" not in output
    assert "Apple of the district" in done("asm-accounts", "list")


def test_another_password_is_asked_for_or_piped(north: Line) -> None:
    assert call("asm-accounts", "update", ACCOUNT, "--password", typed="asked-secret\n").exit_code == 0
    result = call("asm-accounts", "update", ACCOUNT, "--password-stdin", typed="piped-secret\n")
    assert result.exit_code == 0
    assert "piped-secret" not in result.output
    assert [request.method for request in north.requests].count("PATCH") == 2


def test_another_host_is_tested_and_shows_its_key_first(north: Line, fingerprint: str) -> None:
    words = ("asm-accounts", "update", ACCOUNT, "--host", "new.apple.example", "--password-stdin")
    made = told(*words, "--accept-host-key", fingerprint, typed=SECRET)
    assert (made["host"], made["host_keys"]) == ("new.apple.example", [HOST_KEY])


def test_while_apple_changes_its_key_both_are_accepted_and_later_the_old_one_no_more(
    north: Line, fingerprint: str
) -> None:
    old = next(word for word in done("asm-accounts", "show", ACCOUNT).split() if word.startswith("SHA256:"))
    assert call("asm-accounts", "update", ACCOUNT, "--host-key", typed="n\n").exit_code == 1
    done("asm-accounts", "update", ACCOUNT, "--host-key", typed="y\n")
    assert told("asm-accounts", "show", ACCOUNT)["host_keys"] == [OLD_KEY, HOST_KEY]
    assert told("asm-accounts", "update", ACCOUNT, "--refuse-host-key", old)["host_keys"] == [HOST_KEY]


def test_a_host_key_that_was_accepted_meanwhile_is_not_lost(
    north: Line, fingerprint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = belongings("north")["organization_id"]
    real = north.world.delivery.probe

    def probe(account: AsmAccount, password: str) -> Probe:
        """Somebody else accepts a key while the connection is tested."""
        now = north.world.accounts.get(AsmAccount, owner, ACCOUNT)
        assert now is not None
        north.world.accounts.put(
            now.model_copy(update={"host_keys": (*now.host_keys, "ssh-rsa AAAA"), "version": now.version + 1})
        )
        return real(account, password)

    monkeypatch.setattr(north.world.delivery, "probe", probe)
    result = call("asm-accounts", "update", ACCOUNT, "--accept-host-key", fingerprint)
    assert result.exit_code == 2
    assert "version-changed" in result.stderr
    assert told("asm-accounts", "show", ACCOUNT)["host_keys"] == [OLD_KEY, "ssh-rsa AAAA"]


def test_a_script_accepts_a_further_host_key(north: Line, fingerprint: str) -> None:
    made = told("asm-accounts", "update", ACCOUNT, "--accept-host-key", fingerprint)
    assert made["host_keys"] == [OLD_KEY, HOST_KEY]
    assert call("asm-accounts", "update", ACCOUNT, "--host-key", typed="").exit_code == 0  # it is accepted already


def test_no_further_host_key_of_a_server_that_is_away(north: Line) -> None:
    north.world.delivery.error = TransientError("asm-unreachable")
    assert call("asm-accounts", "update", ACCOUNT, "--host-key").exit_code == 3


def test_the_last_host_key_stays(north: Line) -> None:
    made = told("asm-accounts", "show", ACCOUNT)
    assert len(made["host_keys"]) == 1
    shown = done("asm-accounts", "show", ACCOUNT)
    only = next(word for word in shown.split() if word.startswith("SHA256:"))
    assert call("asm-accounts", "update", ACCOUNT, "--refuse-host-key", only).exit_code == 2
    assert call("asm-accounts", "update", ACCOUNT, "--refuse-host-key", "SHA256:unknown").exit_code == 2


def test_a_connection_test_tells_how_far_it_came(north: Line) -> None:
    north.world.delivery.host_key = OLD_KEY
    output = done("asm-accounts", "test", ACCOUNT)
    assert "SSH-2.0-fake" in output
    assert "✓ the folder is there" in output


def test_a_connection_test_that_fails_says_what_to_do(north: Line) -> None:
    result = call("asm-accounts", "test", ACCOUNT)
    assert result.exit_code == 1
    assert "✓ the server answers" in result.stdout
    assert "✗ its host key is accepted" in result.stdout
    assert "check with Apple" in result.stderr
    assert '"asm-host-key-refused"' in call("asm-accounts", "test", ACCOUNT, "--json").stdout


def test_an_account_is_deleted_only_if_it_is_meant(north: Line, fingerprint: str) -> None:
    made = told(*CREATE, "--accept-host-key", fingerprint, typed=SECRET)["id"]
    assert "nothing was changed" in call("asm-accounts", "delete", made, typed="n\n").stderr
    assert f"deleted {made}" in done("asm-accounts", "delete", made, "--yes")
