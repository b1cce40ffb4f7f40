"""One source file on its way: its rows, and for each row that goes no further the reason why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import polars as pl

from rosterbridge.roster.codes import CODES, LEFT_OUT
from rosterbridge.roster.findings import LINE, MAX_ENTRIES, Findings
from rosterbridge.roster.queries import run
from rosterbridge.roster.report import FileCounts

FATE = "_fate"  # why a row goes no further, in every frame; null while it is in play
ROW_CODES = tuple(code for code, known in CODES.items() if known.level == "row")
FATES = pl.Enum([*LEFT_OUT, *ROW_CODES])  # a byte a row
LIVE = pl.col(FATE).is_null()


def among(values: pl.Series) -> pl.Series:
    """Return the values in the form that ``is_in`` takes."""
    return values.unique().implode()


class Sheet:
    """The rows of ``file``; every row ends as sent, left out by a rule, or dropped by an error.

    ``aside`` has values that a report may show and that the rows themselves no longer hold, by LINE.
    """

    def __init__(self, file: str, rows: pl.DataFrame, findings: Findings) -> None:
        self.file = file
        self.rows = rows
        self.aside: pl.DataFrame | None = None
        self._findings = findings

    def copy(self, findings: Findings) -> Sheet:
        """Return the same rows for a trial, whose findings go elsewhere."""
        sheet = Sheet(self.file, self.rows, findings)
        sheet.aside = self.aside
        return sheet

    @property
    def live(self) -> pl.DataFrame:
        """The rows that are still in play, in file order."""
        return self.rows if self._is_whole else self.rows.filter(LIVE)

    def chosen(self, *columns: str) -> pl.DataFrame:
        """Return some columns of the rows in play, without copying the others."""
        return self.rows.select(columns) if self._is_whole else run(self.rows.lazy().filter(LIVE).select(columns))

    @property
    def _is_whole(self) -> bool:
        """Whether no row has ended yet."""
        return self.rows[FATE].null_count() == self.rows.height

    def leave_out(self, condition: pl.Expr, reason: str) -> None:
        """Leave out the rows in play that meet the condition; ``reason`` is one of LEFT_OUT."""
        self._end(self._met(condition), reason)

    def drop(self, condition: pl.Expr, code: str, *, column: str | None = None) -> None:
        """Drop the rows in play that meet the condition, each with an entry that shows the value of ``column``."""
        met = self._met(condition)
        if not met.any():
            return
        ended = self.rows.filter(met)
        if column is not None and column not in ended.columns:
            ended = self._with_aside(ended, column)
        self._findings.add_rows(code, ended, file=self.file, column=column)
        self._end(met, code)

    def is_dropped(self) -> pl.Expr:
        """Whether a row ended by an error."""
        return pl.col(FATE).is_in(self._dropping())

    def note(self, code: str, rows: pl.DataFrame, **values: object) -> None:
        """Add an entry for each of the rows, which stay in play."""
        self._findings.add_rows(code, rows, file=self.file, column=None, **values)

    def note_count(self, code: str, count: int, *, column: str | None = None) -> None:
        """Add one entry for ``count`` rows or values, if there are any."""
        if count:
            self._findings.add(code, file=self.file, column=column, count=count)

    def counts(self) -> FileCounts:
        """Return how the rows ended; they add up."""
        reasons = {}
        if not self._is_whole:
            over = self.rows[FATE].drop_nulls().cast(pl.String).to_frame()
            reasons = dict(over.group_by(FATE, maintain_order=True).len().iter_rows())
        dropped = sum(count for reason, count in reasons.items() if reason in self._dropping())
        ended = sum(reasons.values())
        return FileCounts(
            read=self.rows.height,
            sent=self.rows.height - ended,
            left_out=ended - dropped,
            dropped=dropped,
            reasons=reasons,
        )

    def _met(self, condition: pl.Expr) -> pl.Series:
        """Return which rows in play meet the condition."""
        return self.rows.select(LIVE & condition).to_series()

    def _end(self, met: pl.Series, fate: str) -> None:
        if met.any():  # most rules end no row at all
            ended = pl.when(pl.lit(met)).then(pl.lit(fate, FATES)).otherwise(FATE)
            self.rows = self.rows.with_columns(ended.alias(FATE))

    def _dropping(self) -> list[str]:
        return [code for code in ROW_CODES if self._findings.levels[code] == "row"]

    def _with_aside(self, rows: pl.DataFrame, column: str) -> pl.DataFrame:
        """Give the rows that a report shows their value of a column that was set aside."""
        if self.aside is None:
            return rows.with_columns(pl.lit(None, pl.String).alias(column))
        shown = rows.head(MAX_ENTRIES).join(self.aside.select(LINE, column), on=LINE, how="left", maintain_order="left")
        return pl.concat([shown, rows.slice(MAX_ENTRIES)], how="diagonal")


def with_opening_fates(rows: pl.DataFrame, columns: Iterable[str], keys: Iterable[str]) -> pl.DataFrame:
    """End the rows, as they are read, that are blank, no longer active (rule 4), or without one of their ``keys``."""
    keyless = pl.any_horizontal(pl.col(column) == "" for column in keys)
    gone = (pl.col("status") == "tobedeleted") | (pl.col("status") == "inactive")
    if not rows.select((keyless | gone).any()).item():  # a blank one has no key either
        return rows
    blank = pl.all_horizontal(pl.col(column) == "" for column in columns)
    fate = (
        pl.when(~LIVE)
        .then(FATE)
        .when(blank)
        .then(pl.lit("blank", FATES))
        .when(gone)
        .then(pl.lit("inactive", FATES))
        .when(keyless)
        .then(pl.lit("missing-value", FATES))
    )
    return rows.with_columns(fate.alias(FATE))


def rows_without(frame: pl.DataFrame, keys: Iterable[str]) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield the rows that ended without a key, under the first that is missing."""
    if frame[FATE].null_count() == frame.height:
        return
    rest = frame.filter(pl.col(FATE) == "missing-value")
    for column in keys if rest.height else ():
        yield column, rest.filter(pl.col(column) == "")
        rest = rest.filter(pl.col(column) != "")


def judge_duplicates(sheet: Sheet, rows: pl.DataFrame, columns: Iterable[str], findings: Findings) -> None:
    """Collapse identical rows of ``sheet``; refuse different rows with one id (rule 21).

    ``rows`` are its rows, or at least those whose id stands twice, with all ``columns`` as text.
    """
    named = LIVE & (pl.col("sourcedId") != "")
    keys = rows.select(pl.col("sourcedId").hash().filter(named)).to_series()
    if keys.n_unique() == keys.len():  # quicker than comparing the texts, and equal texts have equal hashes
        return
    again = rows.filter(named).filter(pl.col("sourcedId").is_duplicated())
    whole = pl.struct(columns)
    copies = again.filter(~whole.is_first_distinct())
    if copies.height:
        findings.add("duplicate-row", file=sheet.file, count=copies.height, line=copies[LINE][0])
        sheet.leave_out(pl.col(LINE).is_in(copies[LINE].implode()), "same-row-again")
    different = again.filter(whole.is_first_distinct()).filter(pl.col("sourcedId").is_duplicated())
    findings.add_rows("duplicate-id", different, file=sheet.file, column="sourcedId")
