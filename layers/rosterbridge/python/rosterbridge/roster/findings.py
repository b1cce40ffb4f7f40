"""Collects what is found in an upload, a thousand entries per code and file at most, with the true totals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

import polars as pl

from rosterbridge.errors import InputRejectedError
from rosterbridge.roster.codes import CODES, LENIENT, Level
from rosterbridge.roster.report import Entry, Severity, Total

MAX_ENTRIES = 1000
# What was changed in Apple's own format is listed one by one: nobody else has said it
MOST_ENTRIES = {"instructor-emptied": 100_000, "roster-dropped": 100_000}
LINE = "_line"  # the line of a row that a text editor shows, in every frame


class RosterError(InputRejectedError):
    """The upload cannot be read any further; says where, never what stands there."""

    def __init__(
        self,
        code: str,
        *,
        file: str | None = None,
        line: int | None = None,
        column: str | None = None,
        **values: object,
    ) -> None:
        place = f"{file}:{line}" if line else file or ""
        super().__init__(code, place)
        self.file = file
        self.line = line
        self.column = column
        self.values = values


class Findings:
    """Entries and totals of one upload, in the order found; ``levels`` are those of the flow."""

    def __init__(self, levels: Mapping[str, Level] = LENIENT) -> None:
        self.levels = levels
        self.entries: list[Entry] = []
        self.rejected_by: str | None = None
        self.reason = ""  # why the upload is rejected, without a value of a row
        self._totals: Counter[tuple[str, str | None]] = Counter()

    def add(
        self,
        code: str,
        *,
        file: str | None = None,
        line: int | None = None,
        column: str | None = None,
        count: int = 1,
        **values: object,
    ) -> None:
        """Note one finding that stands for ``count`` of its kind; ``values`` fill in the message."""
        self._note(code, file, line, column, count, values)

    def add_cell(self, code: str, cell: str, *, file: str, line: int) -> None:
        """Note a cell of a header: where the header is missing it is a person's, and no summary shows it."""
        self._note(code, file, line, cell, 1, {"value": cell}, reason_values={"value": "…"})

    def add_error(self, error: RosterError) -> None:
        """Note what ended the reading."""
        self._note(error.code, error.file, error.line, error.column, 1, error.values)

    def _note(
        self,
        code: str,
        file: str | None,
        line: int | None,
        column: str | None,
        count: int,
        values: dict[str, object],
        reason_values: dict[str, object] | None = None,
    ) -> None:
        if self.levels[code] == "ignore":
            return
        seen = self._totals[code, file]
        self._totals[code, file] = seen + count
        texts = {**values, "count": f"{count:,}"}
        self._explain(code, file, line, column, {**texts, **(reason_values or {})})
        if seen < MAX_ENTRIES:
            self.entries.append(self._entry(code, file, line, column, texts))

    def add_rows(
        self, code: str, rows: pl.DataFrame, *, file: str, column: str | None = None, **values: object
    ) -> None:
        """Note each of ``rows`` by its line; the message shows the row's value of ``column``, unless one is given."""
        if self.levels[code] == "ignore":
            return
        seen = self._totals[code, file]
        self._totals[code, file] = seen + rows.height
        if rows.height:
            self._explain(code, file, rows[LINE][0], column, {"value": "…", **values})
        shown = rows.head(max(0, MOST_ENTRIES.get(code, MAX_ENTRIES) - seen))
        texts = shown[column].to_list() if column else [""] * shown.height
        for line, text in zip(shown[LINE].to_list(), texts, strict=True):
            self.entries.append(self._entry(code, file, line, column, {"value": text, **values}))

    def adopt(self, other: Findings, codes: Collection[str] = CODES) -> None:
        """Take over what another has noted of these codes, as if it had been noted here."""
        self.entries += [entry for entry in other.entries if entry.code in codes]
        self._totals.update({place: count for place, count in other._totals.items() if place[0] in codes})
        if self.rejected_by is None and other.rejected_by in codes:
            self.rejected_by, self.reason = other.rejected_by, other.reason

    def count(self, code: str, file: str) -> int:
        """Return how often a code was found in a file."""
        return self._totals[code, file]

    @property
    def totals(self) -> tuple[Total, ...]:
        """How often each code was found in each file."""
        return tuple(
            Total(code=code, severity=self._severity(code), file=file, count=count)
            for (code, file), count in self._totals.items()
            if count
        )

    def _explain(
        self, code: str, file: str | None, line: int | None, column: str | None, values: dict[str, object]
    ) -> None:
        if self.rejected_by or self.levels[code] != "upload":
            return
        self.rejected_by = code
        entry = self._entry(code, file, line, column, values)
        place = f"{file}:{line}: " if line else f"{file}: " if file and file not in entry.message else ""
        self.reason = f"{place}{entry.message} {entry.mend}"

    def _severity(self, code: str) -> Severity:
        return "warning" if self.levels[code] == "warning" else "error"

    def _entry(
        self, code: str, file: str | None, line: int | None, column: str | None, values: dict[str, object]
    ) -> Entry:
        texts = {"why": "", "value": "", **values, "file": file or "", "column": column or ""}
        return Entry(
            code=code,
            severity=self._severity(code),
            message=CODES[code].message.format_map(texts),
            mend=CODES[code].mend.format_map(texts),
            file=file,
            line=line,
            column=column,
        )
