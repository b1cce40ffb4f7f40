"""Upload a file as a school's SIS would: with the OpenSSH ``sftp`` client, or paramiko where there is none."""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import paramiko

PASSWORD_VARIABLE = "ROSTERBRIDGE_SFTP_PASSWORD"  # noqa: S105 the variable's name
CLIENT_SECONDS = 600


class UploadError(RuntimeError):
    """The upload did not succeed; the message is the client's last line."""


@dataclass(frozen=True)
class Server:
    """Where to upload, and the host key that is expected there (``type base64``)."""

    host: str
    port: int
    host_key: str
    username: str
    password: str


def remote_name(path: Path) -> str:
    """Return a name for ``path`` that every SFTP server takes, and that is not taken for an unfinished file."""
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", path.stem).strip("-") or "roster"
    return f"{stem[:100]}.zip"


def find_client(tell: Callable[[str], None]) -> str | None:
    """Return the path of ``sftp``; installs it where that is possible, and returns None where it is not."""
    if found := shutil.which("sftp"):
        return found
    if shutil.which("apt-get") and os.geteuid() == 0:
        tell("installing openssh-client (for sftp) ...")
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for words in (["update"], ["install", "--yes", "--no-install-recommends", "openssh-client"]):
            subprocess.run(["apt-get", "-qq", *words], env=environment, capture_output=True, check=False)  # noqa: S603, S607
    return shutil.which("sftp")


def upload(path: Path, server: Server, client: str | None) -> str:
    """Upload ``path`` into the home and return its name there; raises UploadError."""
    name = remote_name(path)
    if client is None:
        _with_paramiko(path, server, name)
    else:
        _with_openssh(path, server, name, client)
    return name


def _with_openssh(path: Path, server: Server, name: str, client: str) -> None:
    with tempfile.TemporaryDirectory(prefix="upload-") as folder:
        here = Path(folder)
        # a name of our own: sftp's commands have their own quoting and patterns
        (here / "upload.zip").symlink_to(path.resolve())
        (here / "commands").write_text(f"put upload.zip {name}\n")
        (here / "known_hosts").write_text(f"[{server.host}]:{server.port} {server.host_key}\n")
        askpass = here / "askpass"
        askpass.write_text(f'#!/bin/sh\nprintf "%s\\n" "${PASSWORD_VARIABLE}"\n')
        askpass.chmod(0o700)
        options = {
            "BatchMode": "no",  # -b switches passwords off; what stands first wins
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": "known_hosts",
            "GlobalKnownHostsFile": os.devnull,
            "PreferredAuthentications": "password",
            "NumberOfPasswordPrompts": "1",
            "LogLevel": "ERROR",
        }
        command = [
            *(client, "-F", os.devnull),
            *(word for option, value in options.items() for word in ("-o", f"{option}={value}")),
            *("-b", "commands", "-P", str(server.port), f"{server.username}@{server.host}"),
        ]
        secret = {
            "SSH_ASKPASS": str(askpass),
            "SSH_ASKPASS_REQUIRE": "force",
            "DISPLAY": os.environ.get("DISPLAY", "none"),  # OpenSSH before 8.4 asks the script only with a display
            PASSWORD_VARIABLE: server.password,
        }
        done = subprocess.run(  # noqa: S603
            command,
            cwd=here,
            env={**os.environ, **secret},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=CLIENT_SECONDS,
            start_new_session=True,
            check=False,
        )
    if done.returncode:
        raise UploadError(_reason(done.stderr) or f"sftp ended with {done.returncode}")


def _with_paramiko(path: Path, server: Server, name: str) -> None:
    kind, key = server.host_key.split()
    with paramiko.SSHClient() as ssh:
        ssh.get_host_keys().add(
            f"[{server.host}]:{server.port}", kind, paramiko.PKey.from_type_string(kind, base64.b64decode(key))
        )
        try:
            ssh.connect(
                server.host,
                server.port,
                server.username,
                server.password,
                allow_agent=False,
                look_for_keys=False,
                timeout=15,
            )
            with ssh.open_sftp() as sftp:
                sftp.put(str(path), name, confirm=False)  # the service takes the file away at once
        except (paramiko.SSHException, OSError) as error:
            raise UploadError(f"{type(error).__name__}: {error}") from None


def _reason(text: str) -> str:
    """Return the client's last line before it says that the connection is closed."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and "Connection closed" not in line]
    return lines[-1] if lines else ""
