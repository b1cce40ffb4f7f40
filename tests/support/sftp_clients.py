"""The three SFTP clients of the tests, each with the same few verbs: paramiko, asyncssh and OpenSSH's ``sftp``."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncssh
import paramiko

from tests.support.openssh import openssh_client

HOST = "127.0.0.1"
SECONDS = 60


class SignInRefusedError(Exception):
    """The server refused; the text is what the client was told."""


@dataclass(frozen=True)
class Login:
    """Where and as whom to sign in; with ``key`` (a private key file) instead of a password if given."""

    port: int
    host_key: str
    username: str
    password: str = ""
    key: Path | None = None


@contextmanager
def by_paramiko(login: Login) -> Iterator[paramiko.SFTPClient]:
    """Sign in with paramiko; raises SignInRefusedError."""
    with paramiko.Transport((HOST, login.port)) as transport:
        transport.start_client(timeout=SECONDS)
        key = transport.get_remote_server_key()
        assert login.host_key.split()[:2] == [key.get_name(), key.get_base64()]
        try:
            if login.key:
                transport.auth_publickey(login.username, paramiko.Ed25519Key.from_private_key_file(str(login.key)))
            else:
                transport.auth_password(login.username, login.password)
        except paramiko.AuthenticationException as error:
            raise SignInRefusedError(str(error)) from None
        with paramiko.SFTPClient.from_transport(transport) as sftp:
            yield sftp


# What is put and got has a temporary name: another would be taken by the deployed pipeline in between


def put_and_get_by_paramiko(login: Login, content: bytes, folder: Path) -> bytes:
    """Upload and fetch back."""
    local, back = folder / "paramiko.part", folder / "paramiko.back"
    local.write_bytes(content)
    with by_paramiko(login) as sftp:
        sftp.put(str(local), "paramiko.part", confirm=True)
        sftp.get("paramiko.part", str(back))
    return back.read_bytes()


def put_and_get_by_asyncssh(login: Login, content: bytes, folder: Path) -> bytes:
    """Upload and fetch back."""
    local, back = folder / "asyncssh.part", folder / "asyncssh.back"
    local.write_bytes(content)

    async def go() -> None:
        options = {"password": login.password, "client_keys": None}
        if login.key:
            options = {"client_keys": [str(login.key)], "password": None}
        known = asyncssh.import_known_hosts(f"[{HOST}]:{login.port} {login.host_key}\n")
        try:
            async with (
                asyncssh.connect(
                    HOST,
                    login.port,
                    username=login.username,
                    known_hosts=known,
                    agent_path=None,
                    config=None,
                    **options,
                ) as connection,
                connection.start_sftp_client() as sftp,
            ):
                await sftp.put(str(local), "asyncssh.part")
                await sftp.get("asyncssh.part", str(back))
        except asyncssh.PermissionDenied as error:
            raise SignInRefusedError(str(error)) from None

    asyncio.run(go())
    return back.read_bytes()


def openssh(login: Login, *commands: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a batch of OpenSSH ``sftp`` commands; nothing of the user's own configuration takes part."""
    known, ask = folder / "known_hosts", folder / "askpass"
    known.write_text(f"[{HOST}]:{login.port} {login.host_key}\n")
    ask.write_text('#!/bin/sh\nprintf "%s\\n" "$SFTP_PASSWORD"\n')
    ask.chmod(0o700)
    batch = folder / "batch"
    batch.write_text("".join(f"{command}\n" for command in commands))
    options = {
        "UserKnownHostsFile": str(known),
        "GlobalKnownHostsFile": os.devnull,
        "StrictHostKeyChecking": "yes",
        "BatchMode": "no",  # ``-b`` switches it on, which would forbid a password
        "NumberOfPasswordPrompts": "1",
        "PreferredAuthentications": "publickey" if login.key else "password",
        "IdentitiesOnly": "yes",
    }
    arguments = [f"-o{name}={value}" for name, value in options.items()]
    if login.key:
        arguments.append(f"-i{login.key}")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "SSH_ASKPASS": str(ask),
        "SSH_ASKPASS_REQUIRE": "force",
        "SFTP_PASSWORD": login.password,
    }
    command = [openssh_client(), "-F", os.devnull, *arguments, "-P", str(login.port), "-b", str(batch)]
    return subprocess.run(
        [*command, f"{login.username}@{HOST}"],
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def put_and_get_by_openssh(login: Login, content: bytes, folder: Path) -> bytes:
    """Upload and fetch back."""
    (folder / "openssh.part").write_bytes(content)
    done = openssh(login, "put openssh.part", "get openssh.part openssh.back", folder=folder)
    if "Permission denied" in done.stderr:
        raise SignInRefusedError(done.stderr)
    assert done.returncode == 0, done.stderr
    return (folder / "openssh.back").read_bytes()


CLIENTS: dict[str, Callable[[Login, bytes, Path], bytes]] = {
    "paramiko": put_and_get_by_paramiko,
    "asyncssh": put_and_get_by_asyncssh,
    "openssh": put_and_get_by_openssh,
}
