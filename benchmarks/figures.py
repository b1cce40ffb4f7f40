"""The measured figures that cost and nights are computed from, as ``steps`` and ``requests`` keep them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

FIGURES = Path(__file__).with_name("figures.json")


def keep(file: Path, more: Mapping[str, Any]) -> None:
    """Put figures into the file; what it has of other names, one level deep, stays."""
    known: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    for name, values in more.items():
        known[name] = {**known.get(name, {}), **values} if isinstance(values, Mapping) else values
    file.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def between(points: list[tuple[float, float]], at: float) -> float:
    """Return the value on the lines through the points, in order; below the first it is the first's, above goes on."""
    (left, low), *others = points
    if at <= left:
        return low
    for right, high in others:
        if at <= right or (right, high) == others[-1]:
            return low + (high - low) * (at - left) / (right - left)
        left, low = right, high
    return low


@dataclass(frozen=True)
class Figures:
    """What was measured, for a district of any size."""

    sizes: Mapping[str, Any]
    functions: Mapping[str, Any]
    memory: Mapping[str, int]
    transitions: int
    log_bytes: int

    @classmethod
    def load(cls, file: Path = FIGURES) -> Figures:
        """Read the figures."""
        known = json.loads(file.read_text(encoding="utf-8"))
        return cls(**{field.name: known[field.name] for field in fields(cls)})

    def step(self, name: str, kind: str, pupils: float) -> float:
        """Return seconds of ``wall`` or ``cpu`` of a step, without Python's start and without AWS."""
        return between(self._points(lambda size: size["steps"][name][kind]), pupils)

    def file(self, name: str, pupils: float, place: str = "run_files") -> float:
        """Return the bytes of one file of a run, or of its flow (``lane_files``)."""
        return between(self._points(lambda size: size[place][name]), pupils)

    def files(self, pupils: float, place: str = "run_files") -> float:
        """Return the bytes of all files of a run, or of its flow."""
        return between(self._points(lambda size: sum(size[place].values())), pupils)

    def _points(self, value: Any) -> list[tuple[float, float]]:
        return sorted((size["pupils"], value(size)) for size in self.sizes.values())


@cache
def figures() -> Figures:
    """Return the figures that are kept."""
    return Figures.load()
