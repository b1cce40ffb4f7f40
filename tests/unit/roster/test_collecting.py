"""The collector of cycles rests during a conversion and goes on afterwards, whatever has come of it."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.rosters import oneroster_1_1, process


@pytest.mark.parametrize("files", [oneroster_1_1(), {"orgs.csv": ""}], ids=["accepted", "rejected"])
def test_the_collector_goes_on_after_a_conversion(tmp_path: Path, files: Mapping[str, str | bytes]) -> None:
    assert gc.isenabled()
    process(tmp_path, files)
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off(tmp_path: Path) -> None:
    gc.disable()
    try:
        process(tmp_path, oneroster_1_1())
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_what_was_imported_is_kept_aside_once_and_nothing_after_it(tmp_path: Path) -> None:
    process(tmp_path, oneroster_1_1())
    kept = gc.get_freeze_count()
    process(tmp_path, oneroster_1_1())
    assert 0 < gc.get_freeze_count() <= kept
