"""Logical home directories: from the path that a client names to the place in S3."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field


class Mapping(BaseModel):
    """Transfer Family's mapping: the folder that a client sees, and ``/bucket/prefix`` behind it."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    entry: str = Field(alias="Entry", pattern=r"^/([^/]+(/[^/]+)*)?$")
    target: str = Field(alias="Target", pattern=r"^/[^/]+(/[^/]+)*$")


@dataclass(frozen=True)
class Place:
    """A key in a bucket, of a file or (without the slash at its end) of a folder; ``""`` is the whole bucket."""

    bucket: str
    key: str

    @property
    def folder_prefix(self) -> str:
        """The prefix of everything in this folder."""
        return f"{self.key}/" if self.key else ""


def normalized(path: bytes) -> str:
    """Return the absolute path without ``.`` and ``..``, which ends at ``/``; raises ValueError if not UTF-8."""
    text = path.decode()  # UnicodeDecodeError is a ValueError
    if "\0" in text:
        message = "NUL in a path"
        raise ValueError(message)
    return "/" + posixpath.normpath("/" + text).lstrip("/")


class Home:
    """What a client sees; nothing outside of it has a path."""

    def __init__(self, mappings: Sequence[Mapping]) -> None:
        # the longest entry first: it is the one that holds
        self._mappings = sorted(mappings, key=lambda mapping: len(mapping.entry), reverse=True)

    def place(self, path: str) -> Place | None:
        """Return the place behind a normalized path; None for a folder that only leads to mapped ones, or nowhere."""
        for mapping in self._mappings:
            entry = mapping.entry.rstrip("/")
            if path == mapping.entry or path.startswith(f"{entry}/"):
                bucket, _, prefix = mapping.target.lstrip("/").partition("/")
                rest = path[len(entry) :].strip("/")
                return Place(bucket, "/".join(part for part in (prefix, rest) if part))
        return None

    def is_entry(self, path: str) -> bool:
        """Tell whether a path is itself mapped, and so cannot be removed or replaced."""
        return any(mapping.entry == path for mapping in self._mappings)

    def below(self, path: str) -> list[str]:
        """Return the names of mapped folders, and of those leading to them, directly below ``path``."""
        start = path.rstrip("/") + "/"
        names = {mapping.entry[len(start) :].partition("/")[0] for mapping in self._mappings if
                 mapping.entry.startswith(start) and mapping.entry != start}  # fmt: skip
        return sorted(names)
