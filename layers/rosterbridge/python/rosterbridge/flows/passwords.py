"""Passwords of file accounts: made here, shown once, kept as a hash."""

from __future__ import annotations

import secrets
import string
from typing import Protocol

PASSWORD_LENGTH = 24
# No characters that look alike or that a shell would take for its own
PASSWORD_ALPHABET = "".join(sorted(set(string.ascii_letters + string.digits) - set("Il1O0o")))


class PasswordHash(Protocol):
    """Makes the hash that is kept instead of a password."""

    def hash(self, password: str) -> str:
        """Return the hash."""


def generate_password() -> str:
    """Return 24 random characters that are easy to copy."""
    return "".join(secrets.choice(PASSWORD_ALPHABET) for _ in range(PASSWORD_LENGTH))
