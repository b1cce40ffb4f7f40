"""What a cold start of the validate function costs on this machine: Python, its imports, and the upload S.

``python -m benchmarks.imports [rounds]`` prints it as Markdown.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from statistics import median

from benchmarks import ROOT
from benchmarks.measure import bundle
from benchmarks.processes import PEAK_MEASURE, Taken, run
from benchmarks.tables import spread

HANDLER = "import sys; sys.path.insert(0, 'functions/validate'); import handler"
IMPORT_TIME = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)")
PACKAGES = 10


def report(rounds: int = 7) -> str:
    """Return the tables: seconds of whole processes and their phases, and which packages the import is spent on."""
    source, phases = bundle("S"), []
    commands = {
        "`python -c pass`": ["-c", "pass"],
        "import of the validate handler": ["-c", HANDLER],
        "validate handler, upload S twice": ["-m", "benchmarks.validate_once", str(source), ""],
    }
    taken: dict[str, list[Taken]] = {name: [] for name in commands}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        times = Path(folder) / "times.json"
        for number in range(rounds + 1):  # the first one compiles and fills the file cache
            for name, arguments in commands.items():
                one = run([sys.executable, *(argument or str(times) for argument in arguments)])
                if one.failed:
                    raise RuntimeError(f"{name}: {one.failed}")
                if number:
                    taken[name].append(one)
            if number:
                phases.append(json.loads(times.read_text(encoding="utf-8")))
    lines = [f"| process | wall s | CPU s | {PEAK_MEASURE} |", "|---|---|---|---|"]
    lines += [
        f"| {name} | {spread(ones, 'wall')} | {spread(ones, 'cpu')} | {spread(ones, 'peak_mb')} |"
        for name, ones in taken.items()
    ]
    of_phases = ", ".join(f"{name} {median(one[name] for one in phases):.3f} s" for name in phases[0])
    return "\n".join([*lines, "", f"In the last one: {of_phases}.", "", _packages(rounds)])


def _packages(rounds: int) -> str:
    """Return a table of the packages that the import of the handler is spent on, in milliseconds."""
    measured = [_import_times() for _ in range(rounds)]
    total = median(sum(one.values()) for one in measured)
    packages = {name: median(one[name] for one in measured) for name in measured[0]}
    most = sorted(packages.items(), key=lambda item: -item[1])[:PACKAGES]
    lines = [f"| package (of {total:.0f} ms) | ms |", "|---|---|"]
    lines += [f"| {name} | {milliseconds:.1f} |" for name, milliseconds in most]
    return "\n".join(lines)


def _import_times() -> defaultdict[str, float]:
    """Return the milliseconds that each top-level package's own modules took, with ``-X importtime``."""
    traced = subprocess.run(  # noqa: S603 this Python
        [sys.executable, "-X", "importtime", "-c", HANDLER], cwd=ROOT, capture_output=True, text=True, check=True
    )
    packages: defaultdict[str, float] = defaultdict(float)
    for own, module in IMPORT_TIME.findall(traced.stderr):
        package = module.split(".")[0]
        packages["Python itself" if package in sys.stdlib_module_names else package] += int(own) / 1000
    return packages


if __name__ == "__main__":
    sys.stdout.write(report(*map(int, sys.argv[1:])) + "\n")
