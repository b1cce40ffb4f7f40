"""Measures the engines on a size: whole processes in interleaved rounds, whose results must agree byte for byte."""

from __future__ import annotations

import hashlib
import json
import statistics
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import ROOT
from benchmarks.generate import SIZES, write_bundle
from benchmarks.processes import Taken, run

WORK = ROOT / ".build" / "bench"
PANDAS_PYTHON = ROOT / ".venv-bench" / "bin" / "python"
ROUNDS = {"S": 7, "M": 5, "L": 3}
SLOW_ROUNDS = {"L": 1}
LIMIT_MB = 1700


@dataclass(frozen=True)
class Engine:
    """One way to do the job; ``sizes`` are those that it is measured on."""

    name: str
    module: str
    python: Path = Path(sys.executable)
    limit_mb: int | None = None
    slow: bool = False
    sizes: str = "SML"

    def rounds(self, size: str, rounds: int) -> int:
        """Return in how many rounds it takes part: slow engines in few at L."""
        return min(rounds, SLOW_ROUNDS.get(size, rounds)) if self.slow else rounds


ENGINES = (
    Engine("floor", "floor"),
    Engine("Rosterbridge", "ours"),
    Engine("Rosterbridge, confined", "ours", limit_mb=LIMIT_MB, sizes="L"),
    Engine("plain Python", "reference", slow=True),
    Engine("pandas", "pandas_reference", python=PANDAS_PYTHON, slow=True),
)
FLOOR, OURS, REFERENCE = "floor", "Rosterbridge", "plain Python"


def bundle(size: str) -> Path:
    """Return the size's ZIP, written anew when the generator has changed."""
    folder = WORK / size
    folder.mkdir(parents=True, exist_ok=True)
    source, made_by = folder / "source.zip", folder / "source.made-by"
    generator = _digest(*(Path(__file__).parent / name for name in ("generate.py", "people.py", "faults.py")))
    if not source.exists() or not made_by.exists() or made_by.read_text(encoding="ascii") != generator:
        write_bundle(source, SIZES[size])
        made_by.write_text(generator, encoding="ascii")
    return source


def measure(size: str, rounds: int, engines: tuple[Engine, ...] = ENGINES) -> dict[str, list[Taken]]:
    """Return what each engine took in each round; raises RuntimeError when their results differ."""
    source, folder = bundle(size), WORK / size
    used = [engine for engine in engines if size in engine.sizes]
    ready = _make_ready(source, folder)
    taken: dict[str, list[Taken]] = {engine.name: [] for engine in used}
    for number in range(rounds):
        targets = {}
        for engine in used:
            if number < engine.rounds(size, rounds):
                target = folder / f"{engine.name.lower().replace(' ', '-').replace(',', '')}.out"
                taken[engine.name].append(_run(engine, source, target, ready))
                targets[engine.name] = target
                _show(size, number, engine, taken[engine.name][-1])
        _compare({name: path for name, path in targets.items() if name != FLOOR and not taken[name][-1].failed}, ready)
        for path in targets.values():
            path.unlink(missing_ok=True)
    (folder / "results.json").write_text(
        json.dumps({name: [asdict(one) for one in runs] for name, runs in taken.items()}, indent=1), encoding="utf-8"
    )
    return taken


def _make_ready(source: Path, folder: Path) -> Path:
    """Return a ZIP of the finished files, unpacked; it also warms the file cache and Python's compiled files."""
    result, ready = folder / "result.zip", folder / "ready.zip"
    warm = run([sys.executable, "-m", "benchmarks.ours", str(source), str(result)])
    if warm.failed:
        raise RuntimeError(warm.failed)
    with zipfile.ZipFile(result) as archive, zipfile.ZipFile(ready, "w", zipfile.ZIP_STORED) as plain:
        for info in archive.infolist():
            with archive.open(info) as member, plain.open(info.filename, "w", force_zip64=True) as copy:
                while block := member.read(2**20):
                    copy.write(block)
    return ready


def _run(engine: Engine, source: Path, target: Path, ready: Path) -> Taken:
    command = [str(engine.python), "-m", f"benchmarks.{engine.module}", str(source), str(target)]
    if engine.name == FLOOR:
        command.append(str(ready))
    return run(command, limit_mb=engine.limit_mb)


def _show(size: str, number: int, engine: Engine, one: Taken) -> None:
    outcome = one.failed or f"{one.wall:.3f} s wall, {one.cpu:.3f} s CPU, {one.peak_mb:,.0f} MB"
    sys.stdout.write(f"{size} round {number + 1}: {engine.name}: {outcome}\n")
    sys.stdout.flush()


def _compare(targets: dict[str, Path], ready: Path) -> None:
    expected = dict(_members(ready))
    for name, path in targets.items():
        found = dict(_members(path))
        differing = sorted(file for file in expected.keys() | found.keys() if expected.get(file) != found.get(file))
        if differing:
            raise RuntimeError(f"{name} and {OURS} differ in {', '.join(differing)}")


def _members(path: Path) -> Iterator[tuple[str, str]]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            with archive.open(info) as member:
                yield info.filename, hashlib.file_digest(member, "sha256").hexdigest()  # type: ignore[arg-type]


def _digest(*paths: Path) -> str:
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()


def median(runs: list[Taken], what: str) -> float:
    """Return the median of ``wall``, ``cpu`` or ``peak_mb`` over the runs that ended well; NaN if none did."""
    values = [getattr(one, what) for one in runs if not one.failed]
    return statistics.median(values) if values else float("nan")
