"""The converter and the plain conversion, which share no code, agree on every byte, every count and every wrong row."""

from __future__ import annotations

import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from benchmarks import reference
from benchmarks.generate import write_bundle
from benchmarks.reference_files import RefusedError
from rosterbridge.roster import ConversionOptions, Report, convert
from tests.support.rosters import AS_OF, Files, oneroster_1_1, oneroster_1_2, zip_bytes
from tests.unit.roster.test_properties import Registrar


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def facts(report: Report) -> dict[str, Any]:
    """What both must tell: how each row ended, which are wrong and where, and what was cleaned or had ended."""
    totals = {(total.code, total.file): total.count for total in report.totals}
    errors = {entry.code for entry in report.entries if entry.severity == "error"}
    return {
        "counts": {
            file: (count.read, count.sent, count.left_out, count.dropped, count.reasons)
            for file, count in report.counts.items()
        },
        "errors": sorted((entry.code, entry.file, entry.line) for entry in report.entries if entry.code in errors),
        "cleaned": {file: count for (code, file), count in totals.items() if code == "value-cleaned"},
        "ended": {file: count for (code, file), count in totals.items() if code == "ended-kept"},
    }


def reference_facts(result: reference.Result) -> dict[str, Any]:
    return {
        "counts": {
            file: (count.read, count.sent, count.left_out, count.dropped, count.reasons)
            for file, count in result.counts.items()
        },
        "errors": sorted(result.errors),
        "cleaned": dict(result.cleaned),
        "ended": dict(result.ended),
    }


def assert_agreement(source: Path, as_of: date = AS_OF) -> bool:
    """Return whether both accepted the upload."""
    ours, plain = source.with_name("ours.zip"), source.with_name("plain.zip")
    report = convert(source, ours, ConversionOptions(), as_of=as_of)
    refused = None
    try:
        result = reference.convert(source, plain, as_of)
    except RefusedError as error:
        refused = error
    assert report.accepted == (refused is None), f"the plain one: {refused}; the converter: {report.rejected_by}"
    if refused:
        return False
    assert reference_facts(result) == facts(report)
    assert members(plain) == members(ours)
    assert list(members(plain)) == list(members(ours))
    return True


def write(folder: Path, files: Files) -> Path:
    source = folder / "source.zip"
    source.write_bytes(zip_bytes(files))
    return source


@pytest.mark.parametrize("files", [oneroster_1_1(), oneroster_1_2()], ids=["1.1", "1.2"])
def test_they_agree_on_a_clean_package(tmp_path: Path, files: Files) -> None:
    assert assert_agreement(write(tmp_path, files))


@pytest.mark.parametrize("quoted", [False, True])
def test_they_agree_on_a_generated_district(tmp_path: Path, quoted: bool) -> None:
    source = tmp_path / "source.zip"
    write_bundle(source, 200, quoted=quoted)
    assert assert_agreement(source)


def test_they_agree_on_generated_districts_with_faults(tmp_path: Path) -> None:
    source, accepted = tmp_path / "source.zip", 0
    for seed in range(8):
        write_bundle(source, 60 + seed, seed=seed, faults=(0.005, 0.02, 0.06)[seed % 3], quoted=seed % 2 == 0)
        accepted += assert_agreement(source)
    assert accepted > 4


def test_they_agree_on_careless_packages_of_every_version(tmp_path: Path) -> None:
    accepted = sum(assert_agreement(write(tmp_path, Registrar(seed).package())) for seed in range(24))
    assert 5 < accepted < 22


def test_the_generator_writes_the_same_bytes_again(tmp_path: Path) -> None:
    one, other, third = (tmp_path / name for name in ("one.zip", "other.zip", "third.zip"))
    write_bundle(one, 50, seed=3, faults=0.1)
    write_bundle(other, 50, seed=3, faults=0.1)
    write_bundle(third, 50, seed=4, faults=0.1)
    assert one.read_bytes() == other.read_bytes()
    assert one.read_bytes() != third.read_bytes()
