"""The conversion as the service runs it: ``python -m benchmarks.ours source.zip target.zip``."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks import AS_OF
from rosterbridge.memory import suit_memory
from rosterbridge.roster import ConversionOptions, convert


def main(source: str, target: str) -> None:
    """Convert a ZIP, which must be accepted."""
    suit_memory()
    report = convert(Path(source), Path(target), ConversionOptions(), as_of=AS_OF)
    if not report.accepted:
        raise SystemExit(report.summary)


if __name__ == "__main__":
    main(*sys.argv[1:])
