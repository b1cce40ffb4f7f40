"""The roster rules: OneRoster CSV to Apple School Manager CSV. Pure: no AWS, no clock, no network."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import cache
from pathlib import Path

from rosterbridge.roster.connectors import defer_connectors
from rosterbridge.roster.options import ConversionOptions
from rosterbridge.roster.report import Report

__all__ = ["ConversionOptions", "Report", "convert", "validate", "validate_delta"]

defer_connectors()  # before any module of this package imports polars


def validate(source: Path, options: ConversionOptions, *, as_of: date) -> Report:
    """Check a ZIP by every rule of ``mapping.md`` and tell what would be sent, without writing anything."""
    with _without_collecting():
        from rosterbridge.roster.packages import Outputs, process

        _keep_what_is_imported()
        return process(source, Outputs(), options, as_of)


def validate_delta(package: Path, base: Path, target: Path, options: ConversionOptions, *, as_of: date) -> Report:
    """Apply a delta package to a flow's full set, check what comes of it by every rule, and write it to ``target``.

    The lines of the report are the package's up to ``delta-applied``, and from there on those of the whole set.
    """
    with _without_collecting():
        from rosterbridge.roster.packages import process_delta

        _keep_what_is_imported()
        return process_delta(package, base, target, options, as_of)


def convert(
    source: Path,
    target: Path,
    options: ConversionOptions,
    *,
    as_of: date,
    provenance: Path | None = None,
    is_condensed: bool = False,
) -> Report:
    """Check a ZIP and, when it is accepted, write what Apple gets to ``target``.

    A clean ZIP in Apple's own format is copied byte for byte; nothing is written when the report rejects.
    ``provenance`` is a CSV file to write (packed if it ends in ``.gz``): for each row of Apple's files the source file
    and lines from which it came. ``is_condensed`` says that the ZIP is a flow's own full set, whose packages were held
    to the flow's profile when they came.
    """
    with _without_collecting():
        from rosterbridge.roster.packages import Outputs, process

        _keep_what_is_imported()
        return process(source, Outputs(target, provenance), options, as_of, is_condensed=is_condensed)


@cache
def _keep_what_is_imported() -> None:
    """Spare the collector, here and when the process ends, what polars has made and what stays anyway."""
    gc.freeze()


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Let the collector of cycles rest: it finds none in frames, and looks through polars a dozen times meanwhile."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
