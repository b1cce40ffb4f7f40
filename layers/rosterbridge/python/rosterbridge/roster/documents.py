"""Reports and options as JSON; apart from them, since pydantic costs a short conversion a third of its time."""

from __future__ import annotations

from pydantic import TypeAdapter

from rosterbridge.roster.options import ConversionOptions
from rosterbridge.roster.report import Report

_REPORT = TypeAdapter(Report)
_OPTIONS = TypeAdapter(ConversionOptions)


def report_to_json(report: Report, *, indent: int | None = None) -> str:
    """Return the whole report."""
    return _REPORT.dump_json(report, indent=indent).decode()


def report_from_json(text: str | bytes) -> Report:
    """Read a report again."""
    return _REPORT.validate_json(text)


def options_from_json(text: str | bytes) -> ConversionOptions:
    """Read a flow's options; raises pydantic's ValidationError for unknown names and wrong values."""
    return _OPTIONS.validate_json(text)
