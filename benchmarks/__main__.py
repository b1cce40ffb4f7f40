"""``python -m benchmarks [--sizes S M L] [--rounds 5] [--only floor,ours]``: measure, print, and keep the tables.

``--only`` takes modules (floor, ours, reference, pandas_reference) and leaves the page as it is.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks import ROOT, imports
from benchmarks.measure import ENGINES, ROUNDS, WORK, measure
from benchmarks.tables import machine, rewrite, table

PAGE = ROOT / "docs" / "performance.md"


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure the conversion.")
    parser.add_argument("--sizes", nargs="+", choices=list(ROUNDS), default=list(ROUNDS))
    parser.add_argument("--rounds", type=int, help="rounds of every size (otherwise S 7, M 5, L 3)")
    parser.add_argument("--only", help="engines, separated by commas; the page stays as it is")
    given = parser.parse_args()
    wanted = given.only.split(",") if given.only else [engine.module for engine in ENGINES]
    engines = tuple(engine for engine in ENGINES if engine.module in wanted)
    for size in given.sizes:
        measured = table(measure(size, given.rounds or ROUNDS[size], engines))
        sys.stdout.write(f"\n{size}\n\n{measured}\n\n")
        (WORK / f"{size}.md").write_text(measured + "\n", encoding="utf-8")
        if not given.only:
            rewrite(PAGE, size, f"{measured}\n\n{machine()}")
    if not given.only:
        start = imports.report()
        sys.stdout.write(f"\nimports\n\n{start}\n")
        rewrite(PAGE, "imports", f"{start}\n\n{machine()}")


if __name__ == "__main__":
    main()
