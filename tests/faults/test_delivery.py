"""What the delivery to Apple does when Apple's server, or the way to it, misbehaves; a real server on loopback."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Any

import asyncssh
import paramiko
import pytest

from rosterbridge.adapters.sftp import SftpDelivery, _SignInAnswer
from rosterbridge.errors import PermanentError, RosterbridgeError, TransientError
from rosterbridge.flows.models import AsmAccount
from tests.support.apple import ED25519, HASTY, PASSWORD, PATIENT, RSA, USERNAME, account

NAME = "rosterbridge-1.zip"
CONTENT = bytes(range(256)) * 4000  # about 1 MB, each block unlike a shifted one


@pytest.fixture
def upload(tmp_path: Path) -> Path:
    path = tmp_path / "result.zip"
    path.write_bytes(CONTENT)
    return path


def send(path: Path, to: AsmAccount, *, password: str = PASSWORD, left: float = PATIENT) -> dict[str, object]:
    until = time.monotonic() + left
    delivery = SftpDelivery(lambda: until - time.monotonic(), connect_seconds=HASTY, answer_seconds=HASTY)
    return delivery.send(path, to, password, NAME)


def failure(path: Path, to: AsmAccount, **options: Any) -> RosterbridgeError:
    with pytest.raises(RosterbridgeError) as raised:
        send(path, to, **options)
    error = raised.value
    for secret in (USERNAME, PASSWORD, NAME, str(path)):
        assert secret not in repr(error)
    assert error.__suppress_context__ or error.__context__ is None
    return error


def outcome(error: RosterbridgeError) -> tuple[type[RosterbridgeError], str]:
    return type(error), error.code


def test_the_file_arrives_whole_and_is_taken_away_on_close(apple, upload):
    with apple() as server:
        recorded = send(upload, account(server.port, *server.host_keys))
        assert (server.received / NAME).read_bytes() == CONTENT
        assert list(server.dropbox.iterdir()) == []
    assert recorded["bytes"] == len(CONTENT)
    assert recorded["remote_path"] == f"dropbox/{NAME}"
    assert recorded["cipher"] == "aes128-gcm@openssh.com"
    assert PASSWORD not in str(recorded)
    assert USERNAME not in str(recorded)


def test_an_empty_file_arrives(apple, tmp_path):
    empty = tmp_path / "empty.zip"
    empty.touch()
    with apple() as server:
        assert send(empty, account(server.port, *server.host_keys))["bytes"] == 0
        assert (server.received / NAME).read_bytes() == b""


def test_the_same_name_again_replaces_the_file(apple, upload):
    with apple() as server:
        to = account(server.port, *server.host_keys)
        send(upload, to)
        upload.write_bytes(b"second")
        send(upload, to)
        assert (server.received / NAME).read_bytes() == b"second"


def test_answers_in_another_order_than_the_requests_are_all_heard(apple, upload):
    with apple(fault="reorder") as server:
        send(upload, account(server.port, *server.host_keys))
        assert (server.received / NAME).read_bytes() == CONTENT


def test_a_wrong_password_is_final(apple, upload):
    with apple() as server:
        error = failure(upload, account(server.port, *server.host_keys), password="wrong horse")
        assert list(server.received.iterdir()) == []
    assert outcome(error) == (PermanentError, "asm-sign-in-refused")


def test_only_the_first_thing_heard_about_a_sign_in_counts():
    class Transport:
        active, authenticated = True, False

        def is_active(self) -> bool:
            return self.active

        def is_authenticated(self) -> bool:
            return self.authenticated

    transport = Transport()
    answer = _SignInAnswer(transport)
    answer.set()  # the server refused
    transport.active = False
    answer.set()  # and then the connection ended
    assert (answer.connected, answer.accepted) == (True, False)


def test_an_unknown_user_is_final(apple, upload):
    with apple() as server:
        error = failure(upload, account(server.port, *server.host_keys, username="nobody@sftp.apple.example"))
    assert outcome(error) == (PermanentError, "asm-sign-in-refused")


def test_another_host_key_is_final_and_the_password_stays_here(apple, upload):
    with apple(fault="other-host-key") as server:
        error = failure(upload, account(server.port, *server.host_keys))
        assert server.sign_ins == 0
    assert outcome(error) == (PermanentError, "asm-host-key-refused")
    assert error.detail.startswith("SHA256:")


@pytest.mark.parametrize("accepted", [(), ("",), ("ssh-ed25519",)])
def test_an_account_without_an_accepted_key_sends_nothing(apple, upload, accepted):
    with apple() as server:
        error = failure(upload, account(server.port, *accepted))
        assert server.sign_ins == 0
    assert outcome(error) == (PermanentError, "asm-host-key-refused")


@pytest.mark.parametrize("pinned", [ED25519, RSA])
def test_a_server_with_several_host_keys_shows_the_accepted_one(apple, upload, pinned):
    with apple(keys=(ED25519, RSA)) as server:
        accepted = next(key for key in server.host_keys if key.split()[0] == pinned.get_algorithm())
        send(upload, account(server.port, f"{accepted} a comment"))


def test_each_of_several_accepted_keys_is_enough(apple, upload):
    outdated = " ".join(asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().split())
    with apple(keys=(RSA,)) as server:
        send(upload, account(server.port, outdated, *server.host_keys))


def test_a_server_that_knows_only_sha1_is_final(apple, upload):
    with apple(fault="sha1-only") as server:
        error = failure(upload, account(server.port, *server.host_keys))
        assert server.sign_ins == 0
    assert outcome(error) == (PermanentError, "asm-algorithms-refused")


def test_a_server_that_is_slow_but_never_silent_is_given_up_at_the_deadline(apple, upload):
    with apple(fault="drip") as server:
        started = time.monotonic()
        error = failure(upload, account(server.port, *server.host_keys), left=1.5)
        assert 1.4 < time.monotonic() - started < 5  # the whole file would take 6.4 s
        assert list(server.received.iterdir()) == []
    assert outcome(error) == (TransientError, "asm-timed-out")


def test_a_write_that_tcp_holds_back_is_given_up_at_the_deadline(apple, upload, monkeypatch):
    # so many requests in flight that paramiko blocks in the socket, which it retries without end
    monkeypatch.setattr("rosterbridge.adapters.sftp_requests.REQUESTS_IN_FLIGHT", 10_000)
    upload.write_bytes(bytes(40_000_000))
    with apple(fault="slow") as server:
        error = failure(upload, account(server.port, *server.host_keys), left=2.0)
    assert outcome(error) == (TransientError, "asm-timed-out")


def test_no_time_left_is_tried_again_later(apple, upload):
    with apple() as server:
        error = failure(upload, account(server.port, *server.host_keys), left=0)
        assert server.sign_ins == 0
    assert outcome(error) == (TransientError, "asm-timed-out")


def test_a_port_where_nobody_listens_is_tried_again_later(upload):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        error = failure(upload, account(free.getsockname()[1], ED25519.export_public_key().decode()))
    assert outcome(error) == (TransientError, "asm-unreachable")


@pytest.mark.parametrize("host", ["apple.invalid", "a" * 70 + ".invalid", "two words.invalid"])
def test_a_host_name_that_is_unknown_is_tried_again_later(upload, host):
    error = failure(upload, account(22, host=host))
    assert outcome(error) == (TransientError, "asm-unreachable")


def test_a_way_that_swallows_packets_is_tried_again_later(upload):
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]  # they fill the queue, so that a further one is not answered
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        error = failure(upload, account(port))
        for one in waiting:
            one.close()
    assert outcome(error) == (TransientError, "asm-unreachable")


def test_no_log_line_holds_a_password_a_user_name_or_a_path(apple, upload, caplog):
    caplog.set_level("DEBUG", logger="rosterbridge")
    caplog.set_level("INFO", logger="paramiko")
    with apple(fault="full") as server:
        failure(upload, account(server.port, *server.host_keys))
        failure(upload, account(server.port, *server.host_keys), password="wrong horse")
    for secret in (PASSWORD, "wrong horse", USERNAME, NAME):
        assert secret not in caplog.text


def test_the_stand_in_shows_why_the_guards_are_needed(apple, upload):
    """Plain paramiko on the same server: a stat after the close fails, a refused close passes for success."""
    for fault, expected in ((None, FileNotFoundError), ("refuse-close", None)):
        with apple(fault=fault) as server, paramiko.Transport(("127.0.0.1", server.port)) as transport:
            transport.connect(username=USERNAME, password=PASSWORD)
            with paramiko.SFTPClient.from_transport(transport) as sftp:
                if expected:
                    with pytest.raises(expected):
                        sftp.put(str(upload), f"dropbox/{NAME}", confirm=True)
                else:
                    sftp.put(str(upload), f"dropbox/{NAME}", confirm=False)


def test_the_stand_in_renames_nothing_and_hides_what_it_took(apple, upload):
    with apple() as server:
        send(upload, account(server.port, *server.host_keys))
        with paramiko.Transport(("127.0.0.1", server.port)) as transport:
            transport.connect(username=USERNAME, password=PASSWORD)
            with paramiko.SFTPClient.from_transport(transport) as sftp:
                assert sftp.listdir("dropbox") == []
                with pytest.raises(FileNotFoundError):
                    sftp.open(f"received/{NAME}")
                with pytest.raises(OSError, match="unsupported"):
                    sftp.rename("dropbox", "other")
