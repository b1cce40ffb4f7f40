"""The host key of a local SFTP server: made once, kept in a file."""

from __future__ import annotations

import os
from pathlib import Path

import asyncssh


def host_key(path: Path) -> asyncssh.SSHKey:
    """Return the private key in ``path``; a missing one is made (Ed25519, mode 0600)."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        # complete under another name first, so that a kill never leaves half a key; never readable by others
        unfinished = path.with_name(f"{path.name}.{os.getpid()}")
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(asyncssh.generate_private_key("ssh-ed25519").export_private_key())
        unfinished.replace(path)
    return asyncssh.read_private_key(path)


def public_text(key: asyncssh.SSHKey) -> str:
    """Return the public half as one line: kind and base64."""
    return " ".join(key.export_public_key().decode().split()[:2])
