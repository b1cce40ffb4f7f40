"""Public keys in files, and the fingerprints of host keys."""

from __future__ import annotations

import base64
import binascii
import hashlib
from pathlib import Path
from typing import Annotated

import typer

from rosterbridge.cli.api_client import Json
from rosterbridge.cli.terminal import refuse_usage

MAX_BYTES = 64 * 1024
PRIVATE = ("PRIVATE KEY", "PuTTY-User-Key-File")

PublicKeysOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--public-key",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        readable=True,
        help="Sign in with this public key (OpenSSH, one a line) instead of a password; may be given again.",
    ),
]


def read_keys(paths: list[Path] | None) -> list[Json]:
    """Return the keys of the files, labelled by the files' names; a private key never leaves this machine."""
    return [key for path in paths or [] for key in _keys_of(path)]


def _keys_of(path: Path) -> list[Json]:
    with path.open("rb") as file:
        text = file.read(MAX_BYTES).decode("utf-8", errors="replace")
    if any(mark in text for mark in PRIVATE):
        raise refuse_usage(f"{path.name} is a private key, which stays where it is: give the file that ends in .pub")
    lines = [line.strip() for line in text.splitlines()]
    keys = [line for line in lines if line and not line.startswith("#")]
    if not keys:
        raise refuse_usage(f"{path.name} holds no key")
    return [{"text": key, "label": path.stem[:100]} for key in keys]


def fingerprint(key: str) -> str:
    """Return a key's fingerprint as OpenSSH writes it; an empty text for what is no key."""
    try:
        blob = base64.b64decode(key.split()[1], validate=True)
    except (IndexError, binascii.Error):
        return ""
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    return f"SHA256:{digest}"
