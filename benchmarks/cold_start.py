"""``python -m benchmarks.cold_start [--rounds 7] [--keep]``: what each function needs before it can work.

Each is started in a fresh process with nothing but the standard library, its own code and its own layers, as Lambda
starts it. Rewrites the section Cold starts of the page; ``--keep`` leaves the page as it is.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.__main__ import PAGE
from benchmarks.tables import machine, rewrite
from infra import build

BLOCK = "cold starts"
# The layers that each function has, and the AWS services that it calls on the usual way
FUNCTIONS: Mapping[str, tuple[str | None, Sequence[str]]] = {
    "authenticate": (None, ("dynamodb",)),
    "api": ("sftp", ("dynamodb",)),
    "receive": (None, ("dynamodb", "s3", "stepfunctions", "sqs")),
    "validate": ("roster", ("dynamodb", "s3")),
    "convert": ("roster", ("dynamodb", "s3")),
    "guard": ("roster", ("dynamodb", "s3", "stepfunctions")),
    "dry_run": ("roster", ("dynamodb", "s3")),
    "forward": ("sftp", ("dynamodb", "s3", "stepfunctions", "kms")),
    "notify": (None, ("dynamodb", "s3")),
    "watch": (None, ("dynamodb",)),
    "sweep": (None, ("dynamodb", "s3", "stepfunctions")),
    "erase": (None, ("dynamodb", "s3", "stepfunctions", "cognito-idp")),
}
START = """
import json, sys, time
began = time.process_time()
paths, services = json.loads(sys.argv[1])
sys.path[:0] = paths
import handler
ready = time.process_time()
from rosterbridge.adapters.clients import client
for service in services:
    client(service)
able = time.process_time()
print(json.dumps({"whole": able, "imports": ready - began, "clients": able - ready}))
"""
ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",  # of nobody: clients are made, and nothing is called
    "POWERTOOLS_SERVICE_NAME": "rosterbridge",
}


@dataclass(frozen=True)
class Start:
    """One cold start in milliseconds of CPU: all of it, the import of the handler, and its AWS clients."""

    whole: float
    imports: float
    clients: float


def paths(name: str) -> list[str]:
    """Return what a function can import from: its code and its layers, as they are built for this machine."""
    layer, _ = FUNCTIONS[name]
    layers = ["rosterbridge", "base", *([layer] if layer else [])]
    return [str(build.build_function(name)), *(str(build.layer_path(one, build.HOST) / "python") for one in layers)]


def start(name: str, *options: str) -> Start:
    """Start a function's handler once, with further options of Python."""
    given = json.dumps([paths(name), FUNCTIONS[name][1]])
    command = [sys.executable, "-I", "-S", "-B", *options, "-c", START, given]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True)  # noqa: S603 this Python
    return Start(**{what: seconds * 1000 for what, seconds in json.loads(done.stdout).items()})


def measure(rounds: int) -> dict[str, tuple[list[Start], list[Start]]]:
    """Return the starts of each function, with its compiled files and without, in turns."""
    taken: dict[str, tuple[list[Start], list[Start]]] = {name: ([], []) for name in FUNCTIONS}
    with tempfile.TemporaryDirectory(prefix="bench-") as nothing:
        for number in range(rounds + 1):  # the first one fills the file cache
            for name, (compiled, source) in taken.items():
                ones = start(name), start(name, "-X", f"pycache_prefix={nothing}")
                if number:
                    compiled.append(ones[0])
                    source.append(ones[1])
    return taken


def report(taken: Mapping[str, tuple[list[Start], list[Start]]]) -> str:
    """Return a Markdown table: medians, smallest and largest in brackets."""
    lines = [
        "| function | able to work, CPU ms | import of the handler | AWS clients | without compiled files ÷ with |",
        "|---|---|---|---|---|",
    ]
    for name, (compiled, source) in taken.items():
        cells = [_spread([getattr(one, what) for one in compiled]) for what in ("whole", "imports", "clients")]
        ratio = median(one.whole for one in source) / median(one.whole for one in compiled)
        lines.append(f"| {name} | {' | '.join(cells)} | {ratio:.1f} |")
    return "\n".join([*lines, "", machine(("boto3", "pydantic", "polars", "paramiko"))])


def _spread(values: Sequence[float]) -> str:
    return f"{median(values):.0f} [{min(values):.0f} – {max(values):.0f}]"


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cold_start", description="Measure cold starts.")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--keep", action="store_true", help="leave the page as it is")
    given = parser.parse_args()
    build.build_layers(build.HOST)
    text = report(measure(given.rounds))
    sys.stdout.write(f"{text}\n")
    if not given.keep:
        rewrite(PAGE, BLOCK, text, by="make bench-cold")


if __name__ == "__main__":
    main()
