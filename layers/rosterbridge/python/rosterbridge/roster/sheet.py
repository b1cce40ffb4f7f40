"""One source file on its way: its rows, and for each row that goes no further the reason why."""

from __future__ import annotations

import polars as pl

from rosterbridge.roster.codes import CODES, LEFT_OUT
from rosterbridge.roster.findings import Findings
from rosterbridge.roster.reading import FATE
from rosterbridge.roster.report import FileCounts

ROW_CODES = [code for code, known in CODES.items() if known.level == "row"]


def among(values: pl.Series) -> pl.Series:
    """Return the values in the form that ``is_in`` takes."""
    return values.unique().implode()


class Sheet:
    """The rows of ``file``; every row ends as sent, left out by a rule, or dropped by an error."""

    def __init__(self, file: str, rows: pl.DataFrame, findings: Findings) -> None:
        self.file = file
        self.rows = rows
        self._findings = findings

    def copy(self, findings: Findings) -> Sheet:
        """Return the same rows for a trial, whose findings go elsewhere."""
        return Sheet(self.file, self.rows, findings)

    @property
    def live(self) -> pl.DataFrame:
        """The rows that are still in play, in file order."""
        return self.rows.filter(pl.col(FATE).is_null())

    def ids(self, *, dropped: bool = False, column: str = "sourcedId") -> pl.Series:
        """Return the ids of the rows in play, or of those dropped by an error."""
        fates = pl.col(FATE).is_in(ROW_CODES) if dropped else pl.col(FATE).is_null()
        return self.rows.filter(fates)[column]

    def leave_out(self, condition: pl.Expr, reason: str) -> None:
        """Leave out the rows in play that meet the condition; ``reason`` is one of LEFT_OUT."""
        assert reason in LEFT_OUT  # noqa: S101 a slip of the programmer
        self._end(condition, reason)

    def drop(self, condition: pl.Expr, code: str, *, column: str | None = None) -> None:
        """Drop the rows in play that meet the condition, each with an entry that shows the value of ``column``."""
        meets = pl.col(FATE).is_null() & condition
        self._findings.add_rows(code, self.rows.filter(meets), file=self.file, column=column)
        self._end(condition, code)

    def note(self, code: str, rows: pl.DataFrame, **values: object) -> None:
        """Add an entry for each of the rows, which stay in play."""
        self._findings.add_rows(code, rows, file=self.file, column=None, **values)

    def note_count(self, code: str, count: int, *, column: str | None = None) -> None:
        """Add one entry for ``count`` rows or values, if there are any."""
        if count:
            self._findings.add(code, file=self.file, column=column, count=count)

    def _end(self, condition: pl.Expr, fate: str) -> None:
        meets = pl.col(FATE).is_null() & condition
        self.rows = self.rows.with_columns(pl.when(meets).then(pl.lit(fate)).otherwise(pl.col(FATE)).alias(FATE))

    def counts(self) -> FileCounts:
        """Return how the rows ended; they add up."""
        reasons = dict(
            self.rows.filter(pl.col(FATE).is_not_null()).group_by(FATE, maintain_order=True).len().iter_rows()
        )
        dropped = sum(count for reason, count in reasons.items() if reason in ROW_CODES)
        ended = sum(reasons.values())
        return FileCounts(
            read=self.rows.height,
            sent=self.rows.height - ended,
            left_out=ended - dropped,
            dropped=dropped,
            reasons=reasons,
        )
