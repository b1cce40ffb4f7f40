"""Tables of what was measured, and the page that keeps them."""

from __future__ import annotations

import math
import os
import platform
import re
import subprocess
from importlib import metadata
from pathlib import Path

from benchmarks.measure import FLOOR, PANDAS_PYTHON, REFERENCE, median
from benchmarks.processes import PEAK_MEASURE, Taken

CONVERSION = ("polars", "isal")  # the packages that a conversion's speed depends on


def table(taken: dict[str, list[Taken]]) -> str:
    """Return a Markdown table: medians, smallest and largest in brackets."""
    lines = [
        f"| engine | wall s | CPU s | {PEAK_MEASURE} | wall ÷ floor | plain Python ÷ this | rounds |",
        "|---|---|---|---|---|---|---|",
    ]
    floor, reference = (median(taken.get(name, []), "wall") for name in (FLOOR, REFERENCE))
    for name, runs in taken.items():
        failed = [one.failed for one in runs if one.failed]
        rounds = f"{len(runs)}, {len(failed)} failed ({failed[0]})" if failed else f"{len(runs)}"
        wall = median(runs, "wall")
        cells = [name, spread(runs, "wall"), spread(runs, "cpu"), spread(runs, "peak_mb")]
        lines.append("| " + " | ".join([*cells, _ratio(wall, floor), _ratio(reference, wall), rounds]) + " |")
    return "\n".join(lines)


def spread(runs: list[Taken], what: str) -> str:
    """Return the median of what the runs that ended well took, and the smallest and largest."""
    values = [getattr(one, what) for one in runs if not one.failed]
    if not values:
        return "–"
    digits = 0 if what == "peak_mb" else 3 if max(values) < 1 else 2 if max(values) < 10 else 1  # noqa: PLR2004
    low, high = min(values), max(values)
    return f"{median(runs, what):,.{digits}f} [{low:,.{digits}f} – {high:,.{digits}f}]"


def _ratio(above: float, below: float) -> str:
    return "–" if math.isnan(above) or math.isnan(below) else f"{above / below:.2f}"


def machine(names: tuple[str, ...] = CONVERSION) -> str:
    """Return the processor, the number of cores, the system, and the versions that matter; no names of hosts."""
    packages = ", ".join(f"{name} {metadata.version(name)}" for name in names)
    pandas = ""
    if names == CONVERSION and PANDAS_PYTHON.exists():
        command = [str(PANDAS_PYTHON), "-c", "from importlib.metadata import version; print(version('pandas'))"]
        pandas = f", pandas {subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()}"  # noqa: S603
    python = f"Python {platform.python_version()}"
    return f"{_processor()}, {os.cpu_count()} cores, {platform.system()}, {python}, {packages}{pandas}."


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists() and (found := re.search(r"model name\s*: (.+)", information.read_text(encoding="utf-8"))):
        return found[1].strip()
    return platform.processor() or platform.machine()


def rewrite(page: Path, block: str, text: str, *, by: str = "make bench") -> None:
    """Put ``text`` between the page's marks of that block; raises ValueError when it has none."""
    start, end = f"<!-- {block}: written by {by} -->\n", f"<!-- end of {block} -->"
    before, found, rest = page.read_text(encoding="utf-8").partition(start)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"{page.name} has no block {block}")
    page.write_text(f"{before}{start}{text.strip()}\n{end}{after}", encoding="utf-8")
