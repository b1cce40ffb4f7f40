"""What validation and conversion found: entries with a place and a mend, and counts that add up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["error", "warning"]
Format = Literal["oneroster", "oneroster-1.0", "oneroster-1.1", "oneroster-1.2", "asm", "unknown"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One finding; ``line`` is the one that a text editor shows, ``mend`` says how to put it right."""

    code: str
    severity: Severity
    message: str
    mend: str
    file: str | None = None
    line: int | None = None
    column: str | None = None


@dataclass(frozen=True, slots=True)
class Total:
    """How often a code was found in a file; entries stop at a thousand, this number does not."""

    code: str
    severity: Severity
    file: str | None
    count: int


@dataclass(frozen=True, slots=True)
class FileCounts:
    """A source file's rows: ``read`` = ``sent`` + ``left_out`` (by a rule) + ``dropped`` (by an error)."""

    read: int
    sent: int
    left_out: int = 0
    dropped: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of an upload; ``sent`` counts the rows of each file that Apple gets.

    ``rejected_by`` is the code that rejects it; ``unchanged`` says that the upload goes to Apple byte for byte;
    ``skipped`` names the files that were recognised and not opened.
    """

    accepted: bool
    format: Format
    summary: str
    rejected_by: str | None = None
    entries: tuple[Entry, ...] = ()
    totals: tuple[Total, ...] = ()
    counts: Mapping[str, FileCounts] = field(default_factory=dict)
    sent: Mapping[str, int] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()
    unchanged: bool = False

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the errors, each once, in the order found."""
        return tuple(dict.fromkeys(total.code for total in self.totals if total.severity == "error"))


# Apple's files in the order in which people speak of them: one of it, several
THINGS = {
    "students.csv": ("student", "students"),
    "staff.csv": ("staff", "staff"),
    "courses.csv": ("course", "courses"),
    "classes.csv": ("class", "classes"),
    "rosters.csv": ("roster", "rosters"),
    "locations.csv": ("location", "locations"),
}


def counted(counts: Mapping[str, int]) -> str:
    """Return how many rows of each of Apple's files, in words: ``248 students, 17 staff, 1 location``.

    The order is Apple's whatever that of ``counts`` is, since a database need not keep one; other counts are passed
    over.
    """
    return ", ".join(f"{counts[file]:,} {words[counts[file] != 1]}" for file, words in THINGS.items() if file in counts)
