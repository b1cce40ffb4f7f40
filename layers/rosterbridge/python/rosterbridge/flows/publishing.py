"""Publish the console's pages: what was built for every deployment, with what this one adds to it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Protocol

from rosterbridge.flows.pages import LASTING


class PageStore(Protocol):
    """Where the pages are read by whoever serves them."""

    def put(self, name: str, content: bytes) -> None:
        """Store a page or a file of the pages."""

    def clear(self) -> int:
        """Remove everything and return how many files that were."""


def publish(archive: bytes, own: Mapping[str, str], store: PageStore) -> int:
    """Store the archive's files, of which ``own`` replaces or adds some, and return how many.

    First those whose names change with their content, so that a page never names one that is not there yet. What an
    earlier version had stays, since pages that are open now may still ask for it.
    """
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        files = {name: packed.read(name) for name in packed.namelist() if not name.endswith("/")}
    files |= {name: text.encode() for name, text in own.items()}
    for name in sorted(files, key=lambda name: (not name.startswith(LASTING), name)):
        store.put(name, files[name])
    return len(files)
