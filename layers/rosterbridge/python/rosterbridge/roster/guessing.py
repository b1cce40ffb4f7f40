"""Finds header cells that are close to a missing column's name: a misspelling, if only one cell and one column meet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher

from rosterbridge.roster.formats import FileFormat

CLOSE = 0.85  # of difflib's ratio: one or two letters of a usual name


def near_misses(fmt: FileFormat, cells: Sequence[str], found: Mapping[str, int]) -> dict[str, int]:
    """Return the missing columns that exactly one unknown cell may mean, with its position."""
    taken = frozenset(found.values())
    unknown = {
        position: name
        for position, cell in enumerate(cells)
        if position not in taken and (name := cell.strip().casefold())
    }
    pairs = [
        (column, position)
        for column in fmt.columns
        if column not in found
        for position in _close(column.casefold(), unknown)
    ]
    if not pairs:
        return {}
    from rosterbridge.roster.schemas import oneroster_columns  # only now: a name of the standard means itself

    known = oneroster_columns(fmt.name)
    pairs = [(column, position) for column, position in pairs if unknown[position] not in known]
    columns, positions = Counter(column for column, _ in pairs), Counter(position for _, position in pairs)
    return {column: position for column, position in pairs if columns[column] == positions[position] == 1}


def _close(column: str, cells: Mapping[int, str]) -> list[int]:
    matcher = SequenceMatcher(b=column, autojunk=False)
    close = []
    for position, cell in cells.items():
        matcher.set_seq1(cell)
        if matcher.real_quick_ratio() >= CLOSE and matcher.quick_ratio() >= CLOSE and matcher.ratio() >= CLOSE:
            close.append(position)
    return close
