"""What the host keys need from outside: where they are kept, and the server that shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class ServerKey:
    """A key that the server has."""

    id: str
    fingerprint: str


class KeySecret(Protocol):
    """Where the keys are kept."""

    def read(self) -> str | None:
        """Return them, or None as long as there are none."""

    def keep(self, keys: str) -> str:
        """Store the first ones and return what is stored, which are others if somebody was faster."""


class KeyedServer(Protocol):
    """The server that shows them."""

    def host_keys(self) -> Sequence[ServerKey]:
        """Return the keys that it has."""

    def import_key(self, private: str) -> None:
        """Give it one more."""

    def delete_key(self, key_id: str) -> None:
        """Take one away."""
