"""Reads ``docs/privacy.md``: its tables, by their headings."""

from __future__ import annotations

import re
from pathlib import Path

TEXT = (Path(__file__).parents[2] / "docs" / "privacy.md").read_text(encoding="utf-8")


def section(heading: str) -> str:
    """Return what stands under a heading, up to the next one of any level."""
    _, _, rest = TEXT.partition(f"\n{heading}\n")
    assert rest, heading
    return re.split(r"\n#+ ", rest, maxsplit=1)[0]


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table under a heading, without its head."""
    lines = [line for line in section(heading).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def words(text: str) -> set[str]:
    """Return what is written as code."""
    return set(re.findall(r"`([^`]+)`", text))


def models() -> set[str]:
    """Return the models that have a section."""
    return set(re.findall(r"^### `(\w+)`$", TEXT, re.MULTILINE))


def days() -> dict[str, str]:
    """Return how long each thing is kept, as it is written, by its name."""
    return {cells[0]: cells[1] for cells in rows("## How long")}
