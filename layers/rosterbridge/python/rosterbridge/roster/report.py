"""What validation and conversion found: entries with a place and a mend, and counts that add up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Severity = Literal["error", "warning"]
Format = Literal["oneroster", "oneroster-1.0", "oneroster-1.1", "oneroster-1.2", "asm", "unknown"]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Entry(_Model):
    """One finding; ``line`` is the one that a text editor shows, ``mend`` says how to put it right."""

    code: str
    severity: Severity
    message: str
    mend: str
    file: str | None = None
    line: int | None = None
    column: str | None = None


class Total(_Model):
    """How often a code was found in a file; entries stop at a thousand, this number does not."""

    code: str
    severity: Severity
    file: str | None
    count: int


class FileCounts(_Model):
    """A source file's rows: ``read`` = ``sent`` + ``left_out`` (by a rule) + ``dropped`` (by an error)."""

    read: int
    sent: int
    left_out: int = 0
    dropped: int = 0
    reasons: dict[str, int] = Field(default_factory=dict)


class Report(_Model):
    """The outcome of an upload; ``sent`` counts the rows of each file that Apple gets.

    ``rejected_by`` is the code that rejects it; ``unchanged`` says that the upload goes to Apple byte for byte.
    """

    accepted: bool
    rejected_by: str | None = None
    format: Format
    summary: str
    entries: tuple[Entry, ...] = ()
    totals: tuple[Total, ...] = ()
    counts: dict[str, FileCounts] = Field(default_factory=dict)
    sent: dict[str, int] = Field(default_factory=dict)
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
