"""The corpus of bad uploads: each has its name, the code with which it must end, and something else wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain

from tests.support import bad_archives, bad_tables


@dataclass(frozen=True)
class BadUpload:
    """What is uploaded, and the code with which it is rejected."""

    name: str
    code: str
    content: bytes = field(repr=False)


def corpus() -> Iterator[BadUpload]:
    """Yield every bad upload."""
    kinds = (
        bad_archives.no_zips(),
        bad_archives.broken_off(),
        bad_archives.damaged(),
        bad_archives.unsafe(),
        bad_archives.refused(),
        bad_archives.odd_names(),
        bad_tables.encodings(),
        bad_tables.quotes_and_lines(),
        bad_tables.headers(),
        bad_tables.formats(),
        bad_tables.rows(),
        bad_tables.apples(),
    )
    for name, code, content in chain(*kinds):
        yield BadUpload(name, code, content)
