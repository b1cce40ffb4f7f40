"""How far a connection test comes, and what it then says; a real server on loopback."""

from __future__ import annotations

import socket
import time
from typing import Any

import asyncssh
import pytest

from rosterbridge.adapters.sftp import SftpDelivery
from rosterbridge.flows.delivery_ports import Probe
from rosterbridge.flows.models import AsmAccount
from tests.support.apple import ED25519, HASTY, PASSWORD, PATIENT, RSA, USERNAME, account, saying

UNREACHED = Probe()


def probe(to: AsmAccount, *, password: str = PASSWORD, left: float = PATIENT, answer: float = HASTY) -> Probe:
    until = time.monotonic() + left
    delivery = SftpDelivery(lambda: until - time.monotonic(), connect_seconds=HASTY, answer_seconds=answer)
    found = delivery.probe(to, password)
    assert PASSWORD not in repr(found)
    assert USERNAME not in repr(found)
    return found


def stages(found: Probe) -> tuple[bool, bool, bool, bool]:
    return found.reached, found.accepted, found.signed_in, found.folder_found


def test_a_right_connection_comes_to_the_end_and_leaves_no_file(apple):
    with apple() as server:
        found = probe(account(server.port, *server.host_keys))
        assert list(server.dropbox.iterdir()) == list(server.received.iterdir()) == []
        assert server.sign_ins == 1
    assert stages(found) == (True, True, True, True)
    assert found.code is None
    assert found.server is not None
    assert found.server.startswith("SSH-2.0-")


def test_the_host_key_is_shown_as_openssh_writes_it_with_its_fingerprint(apple):
    with apple() as server:
        found = probe(account(server.port))
        assert [found.host_key] == [" ".join(key.split()[:2]) for key in server.host_keys]
    assert found.fingerprint == ED25519.get_fingerprint("sha256")


@pytest.mark.parametrize("accepted", [(), ("",)])
def test_a_host_key_that_nobody_has_accepted_ends_the_test_before_the_password_leaves(apple, accepted):
    with apple() as server:
        found = probe(account(server.port, *accepted))
        assert server.sign_ins == 0
    assert stages(found) == (True, False, False, False)
    assert found.code == "host-key-unknown"


def test_the_key_that_was_shown_can_be_accepted_as_it_is(apple):
    with apple(keys=(RSA,)) as server:
        shown = probe(account(server.port)).host_key
        assert shown is not None
        assert shown.startswith("ssh-rsa ")
        assert probe(account(server.port, shown)).folder_found


def test_another_host_key_is_shown_and_the_password_stays_here(apple):
    with apple(fault="other-host-key") as server:
        found = probe(account(server.port, *server.host_keys))
        assert server.sign_ins == 0
        assert found.host_key not in server.host_keys
    assert found.host_key is not None
    assert stages(found) == (True, False, False, False)
    assert found.code == "asm-host-key-refused"


def test_while_apple_changes_its_key_the_old_and_the_new_one_are_both_accepted(apple):
    old, new = ED25519, asyncssh.generate_private_key("ssh-ed25519")
    accepted = [" ".join(key.export_public_key().decode().split()[:2]) for key in (old, new)]
    for current in (old, new):
        with apple(keys=(current,)) as server:
            assert probe(account(server.port, *accepted)).folder_found


@pytest.mark.parametrize("accepted", [ED25519, RSA])
def test_of_several_host_keys_the_accepted_one_is_asked_for(apple, accepted):
    text = " ".join(accepted.export_public_key().decode().split()[:2])
    with apple(keys=(ED25519, RSA)) as server:
        found = probe(account(server.port, text))
    assert found.folder_found
    assert found.host_key == text


@pytest.mark.parametrize("changes", [{"password": "wrong horse"}, {"username": "nobody@sftp.apple.example"}])
def test_a_wrong_user_name_or_password_is_told_after_the_host_key(apple, changes):
    password = changes.get("password", PASSWORD)
    name = {"username": changes["username"]} if "username" in changes else {}
    with apple() as server:
        found = probe(account(server.port, *server.host_keys, **name), password=password)
    assert stages(found) == (True, True, False, False)
    assert found.code == "asm-sign-in-refused"


@pytest.mark.parametrize(
    ("fault", "code"), [("drop-sign-in", "asm-connection-lost"), ("silent-sign-in", "asm-timed-out")]
)
def test_a_server_that_fails_at_the_password_is_no_refusal(apple, fault, code):
    with apple(fault=fault) as server:
        found = probe(account(server.port, *server.host_keys))
    assert stages(found) == (True, True, False, False)
    assert found.code == code


def test_a_missing_folder_is_told_after_the_sign_in(apple):
    with apple(fault="no-folder") as server:
        found = probe(account(server.port, *server.host_keys))
    assert stages(found) == (True, True, True, False)
    assert found.code == "asm-folder-missing"


def test_a_file_is_no_folder(apple):
    with apple() as server:
        (server.dropbox / "folder").write_text("a file")
        found = probe(account(server.port, *server.host_keys, folder="dropbox/folder"))
    assert found.code == "asm-folder-missing"
    assert not found.folder_found


def test_without_a_folder_the_server_s_own_is_meant(apple):
    with apple() as server:
        assert probe(account(server.port, *server.host_keys, folder="")).folder_found


def test_a_server_that_never_speaks_sftp_is_given_up(apple):
    with apple(fault="silent") as server:
        found = probe(account(server.port, *server.host_keys))
    assert stages(found) == (True, True, True, False)
    assert found.code == "asm-timed-out"


def test_the_whole_test_ends_in_time_however_patient_each_answer_is_waited_for(apple):
    with apple(fault="silent") as server:
        started = time.monotonic()
        found = probe(account(server.port, *server.host_keys), left=1.5, answer=60)
        assert time.monotonic() - started < 5
    assert found.code == "asm-timed-out"


def test_the_test_takes_20_seconds_at_most(apple, monkeypatch):
    monkeypatch.setattr("rosterbridge.adapters.sftp.PROBE_SECONDS", 1.0)
    with apple(fault="silent") as server:
        started = time.monotonic()
        found = probe(account(server.port, *server.host_keys), left=600, answer=60)
        assert time.monotonic() - started < 5
    assert found.code == "asm-timed-out"


def test_a_server_of_weak_algorithms_is_told(apple):
    with apple(fault="sha1-only") as server:
        found = probe(account(server.port, *server.host_keys))
    assert found == Probe(code="asm-algorithms-refused")


def test_a_port_where_nobody_listens_is_told():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        assert probe(account(free.getsockname()[1])) == Probe(code="asm-unreachable")


@pytest.mark.parametrize("host", ["apple.invalid", "a" * 70 + ".invalid", "two words.invalid"])
def test_a_host_that_is_unknown_is_told(host):
    assert probe(account(22, host=host)) == Probe(code="asm-unreachable")


def test_no_time_left_is_told(apple):
    with apple() as server:
        assert probe(account(server.port, *server.host_keys), left=0) == Probe(code="asm-timed-out")


def test_of_several_addresses_one_that_answers_is_enough(apple, monkeypatch):
    real = socket.getaddrinfo

    def several(host: str, *rest: Any, **options: Any) -> list[Any]:
        hosts = ["127.0.0.2", "127.0.0.1"] if host == "apple.example" else [host]
        return [found for host in hosts for found in real(host, *rest, **options)]

    with apple() as server:
        monkeypatch.setattr("rosterbridge.adapters.sftp.socket.getaddrinfo", several)
        assert probe(account(server.port, *server.host_keys, host="apple.example")).folder_found


def _key_exchange(lists: bytes) -> bytes:
    payload = b"\x14" + bytes(16) + lists
    padding = 8 - (len(payload) + 5) % 8 + 8
    return (len(payload) + padding + 1).to_bytes(4, "big") + bytes([padding]) + payload + bytes(padding)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"SSH-2.0-Silent\r\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"SSH-2.0-Odd\r\n" + bytes(64),
        b"SSH-2.0-Odd\r\n" + _key_exchange(b"\x00\x00\x00\x02\xff\xfe" * 10),
        b"SSH-2.0-Odd\r\n" + _key_exchange(b"\xff\xff\xff\xff"),
    ],
    ids=["nothing", "banner", "http", "zeros", "no-text", "length"],
)
def test_something_that_is_no_ssh_server_is_told(text):
    with saying(text) as port:
        started = time.monotonic()
        found = probe(account(port))
        assert time.monotonic() - started < 10 * HASTY
    assert stages(found) == stages(UNREACHED)
    assert found.host_key is None
    assert found.code in {"asm-connection-lost", "asm-timed-out", "asm-algorithms-refused"}


def test_no_log_line_holds_a_password_or_a_user_name(apple, caplog):
    caplog.set_level("DEBUG", logger="rosterbridge")
    caplog.set_level("INFO", logger="paramiko")
    with apple(fault="no-folder") as server:
        probe(account(server.port, *server.host_keys))
        probe(account(server.port, *server.host_keys), password="wrong horse")
    for secret in (PASSWORD, "wrong horse", USERNAME):
        assert secret not in caplog.text
