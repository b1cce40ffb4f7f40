"""The measured validate function does what the deployed one does: it accepts an upload, twice."""

from __future__ import annotations

import json
from pathlib import Path
from subprocess import run
from sys import executable

from benchmarks import ROOT
from benchmarks.generate import write_bundle


def test_the_handler_accepts_the_upload_twice_and_each_part_is_timed(tmp_path: Path) -> None:
    write_bundle(tmp_path / "source.zip", pupils=10, seed=1)
    times = tmp_path / "times.json"

    run([executable, "-m", "benchmarks.validate_once", str(tmp_path / "source.zip"), str(times)], cwd=ROOT, check=True)

    assert set(json.loads(times.read_text(encoding="utf-8"))) == {"import", "first call", "second call"}
