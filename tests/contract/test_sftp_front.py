"""The SFTP front: who comes in, and to what; real clients over real sockets."""

from __future__ import annotations

import io
import json
import logging
import os
from typing import Any

import asyncssh
import paramiko
import pytest

from local.host_key import public_text
from local.sftp_front.identity import RefusedError, TransferServer
from local.sftp_front.server import SftpFront
from tests.support.sftp import running
from tests.support.sftp_clients import CLIENTS, Login, SignInRefusedError, by_paramiko, openssh
from tests.support.sftp_front import (
    BUCKET,
    CLIENT_KEY,
    CONTENT,
    HOST_KEY,
    PASSWORD,
    PREFIX,
    SERVER,
    Provider,
    body,
    eventually,
    keys,
    upload,
    with_changes,
)

# -- signing in -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("client", CLIENTS)
def test_a_password_lets_every_client_put_and_get(front, s3, tmp_path, client):
    provider = Provider()
    assert CLIENTS[client](front(provider), CONTENT, tmp_path) == CONTENT
    assert body(s3, f"{client}.part") == CONTENT
    assert provider.requests == [
        {
            "username": "district",
            "password": PASSWORD,
            "protocol": "SFTP",
            "serverId": SERVER.id,
            "sourceIp": "127.0.0.1",
        }
    ]


@pytest.mark.parametrize("client", CLIENTS)
def test_a_key_lets_every_client_put_and_get(front, s3, tmp_path, key_file, client):
    provider = Provider()
    login = with_changes(front(provider), username="by-key", password="", key=key_file)
    assert CLIENTS[client](login, CONTENT, tmp_path) == CONTENT
    assert body(s3, f"{client}.part") == CONTENT
    assert provider.requests == [
        {"username": "by-key", "protocol": "SFTP", "serverId": SERVER.id, "sourceIp": "127.0.0.1"}
    ]


@pytest.mark.parametrize("client", CLIENTS)
def test_every_refusal_looks_alike(front, tmp_path, client):
    login = front()
    told = set()
    for changes in (
        {"password": "wrong horse"},
        {"username": "nobody-here"},
        {"username": "by-key"},
        {"username": "root"},
        {"username": "ab"},
    ):
        wrong = with_changes(login, **changes)
        with pytest.raises(SignInRefusedError) as refused:
            CLIENTS[client](wrong, CONTENT, tmp_path)
        told.add(str(refused.value).replace(wrong.username, "USER"))
    assert len(told) == 1


@pytest.mark.parametrize("client", CLIENTS)
def test_a_key_that_the_provider_does_not_name_is_refused(front, tmp_path, client):
    path = tmp_path / "other_key"
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(path)
    path.chmod(0o600)
    login = with_changes(front(), username="by-key", password="", key=path)
    with pytest.raises(SignInRefusedError):
        CLIENTS[client](login, CONTENT, tmp_path)


def test_the_public_half_of_a_key_is_not_enough(front):
    class Thief(paramiko.Ed25519Key):
        """Shows a key that is not its own."""

        def asbytes(self) -> bytes:
            return CLIENT_KEY.public_data

        __bytes__ = asbytes

    own = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
    provider = Provider()
    login = front(provider)
    with paramiko.Transport(("127.0.0.1", login.port)) as transport:
        transport.start_client(timeout=10)
        with pytest.raises(paramiko.AuthenticationException):
            transport.auth_publickey("by-key", Thief(file_obj=io.StringIO(own)))
    assert [request["username"] for request in provider.requests] == ["by-key"]


def test_an_empty_password_is_never_taken_for_a_sign_in_by_key(front):
    provider = Provider()
    login = with_changes(front(provider), username="by-key", password="")
    with pytest.raises(SignInRefusedError), by_paramiko(login):
        pass
    assert provider.requests == []


@pytest.mark.parametrize(
    "changes",
    [
        {"Role": ""},
        {"Role": "  "},
        {"Role": None},
        {"HomeDirectoryType": None},
        {"HomeDirectoryType": "PATH"},
        {"HomeDirectoryDetails": None},
        {"HomeDirectoryDetails": [{"Entry": "/", "Target": f"/{BUCKET}/{PREFIX}"}]},
        {"HomeDirectoryDetails": json.dumps([{"Entry": "/", "Target": f"/{BUCKET}/{PREFIX}/"}])},
        {"HomeDirectoryDetails": json.dumps([{"Entry": "/", "Target": f"{BUCKET}/{PREFIX}"}])},
        {"HomeDirectoryDetails": json.dumps([{"Entry": "/", "Target": "/a"}, {"Entry": "/b", "Target": "/b"}])},
        {"HomeDirectoryDetails": "[]"},
        {"HomeDirectoryDetails": "no JSON"},
        {"Policy": ""},
        {"Policy": "no JSON"},
        {"Policy": {"Version": "2012-10-17", "Statement": []}},
        {"Policy": json.dumps({"Version": "2012-10-17", "Statement": [], "Id": " " * 2048})},
        {"PublicKeys": [public_text(CLIENT_KEY)]},
    ],
)
def test_an_answer_that_transfer_family_would_not_take_refuses(front, changes):
    with pytest.raises(SignInRefusedError), by_paramiko(front(Provider(**changes))):
        pass


@pytest.mark.parametrize("answer", [None, [], "text", {"errorMessage": "boom"}])
def test_an_answer_that_is_no_answer_refuses(front, answer):
    with pytest.raises(SignInRefusedError), by_paramiko(front(lambda _: answer)):
        pass


def test_a_provider_that_fails_refuses(front):
    def fail(_: dict[str, str]) -> Any:
        raise RefusedError("identity-provider-failed")

    with pytest.raises(SignInRefusedError), by_paramiko(front(fail)):
        pass


@pytest.mark.parametrize(("offered", "refused"), [("PASSWORD", "by-key"), ("PUBLIC_KEY", "district")])
def test_only_what_the_server_offers_is_taken(front, key_file, offered, refused):
    login = front(server=TransferServer(SERVER.id, authentication=offered))
    both = {
        "district": login,
        "by-key": with_changes(login, username="by-key", password="", key=key_file),
    }
    with pytest.raises(SignInRefusedError), by_paramiko(both.pop(refused)):
        pass
    with by_paramiko(next(iter(both.values()))) as sftp:
        assert sftp.listdir() == []


def test_no_log_line_holds_a_password_or_a_user_name(front, caplog):
    caplog.set_level(logging.DEBUG, logger="rosterbridge")
    caplog.set_level(logging.DEBUG, logger="asyncssh")
    asyncssh.set_log_level("WARNING")
    login = front()
    with by_paramiko(login) as sftp:
        upload(sftp, "roster.zip")
    with pytest.raises(SignInRefusedError), by_paramiko(with_changes(login, password="wrong horse")):
        pass
    assert "sign-in refused: refused-by-identity-provider" in caplog.text
    own = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("paramiko"))
    for secret in (PASSWORD, "wrong horse", "district", "roster.zip"):
        assert secret not in own


def test_sftp_is_all_there_is(front):
    login = front()
    with paramiko.Transport(("127.0.0.1", login.port)) as transport:
        transport.connect(username="district", password=PASSWORD)
        for ask in (
            lambda channel: channel.exec_command("id"),
            lambda channel: channel.invoke_shell(),
            lambda channel: channel.invoke_subsystem("netconf"),
            lambda channel: channel.get_pty(),
        ):
            with pytest.raises(paramiko.SSHException):
                ask(transport.open_session(timeout=10))
        with pytest.raises(paramiko.ChannelException):
            transport.open_channel("direct-tcpip", ("127.0.0.1", 22), ("127.0.0.1", 0), timeout=10)
        with pytest.raises(paramiko.SSHException):
            transport.request_port_forward("127.0.0.1", 0)


# -- what goes wrong --------------------------------------------------------------------------------------------------


def test_a_client_that_vanishes_leaves_what_it_sent(front, s3):
    login = front()
    with paramiko.Transport(("127.0.0.1", login.port)) as transport:
        transport.connect(username="district", password=PASSWORD)
        with paramiko.SFTPClient.from_transport(transport) as sftp:
            file = sftp.open("roster.zip", "wb", bufsize=0)
            file.write(CONTENT)
            transport.sock.close()
            assert eventually(lambda: keys(s3) == [f"{PREFIX}/roster.zip"])
    assert body(s3, "roster.zip") == CONTENT


class Heard:
    """EventBridge, which takes an event or refuses it."""

    def __init__(self, refusal: str = "") -> None:
        self.refusal = refusal
        self.entries: list[dict[str, Any]] = []

    def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 as boto3 has it
        self.entries += Entries
        return {"FailedEntryCount": len(self.refusal[:1]), "Entries": [{"ErrorCode": self.refusal}]}


def test_what_a_client_leaves_unfinished_is_told_as_transfer_family_tells_it(s3):
    heard = Heard()
    with (
        running(SftpFront(Provider(), s3, SERVER, HOST_KEY, events=heard)) as started,
        paramiko.Transport(("127.0.0.1", started.port)) as transport,
    ):
        transport.connect(username="district", password=PASSWORD)
        with paramiko.SFTPClient.from_transport(transport) as sftp:
            upload(sftp, "whole.zip")
            file = sftp.open("roster.zip", "wb", bufsize=0)  # kept, since one that nobody has is closed
            file.write(CONTENT)
            transport.sock.close()
            assert eventually(lambda: heard.entries)

    (entry,) = heard.entries
    detail = json.loads(entry["Detail"])
    head = s3.head_object(Bucket=BUCKET, Key=f"{PREFIX}/roster.zip")
    assert (entry["Source"], entry["DetailType"]) == ("aws.transfer", "SFTP Server File Upload Failed")
    assert (detail["bytes"], detail["etag"]) == (len(CONTENT), head["ETag"].strip('"'))
    assert (detail["file-path"], detail["username"]) == (f"/{BUCKET}/{PREFIX}/roster.zip", "district")
    assert (detail["server-id"], detail["client-ip"]) == (SERVER.id, "127.0.0.1")
    assert (detail["status-code"], detail["failure-code"]) == ("FAILED", "PARTIAL_UPLOAD")


def test_an_event_that_is_refused_is_logged_without_the_file(s3, caplog):
    heard = Heard("NotAuthorizedForSourceException")
    with (
        running(SftpFront(Provider(), s3, SERVER, HOST_KEY, events=heard)) as started,
        paramiko.Transport(("127.0.0.1", started.port)) as transport,
    ):
        transport.connect(username="district", password=PASSWORD)
        with paramiko.SFTPClient.from_transport(transport) as sftp:
            file = sftp.open("roster.zip", "wb", bufsize=0)  # kept, since one that nobody has is closed
            file.write(CONTENT)
            transport.sock.close()
            assert eventually(lambda: "was not told" in caplog.text)

    assert "roster.zip" not in caplog.text


def test_an_upload_that_is_under_way_when_the_front_stops_is_stored(s3):
    with running(SftpFront(Provider(), s3, SERVER, HOST_KEY)) as started:
        login = Login(started.port, public_text(HOST_KEY), "district", PASSWORD)
        transport = paramiko.Transport(("127.0.0.1", login.port))
        transport.connect(username="district", password=PASSWORD)
        file = paramiko.SFTPClient.from_transport(transport).open("roster.zip", "wb", bufsize=0)
        file.write(CONTENT)
    transport.close()
    assert body(s3, "roster.zip") == CONTENT


def test_a_storage_that_fails_is_told_to_the_client_without_its_details(front, s3, tmp_path, caplog):
    login = front()
    (tmp_path / "roster.zip").write_bytes(CONTENT)
    for version in s3.list_object_versions(Bucket=BUCKET)["Versions"]:
        s3.delete_object(Bucket=BUCKET, Key=version["Key"], VersionId=version["VersionId"])
    with by_paramiko(login) as sftp:
        file = sftp.open("roster.zip", "wb", bufsize=0)
        file.write(CONTENT)
        s3.delete_bucket(Bucket=BUCKET)
        file.close()  # paramiko hides it; OpenSSH does not
    done = openssh(login, "put roster.zip", folder=tmp_path)
    assert done.returncode != 0
    assert BUCKET not in done.stderr


# -- before the deployed stack ----------------------------------------------------------------------------------------


def deployed(stack, **changes: Any) -> Login:
    server = stack.create_flow(**changes).server
    return Login(server.port, server.host_key, server.username, server.password)


@pytest.mark.parametrize("client", CLIENTS)
def test_the_deployed_function_lets_a_key_in(stack, tmp_path, key_file, client):
    login = with_changes(deployed(stack, public_keys=(public_text(CLIENT_KEY),)), password="", key=key_file)
    assert CLIENTS[client](login, CONTENT[:1000], tmp_path) == CONTENT[:1000]


def test_the_embedded_s3_does_what_clients_ask_for(stack):
    content = os.urandom(9_000_000)
    with by_paramiko(deployed(stack)) as sftp:
        assert sftp.listdir() == []
        upload(sftp, "one.filepart", content)  # a temporary name, which the pipeline leaves alone
        upload(sftp, "one.filepart", content)
        upload(sftp, "empty.part", b"")
        assert {entry.filename: entry.st_size for entry in sftp.listdir_attr()} == {
            "one.filepart": len(content),
            "empty.part": 0,
        }
        sftp.rename("one.filepart", "two.filepart")
        with pytest.raises(OSError, match="exists"):
            sftp.rename("two.filepart", "empty.part")
        with sftp.open("two.filepart", "rb") as file:
            assert file.read() == content
        with sftp.open("empty.part", "rb") as file:
            assert file.read() == b""
        sftp.mkdir("inbox")
        sftp.rename("two.filepart", "inbox/two.filepart")
        with pytest.raises(OSError, match="not empty"):
            sftp.rmdir("inbox")
        sftp.remove("inbox/two.filepart")
        sftp.rmdir("inbox")
        sftp.remove("empty.part")
        assert sftp.listdir() == []


def test_an_upload_into_the_embedded_s3_says_who_sent_it(stack):
    login = deployed(stack)
    with by_paramiko(login) as sftp:
        upload(sftp, "one.part", b"1")
    client = stack.client("s3")
    bucket = stack.outputs["HomeBucket"]
    found = client.list_objects_v2(Bucket=bucket, Prefix="home/")["Contents"]
    senders = [client.head_object(Bucket=bucket, Key=one["Key"])["Metadata"] for one in found]
    assert {
        "user-agent": "AWSTransfer",
        "user-agent-id": f"{login.username}@{stack.outputs['SftpServerId']}",
    } in senders
