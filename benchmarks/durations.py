"""How long a function takes for an upload: measured CPU time, and waits for AWS and Apple that are assumed."""

from __future__ import annotations

from benchmarks.figures import Figures

MEASURED = ("validate", "convert", "guard", "forward")  # by size
CORE_MB = 1769  # the memory with which a function has one whole processor

# Assumed, since nothing has been measured on AWS
ANSWER_SECONDS = {"dynamodb": 0.010, "s3": 0.030, "kms": 0.020, "sqs": 0.020, "stepfunctions": 0.050}
S3_BYTES_A_SECOND = 80e6
APPLE_SECONDS = 2.0  # until signed in
APPLE_BYTES_A_SECOND = 5e6
CLIENT_SECONDS = 2.0
CLIENT_BYTES_A_SECOND = 2e6
STATE_SECONDS = 0.03  # Step Functions itself, for each state

# What a function moves from and to S3
MOVED = {
    "receive": ("source.zip",),
    "validate": ("source.zip",),
    "convert": ("source.zip", "full-set.zip", "result.zip", "provenance.csv.gz"),
    "guard": ("result.zip", "fingerprints.parquet", "fingerprints.parquet"),
    "forward": ("result.zip",),
}


def seconds(figures: Figures, name: str, pupils: float, *, cold: bool = True) -> float:
    """Return how long a function runs for an upload; a cold one starts Python and imports first."""
    known = figures.functions[name]
    work = figures.step(name, "cpu", pupils) if name in MEASURED else known["seconds"]
    work += known["cold"] if cold else 0
    share = min(1.0, figures.memory[name] / CORE_MB)
    asked = sum(count * ANSWER_SECONDS[kind.split(":")[0]] for kind, count in known["requests"].items())
    moved = sum(figures.file(file, pupils) for file in MOVED.get(name, ())) / S3_BYTES_A_SECOND
    return work / share + asked + moved + (apple_seconds(figures, pupils) if name == "forward" else 0)


def apple_seconds(figures: Figures, pupils: float) -> float:
    """Return how long a delivery keeps a connection to Apple."""
    return APPLE_SECONDS + figures.file("result.zip", pupils) / APPLE_BYTES_A_SECOND


def client_seconds(figures: Figures, pupils: float) -> float:
    """Return how long a school's client keeps a session."""
    return CLIENT_SECONDS + figures.file("source.zip", pupils) / CLIENT_BYTES_A_SECOND
