"""Password hashes: argon2id."""

from __future__ import annotations

import base64
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError


class Argon2Hasher:
    """Hashes with argon2id; comparing costs the same whether there is a hash to compare with or not."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._nobodys_hash = _nobodys_hash(self._hasher)

    def hash(self, password: str) -> str:
        """Return the hash that is kept."""
        return self._hasher.hash(password)

    def matches(self, password: str, password_hash: str | None) -> bool:
        """Return whether they match; without a hash, do the same work and return False."""
        try:
            return self._hasher.verify(password_hash or self._nobodys_hash, password) and password_hash is not None
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return False


def _nobodys_hash(hasher: PasswordHasher) -> str:
    """Return a hash of no known password, without the work of hashing, which the first stranger would notice."""
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    salt, digest = (_base64(secrets.token_bytes(length)) for length in (hasher.salt_len, hasher.hash_len))
    return f"$argon2id$v=19${cost}${salt}${digest}"


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode().rstrip("=")
