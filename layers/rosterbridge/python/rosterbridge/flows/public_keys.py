"""Public keys in OpenSSH's form: those that a file account signs in with, and those that a server shows."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from datetime import datetime

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    SSHPublicKeyTypes,
    load_ssh_public_key,
    ssh_key_fingerprint,
)
from pydantic import AwareDatetime, Field

from rosterbridge.errors import ConflictError, InvalidRequestError
from rosterbridge.flows.changes import new_id
from rosterbridge.flows.models import Label, Model, PublicKey

MAX_KEYS = 10
MAX_CHARACTERS = 8192  # an RSA key of 16,384 bits has 2,800
SMALLEST_RSA_BITS = 3072
SMALLEST_RSA_BITS_OF_A_SERVER = 2048
TYPES = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa")
PRIVATE = re.compile(r"PRIVATE KEY|PuTTY-User-Key-File")
OTHER_TYPE = re.compile(r"(ssh|sk|ecdsa)-[a-z0-9@.-]+")


class NewPublicKey(Model):
    """A key to be added: one line of OpenSSH, with or without a comment."""

    text: str = Field(max_length=MAX_CHARACTERS)
    label: Label = ""
    expires_at: AwareDatetime | None = None


def accept_key(given: NewPublicKey, known: Iterable[PublicKey], now: datetime) -> PublicKey:
    """Return the key as it is kept.

    Raises InvalidRequestError (``private-key-given``, ``key-type-refused``, ``key-too-short``, ``key-malformed``,
    ``key-expired``), or ConflictError ``key-known``, ``too-many-keys``.
    """
    text, fingerprint = parse_key(given.text, smallest_rsa_bits=SMALLEST_RSA_BITS)
    if given.expires_at is not None and given.expires_at <= now:
        raise InvalidRequestError("key-expired", field="expires_at")
    present = list(known)
    if any(key.fingerprint == fingerprint for key in present):
        raise ConflictError("key-known")
    if len(present) >= MAX_KEYS:
        raise ConflictError("too-many-keys")
    return PublicKey(
        id=new_id("key"),
        label=given.label,
        text=text,
        fingerprint=fingerprint,
        added_at=now,
        expires_at=given.expires_at,
    )


def accept_host_key(text: str) -> str:
    """Return a server's key as it is kept; raises InvalidRequestError as ``accept_key`` does."""
    return parse_key(text, smallest_rsa_bits=SMALLEST_RSA_BITS_OF_A_SERVER)[0]


def parse_key(text: str, *, smallest_rsa_bits: int) -> tuple[str, str]:
    """Return type and key without the comment, and the fingerprint ``SHA256:…``; raises InvalidRequestError."""
    if PRIVATE.search(text):
        raise InvalidRequestError("private-key-given", field="text")
    line = text.strip()
    kind = line.split(maxsplit=1)[0] if line else ""
    if kind not in TYPES:
        code = "key-type-refused" if OTHER_TYPE.fullmatch(kind) else "key-malformed"
        raise InvalidRequestError(code, field="text")
    if len(line) > MAX_CHARACTERS or "\n" in line or "\r" in line:
        raise InvalidRequestError("key-malformed", field="text")
    try:
        key = load_ssh_public_key(line.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise InvalidRequestError("key-malformed", field="text") from None
    if isinstance(key, RSAPublicKey) and key.key_size < smallest_rsa_bits:
        raise InvalidRequestError("key-too-short", field="text")
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode(), fingerprint_of(key)


def fingerprint_of(key: SSHPublicKeyTypes) -> str:
    """Return a public key's fingerprint as OpenSSH shows it: ``SHA256:…``."""
    digest = base64.b64encode(ssh_key_fingerprint(key, hashes.SHA256())).decode().rstrip("=")
    return f"SHA256:{digest}"
