"""The SFTP front: files and folders as with Transfer Family on S3, and nobody leaves their home."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncssh
import pytest

from local.sftp_front.identity import TransferServer
from tests.support.sftp_clients import CLIENTS, by_paramiko, openssh
from tests.support.sftp_front import BUCKET, CONTENT, PREFIX, SERVER, Provider, body, keys, upload

# -- files ------------------------------------------------------------------------------------------------------------


def test_an_upload_is_stored_as_transfer_family_stores_it(front, s3):
    with by_paramiko(front()) as sftp:
        upload(sftp, "roster.zip")
        assert sftp.stat("roster.zip").st_size == len(CONTENT)
    stored = s3.head_object(Bucket=BUCKET, Key=f"{PREFIX}/roster.zip")
    assert stored["Metadata"] == {"user-agent": "AWSTransfer", "user-agent-id": f"district@{SERVER.id}"}


def test_openssh_lists_sizes_and_times(front, s3, tmp_path):
    login = front()
    (tmp_path / "a file, ünïcode.zip").write_bytes(CONTENT)
    month = time.strftime("%b")
    done = openssh(
        login, 'put "a file, ünïcode.zip"', "mkdir inbox", "pwd", "ls -la", "ls -l inbox", "df", folder=tmp_path
    )
    assert "Remote working directory: /" in done.stdout
    file, folder = sorted(line for line in done.stdout.splitlines() if line.startswith(("-rw", "drw")))
    assert keys(s3) == [f"{PREFIX}/a file, ünïcode.zip", f"{PREFIX}/inbox/"]
    assert "a file, " in file  # the rest as the locale lets it be shown
    assert f" {len(CONTENT)} {month} " in file
    assert folder.startswith("drwxr-xr-x")
    assert folder.endswith("inbox")


def test_files_are_renamed_and_removed(front, s3):
    with by_paramiko(front()) as sftp:
        upload(sftp, "roster.zip.filepart")
        sftp.rename("roster.zip.filepart", "roster.zip")
        assert sftp.listdir() == ["roster.zip"]
        assert body(s3, "roster.zip") == CONTENT
        sftp.remove("roster.zip")
        assert sftp.listdir() == []
        for gone in (lambda: sftp.remove("roster.zip"), lambda: sftp.rename("roster.zip", "b.zip")):
            with pytest.raises(FileNotFoundError):
                gone()
    assert keys(s3) == []


def test_a_rename_onto_an_existing_name_is_refused(front, s3, tmp_path):
    login = front()
    with by_paramiko(login) as sftp:
        upload(sftp, "old.zip", b"old")
        upload(sftp, "new.zip", b"new")
        sftp.mkdir("folder")
        for onto in ("old.zip", "new.zip", "folder"):
            for rename in (sftp.rename, sftp.posix_rename):
                with pytest.raises(OSError, match=r"exists|supported"):
                    rename("new.zip", onto)
        with pytest.raises(OSError, match="Folders"):
            sftp.rename("folder", "other")
    done = openssh(login, "rename new.zip old.zip", folder=tmp_path)
    assert done.returncode != 0
    assert (body(s3, "old.zip"), body(s3, "new.zip")) == (b"old", b"new")


def test_folders_are_made_listed_and_removed_when_empty(front, s3):
    with by_paramiko(front()) as sftp:
        sftp.mkdir("inbox")
        assert keys(s3) == [f"{PREFIX}/inbox/"]
        upload(sftp, "inbox/roster.zip")
        sftp.chdir("inbox")
        assert sftp.listdir() == ["roster.zip"]
        sftp.chdir("..")
        assert sftp.getcwd() == "/"
        with pytest.raises(OSError, match="not empty"):
            sftp.rmdir("inbox")
        with pytest.raises(OSError, match="exists"):
            sftp.mkdir("inbox")
        with pytest.raises(OSError, match="folder"):
            sftp.remove("inbox")
        with pytest.raises(OSError, match="folder"):
            sftp.open("inbox", "wb")
        sftp.remove("inbox/roster.zip")
        sftp.rmdir("inbox")
        with pytest.raises(FileNotFoundError):
            sftp.rmdir("inbox")
        with pytest.raises(FileNotFoundError):
            sftp.listdir("inbox")
        with pytest.raises(PermissionError):
            sftp.rmdir("/")


def test_only_latest_versions_are_seen(front, s3):
    with by_paramiko(front()) as sftp:
        upload(sftp, "roster.zip", b"first")
        upload(sftp, "roster.zip", b"second!")
        (entry,) = sftp.listdir_attr()
        assert entry.st_size == 7
        s3.delete_object(Bucket=BUCKET, Key=f"{PREFIX}/roster.zip")
        assert sftp.listdir() == []
        with pytest.raises(FileNotFoundError):
            sftp.stat("roster.zip")


def test_a_file_is_written_once_from_start_to_end(front, s3):
    with by_paramiko(front()) as sftp:
        upload(sftp, "roster.zip", b"first")
        for mode in ("ab", "r+b", "wxb"):
            with pytest.raises(OSError, match=r"support|exists"):
                sftp.open("roster.zip", mode).close()
        file = sftp.open("random.zip", "wb", bufsize=0)
        file.write(b"start")
        file.seek(100)
        with pytest.raises(OSError, match="Random access"):
            file.write(b"far away")
        file.close()
    assert keys(s3) == [f"{PREFIX}/roster.zip"]
    assert body(s3, "roster.zip") == b"first"


def test_a_stored_file_is_not_opened_for_changing_it(front, s3):
    login = front()

    async def change(name: str, flags: int) -> None:
        known = asyncssh.import_known_hosts(f"[127.0.0.1]:{login.port} {login.host_key}\n")
        async with (
            asyncssh.connect(
                "127.0.0.1",
                login.port,
                username=login.username,
                password=login.password,
                client_keys=None,
                agent_path=None,
                config=None,
                known_hosts=known,
            ) as connection,
            connection.start_sftp_client() as sftp,
            sftp.open(name, flags, encoding=None) as file,
        ):
            await file.write(b"changed", 0)

    with by_paramiko(login) as sftp:
        upload(sftp, "roster.zip", b"first")
    with pytest.raises(asyncssh.SFTPOpUnsupported):
        asyncio.run(change("roster.zip", asyncssh.FXF_WRITE | asyncssh.FXF_CREAT))
    with pytest.raises(asyncssh.SFTPNoSuchFile):
        asyncio.run(change("new.zip", asyncssh.FXF_WRITE))
    asyncio.run(change("new.zip", asyncssh.FXF_WRITE | asyncssh.FXF_CREAT))
    assert (body(s3, "roster.zip"), body(s3, "new.zip")) == (b"first", b"changed")


def test_modes_and_times_are_ignored_or_refused_as_the_server_is_set(front, tmp_path):
    (tmp_path / "roster.zip").write_bytes(CONTENT)
    assert openssh(front(), "put -p roster.zip", "chmod 600 roster.zip", folder=tmp_path).returncode == 0
    strict = front(server=TransferServer(SERVER.id, ignores_set_stat=False))
    assert openssh(strict, "chmod 600 roster.zip", folder=tmp_path).returncode != 0


def test_links_do_not_exist(front):
    with by_paramiko(front()) as sftp:
        upload(sftp, "roster.zip")
        for link in (lambda: sftp.symlink("/etc/passwd", "link"), lambda: sftp.readlink("roster.zip")):
            with pytest.raises(OSError, match="not supported"):
                link()


def test_parts_of_a_file_are_read_in_any_order(front):
    content = os.urandom(9_000_000)
    with by_paramiko(front()) as sftp:
        upload(sftp, "roster.zip", content)
        with sftp.open("roster.zip", "rb") as file:
            for start in (8_500_000, 0, 4_194_300, 8_999_999, 9_000_000):
                file.seek(start)
                assert file.read(100_000) == content[start : start + 100_000]


def test_mapped_folders_are_seen_and_nothing_else(front, s3):
    details = [
        {"Entry": "/in", "Target": f"/{BUCKET}/{PREFIX}"},
        {"Entry": "/out/reports", "Target": f"/{BUCKET}/reports"},
    ]
    s3.put_object(Bucket=BUCKET, Key="reports/one.csv", Body=b"1")
    with by_paramiko(front(Provider(HomeDirectoryDetails=json.dumps(details), Policy=None))) as sftp:
        assert sftp.listdir() == ["in", "out"]
        assert sftp.listdir("out") == ["reports"]
        assert sftp.listdir("out/reports") == ["one.csv"]
        upload(sftp, "in/roster.zip")
        assert body(s3, "roster.zip") == CONTENT
        with pytest.raises(PermissionError):
            upload(sftp, "elsewhere.zip")
        with pytest.raises(FileNotFoundError):
            sftp.stat("top.zip")
        with pytest.raises(PermissionError):
            sftp.rmdir("out/reports")


# -- nobody leaves their home -----------------------------------------------------------------------------------------

OUTSIDE = [
    "../account-2/secret.zip",
    "/../account-2/secret.zip",
    "/../../top.zip",
    "inbox/../../../top.zip",
    "//home/account-2/secret.zip",
    "/home/account-2/secret.zip",
    "..//..//top.zip",
    "0/secret.zip",
]


@pytest.mark.parametrize("path", OUTSIDE)
@pytest.mark.parametrize("policy", ["with a session policy", "without one"])
def test_no_path_leads_out_of_the_home(front, s3, path, policy):
    before = {key: s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys(s3, "")}
    provider = Provider() if policy == "with a session policy" else Provider(Policy=None)
    with by_paramiko(front(provider)) as sftp:
        for action in (sftp.open, sftp.stat, sftp.listdir, sftp.remove, sftp.rmdir):
            with pytest.raises(OSError, match=r"(?i)no such|denied"):
                action(path)
        upload(sftp, "own.zip")
        sftp.rename("own.zip", path)
        upload(sftp, path, b"my own")
        assert sftp.normalize(path).startswith("/")
    after = keys(s3, "")
    assert {key: s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in before} == before
    assert all(key.startswith(f"{PREFIX}/") for key in set(after) - set(before))


def narrow(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def test_a_session_policy_narrower_than_the_home_is_obeyed(front, s3):
    objects = f"arn:aws:s3:::{BUCKET}/{PREFIX}"
    policy = narrow(
        {"Effect": "Allow", "Action": "s3:*", "Resource": [f"arn:aws:s3:::{BUCKET}", f"{objects}/*"]},
        {"Effect": "Deny", "Action": "s3:DeleteObject*", "Resource": "*"},
        {"Effect": "Deny", "Action": "s3:*", "Resource": f"{objects}/private/*"},
        {
            "Effect": "Deny",
            "Action": "s3:ListBucket",
            "Resource": "*",
            "Condition": {"StringLike": {"s3:prefix": f"{PREFIX}/private/*"}},
        },
    )
    s3.put_object(Bucket=BUCKET, Key=f"{PREFIX}/private/secret.zip", Body=b"secret")
    with by_paramiko(front(Provider(Policy=policy))) as sftp:
        upload(sftp, "roster.zip")
        for refused in (
            lambda: sftp.remove("roster.zip"),
            lambda: sftp.rename("roster.zip", "renamed.zip"),
            lambda: sftp.open("private/secret.zip"),
            lambda: upload(sftp, "private/new.zip"),
            lambda: sftp.listdir("private"),
            lambda: sftp.rename("roster.zip", "private/roster.zip"),
        ):
            with pytest.raises(PermissionError):
                refused()
    assert keys(s3) == [f"{PREFIX}/private/secret.zip", f"{PREFIX}/roster.zip"]


def test_a_home_outside_the_session_policy_gives_nothing(front):
    elsewhere = json.dumps([{"Entry": "/", "Target": f"/{BUCKET}/home/account-2"}])
    with by_paramiko(front(Provider(HomeDirectoryDetails=elsewhere))) as sftp:
        for refused in (sftp.listdir, lambda: sftp.open("secret.zip"), lambda: upload(sftp, "mine.zip")):
            with pytest.raises(PermissionError):
                refused()


# -- load ---


@pytest.mark.parametrize("client", CLIENTS)
def test_fifty_megabytes_go_through(front, tmp_path, client):
    content = os.urandom(50_000_000)
    started = time.monotonic()
    assert CLIENTS[client](front(), content, tmp_path) == content
    assert time.monotonic() - started < 20


def test_ten_clients_at_once(front, s3, tmp_path):
    login, barrier = front(), threading.Barrier(10)

    def go(number: int) -> bool:
        folder = tmp_path / str(number)
        folder.mkdir()
        content = os.urandom(1_000_000)
        (folder / "mine.zip").write_bytes(content)
        barrier.wait(20)
        with by_paramiko(login) as sftp:
            sftp.put(str(folder / "mine.zip"), f"{number}.zip")
            with sftp.open(f"{number}.zip", "rb") as file:
                return file.read() == content

    with ThreadPoolExecutor(10) as pool:
        assert all(pool.map(go, range(10)))
    assert len(keys(s3)) == 10
