"""Build what synth packs: layers for Lambda (or for this machine), functions and the console's pages, without Docker.

``python -m infra.build`` builds for Lambda, ``--host`` for this machine, ``--console`` the pages alone. A build is
named by a digest of its inputs, so that building again costs nothing and synth needs no network.
"""

from __future__ import annotations

import argparse
import compileall
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from platform import machine
from py_compile import PycInvalidationMode

from uv import find_uv_bin

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / ".build"
OWN = "rosterbridge"
OWN_CODE = ROOT / "layers" / OWN / "python"
# Lambda's Amazon Linux 2023 has glibc 2.34; naming only manylinux2014 would silently take old releases
LAMBDA_PLATFORM = "aarch64-manylinux_2_34"
HOST = "host"
LAYERS = (OWN, "base", "roster", "sftp")
LAMBDA_PYTHONS = ((3, 11), (3, 12), (3, 13), (3, 14))
# Never imported by a function, and large
UNUSED = ("bin", "**/tests", "**/*.pyi", "**/__pycache__", "boto3/examples")
CONSOLE = ROOT / "web"
# In the console's folder, but not what a build is made of
NO_SOURCES = {CONSOLE / name for name in ("node_modules", "dist", "tests", "public/templates", "public/config.json")}
# What the console's files of headers are made of
ROSTER = OWN_CODE / OWN / "roster"
TEMPLATES = [*(ROSTER / f"{name}.py" for name in ("templates", "schemas", "formats")), *sorted(ROSTER.glob("*.json"))]
SAID_LINES = 12


class ConsoleBuildError(RuntimeError):
    """The console's pages could not be built; the message has the last words of what failed."""


class NotBuiltError(RuntimeError):
    """A layer has not been built for this platform."""


def python_version() -> tuple[int, int]:
    """Return the Python version of the functions: that of the interpreter which builds, tests and compiles them."""
    version = sys.version_info[:2]
    if version not in LAMBDA_PYTHONS:
        known = ", ".join(f"{major}.{minor}" for major, minor in LAMBDA_PYTHONS)
        message = f"Lambda has no Python {version[0]}.{version[1]}: use one of {known}"
        raise RuntimeError(message)
    return version


def layer_path(layer: str, platform: str = LAMBDA_PLATFORM) -> Path:
    """Return the built layer's folder; our own code needs no registry, any other missing layer is a NotBuiltError."""
    path = _build_layer(OWN, platform) if layer == OWN else _target(layer, platform)
    if not path.is_dir():
        option = " --host" if platform == HOST else ""
        message = f"layer {layer} is not built for {platform}: run `python3 -m infra.build{option}`"
        raise NotBuiltError(message)
    return path


def build_layers(platform: str = LAMBDA_PLATFORM) -> dict[str, Path]:
    """Build each layer that is not there yet and return their folders; needs the package registry only then."""
    return {layer: _build_layer(layer, platform) for layer in LAYERS}


def build_function(name: str) -> Path:
    """Return a folder with the function's code and its compiled files."""
    source = ROOT / "functions" / name
    target = BUILD / "functions" / f"{name}-{digest_of(source_files(source), '{}.{}'.format(*python_version()))}"
    if not target.is_dir():
        with _fresh(target) as fresh:
            shutil.copytree(source, fresh, ignore=shutil.ignore_patterns("__pycache__"))
            _compile(fresh)
    return target


def console_path() -> Path:
    """Return the folder of the console's built pages; raises NotBuiltError."""
    path = _console_target()
    if not path.is_dir():
        message = "the console is not built: run `python3 -m infra.build`"
        raise NotBuiltError(message)
    return path


def build_console() -> Path:
    """Build the console's pages unless they are there and return their folder; raises ConsoleBuildError."""
    target = _console_target()
    if not target.is_dir():
        with _alone("console"):
            install_console()
            with _fresh(target) as fresh:
                _in_console(sys.executable, "templates.py")
                vite = CONSOLE / "node_modules" / "vite" / "bin" / "vite.js"
                _in_console("node", str(vite), "build", "--outDir", str(fresh), "--emptyOutDir", "--logLevel", "warn")
                (fresh / "config.json").unlink(missing_ok=True)  # somebody's own, from `npm run dev`
    return target


def install_console() -> None:
    """Install what the console is built with, unless it is there already."""
    installed = CONSOLE / "node_modules" / ".installed"
    digest = digest_of([CONSOLE / "package-lock.json"])
    if not installed.is_file() or installed.read_text() != digest:
        _in_console("npm", "ci", "--ignore-scripts", "--loglevel=error")
        installed.write_text(digest)


def _console_target() -> Path:
    sources: list[Path] = []
    for folder, folders, names in os.walk(CONSOLE):
        folders[:] = [name for name in folders if Path(folder, name) not in NO_SOURCES]
        sources += {Path(folder, name) for name in names} - NO_SOURCES
    return BUILD / f"console-{digest_of([*sorted(sources), *TEMPLATES])}"


def _in_console(*command: str) -> None:
    """Run a command in the console's folder, with the Node beside this Python, and with our own code."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    done = subprocess.run(  # noqa: S603 fixed words and paths
        command,
        cwd=CONSOLE,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(OWN_CODE)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = "\n".join(f"  {line}" for line in (done.stdout + done.stderr).strip().splitlines()[-SAID_LINES:])
        message = f"the console cannot be built:\n{said}"
        raise ConsoleBuildError(message)


def _build_layer(layer: str, platform: str) -> Path:
    target = _target(layer, platform)
    if not target.is_dir():
        with _fresh(target) as fresh:
            packages = fresh / "python"
            if layer == OWN:
                shutil.copytree(OWN_CODE, packages, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
            else:
                _install(_lock(layer), packages, platform)
                _prune(packages)
            _compile(packages)
    return target


def _lock(layer: str) -> Path:
    return ROOT / "layers" / "dependencies" / layer / "requirements.txt"


def _target(layer: str, platform: str) -> Path:
    inputs = source_files(OWN_CODE) if layer == OWN else [_lock(layer)]
    place = f"{platform}-{sys.platform}-{machine()}" if platform == HOST else platform
    digest = digest_of(inputs, place, str(python_version()), *UNUSED)
    return BUILD / "layers" / f"{layer}-{place}-{digest}"


def source_files(start: Path) -> list[Path]:
    """Return the files of a folder, or the one file, without what Python makes of them."""

    def belongs(path: Path) -> bool:
        return path.is_file() and "__pycache__" not in path.parts and ".egg-info" not in path.parent.name

    return sorted(path for path in (start.rglob("*") if start.is_dir() else [start]) if belongs(path))


def digest_of(files: Iterable[Path], *words: str) -> str:
    """Return a short name for what these files and words are."""
    digest = hashlib.sha256("\n".join(words).encode())
    for path in files:
        digest.update(f"\n{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _install(lock: Path, target: Path, platform: str) -> None:
    command = [
        *(find_uv_bin(), "pip", "install", "--quiet", "--link-mode", "copy", "--only-binary", ":all:", "--no-deps"),
        *("--require-hashes", "--requirement", str(lock), "--target", str(target), "--python", sys.executable),
        *(() if platform == HOST else ("--python-platform", platform)),
    ]
    subprocess.run(command, check=True, env={**os.environ, "UV_NO_PROGRESS": "1"})  # noqa: S603 fixed words and paths


def _prune(packages: Path) -> None:
    for pattern in UNUSED:
        for path in sorted(packages.glob(pattern), reverse=True):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for lock in packages.glob(".lock"):
        lock.unlink()


def _compile(folder: Path) -> None:
    """Compile with unchecked hashes: Lambda's file system is read-only, and compiling at import costs 3 to 5 times."""
    if not compileall.compile_dir(
        folder, quiet=1, workers=0, stripdir=str(folder), invalidation_mode=PycInvalidationMode.UNCHECKED_HASH
    ):
        message = "a module does not compile"
        raise RuntimeError(message)


@contextmanager
def _alone(name: str) -> Iterator[None]:
    """Let one process at a time build what is built in a folder that all share."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _fresh(target: Path) -> Iterator[Path]:
    """Give a folder that takes its final name only when it is whole, so that a broken build is never used."""
    folder = target.with_name(f"{target.name}.{os.getpid()}")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    try:
        yield folder
        if not target.is_dir():
            folder.rename(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def megabytes(folder: Path) -> float:
    """Return a folder's size in MiB."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20


def sizes(built: dict[str, Path]) -> Iterator[str]:
    """Yield one line for each build."""
    for layer, path in built.items():
        yield f"{layer:<13}{megabytes(path):7.1f} MiB"


def main() -> None:
    """Build and print the sizes of what was built."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", action="store_true", help="for this machine instead of Lambda")
    parser.add_argument("--console", action="store_true", help="the console's pages alone")
    arguments = parser.parse_args()
    pages = {} if arguments.host else {"console": build_console()}
    built = pages if arguments.console else build_layers(HOST if arguments.host else LAMBDA_PLATFORM) | pages
    sys.stdout.write("\n".join(sizes(built)) + "\n")


if __name__ == "__main__":
    main()
