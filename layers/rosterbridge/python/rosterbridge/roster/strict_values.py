"""Judges the values of a OneRoster file by the standard's types, vocabularies and references, batch by batch."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from rosterbridge.roster.findings import LINE, Findings
from rosterbridge.roster.links import FIRST, SECOND, hashes
from rosterbridge.roster.reading import CsvFile
from rosterbridge.roster.schemas import Column, guid_pattern
from rosterbridge.roster.sheet import FATE

LISTS = frozenset({"List of GUID References", "Enumeration List"})
KINDS = {
    "GUID": "an id of letters, digits and . _ / @ -, at most 255 of them",
    "GUID Reference": "an id of letters, digits and . _ / @ -, at most 255 of them",
    "List of GUID References": "a list of ids with commas and no spaces",
    "List of User Ids": "a list of {type:id}",
    "Date": "a date YYYY-MM-DD",
    "DateTime": "a time such as 2026-04-23T18:25:43.511Z",
    "Year": "a year YYYY",
}
PATTERNS = {
    "List of User Ids": r"\{[^{}:,]+:[^{},]+\}(,\{[^{}:,]+:[^{},]+\})*",
    "Date": r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "DateTime": r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z",
    "Year": r"[0-9]{4}",
    "Boolean": "true|false",
}
SHOWN = 255  # characters of a value: a report stays readable whatever a file holds
HIDDEN = frozenset({"List of User Ids"})  # and plain strings: a report shows ids, words and dates only


@dataclass(frozen=True)
class _Check:
    """What is wrong with the rows that meet ``condition``; a report shows the value, or not."""

    code: str
    column: str
    condition: pl.Expr
    shown: bool
    kind: str = ""


class ValueChecker:
    """Checks one file; ``known`` has the hashes of the ids of each file that was read whole before.

    References into the files of ``absent`` meet nothing; those into any other file are not checked.
    """

    def __init__(
        self,
        file: CsvFile,
        columns: Sequence[Column],
        *,
        delta: bool,
        known: Mapping[str, pl.DataFrame],
        absent: frozenset[str],
        findings: Findings,
    ) -> None:
        self._file = file
        self._name = file.fmt.name
        self.rows = 0
        self._delta = delta
        self._known = known
        self._findings = findings
        self._checks = [check for column in columns for check in _checks(column, delta=delta)]
        self._changes = [column.name for column in columns if column.required == "delta"]
        # a delta may refer to what an earlier upload brought
        references = [] if delta else [column for column in columns if column.references]
        self._references = [column for column in references if column.references in {*known, *absent}]
        self._own = [column for column in references if column.references == self._name]

    def check(self) -> pl.DataFrame:
        """Return the hashes of the file's ids; raises RosterError where the file cannot be read further."""
        ids: list[pl.DataFrame] = []
        own: list[tuple[Column, pl.DataFrame]] = []
        changed, first = 0, None
        for batch in self._file.frames(self._findings):
            frame = batch.filter(pl.col(FATE).is_null())
            self.rows += batch.height
            self._judge(frame)
            if not self._delta:
                marked = frame.filter(pl.any_horizontal(pl.col(self._changes) != ""))
                changed += marked.height
                first = marked[LINE][0] if first is None and marked.height else first
            for column in self._references:
                self._judge_references(column, _items(frame, column), self._known.get(column.references or ""))
            own += [(column, _items(frame, column)) for column in self._own]
            ids.append(frame.filter(pl.col("sourcedId") != "").select(*hashes("sourcedId"), LINE))
        keys = pl.concat(ids)
        for column, items in own:
            self._judge_references(column, items, keys)
        if changed:
            self._findings.add("status-in-bulk", file=self._name, line=first, count=changed)
        if keys.select(FIRST, SECOND).n_unique() < keys.height:
            again = keys.filter(~pl.struct(FIRST, SECOND).is_first_distinct())
            self._findings.add_rows("repeated-id", again, file=self._name)
        return keys

    def _judge(self, frame: pl.DataFrame) -> None:
        marks = frame.select(check.condition.alias(str(number)) for number, check in enumerate(self._checks))
        counts = marks.select(pl.all().sum()).row(0)
        for number, check in enumerate(self._checks):
            if counts[number]:
                rows = frame.filter(marks[str(number)]).select(LINE, pl.col(check.column).str.slice(0, SHOWN))
                values = {"kind": check.kind} | ({} if check.shown else {"value": "…"})
                self._findings.add_rows(check.code, rows, file=self._name, column=check.column, **values)

    def _judge_references(self, column: Column, items: pl.DataFrame, keys: pl.DataFrame | None) -> None:
        code, place = "unresolved-reference", {"file": self._name, "column": column.name, "other": column.references}
        if keys is None:  # the file is not there: one entry says so for all
            if items.height:
                self._findings.add(code, count=items.height, value="…", **place)  # type: ignore[arg-type]
            return
        broken = items.with_columns(hashes(column.name)).join(
            keys, on=[FIRST, SECOND], how="anti", maintain_order="left"
        )
        if broken.height:
            broken = broken.with_columns(pl.col(column.name).str.slice(0, SHOWN))
            self._findings.add_rows(code, broken, **place)  # type: ignore[arg-type]


def _items(frame: pl.DataFrame, column: Column) -> pl.DataFrame:
    """Return each reference of a column, with its line."""
    items = frame.select(LINE, column.name)
    if column.type in LISTS:
        items = items.with_columns(pl.col(column.name).str.split(",")).explode(column.name)
    return items.filter(pl.col(column.name) != "")


def _checks(column: Column, *, delta: bool) -> Iterator[_Check]:
    text = pl.col(column.name)
    if column.required is True or (column.required and delta):
        yield _Check("empty-required-value", column.name, text == "", shown=False)
    yield _Check("line-break", column.name, text.str.contains(r"[\r\n]"), shown=False)
    if column.required == "delta" and not delta:
        return  # must be empty, which is counted by row
    pattern = _pattern(column)
    if pattern is None:
        return
    wrong = ~text.str.contains(f"^(?:{pattern})$")
    if column.type == "Date":
        wrong |= text.str.to_date("%Y-%m-%d", strict=False).is_null()
    code = "wrong-type" if column.type in KINDS else "unknown-word"
    yield _Check(code, column.name, (text != "") & wrong, column.type not in HIDDEN, KINDS.get(column.type, ""))


def _pattern(column: Column) -> str | None:
    """Return the regular expression of a column's values; None where any text will do."""
    if column.type.startswith("GUID"):
        return guid_pattern()
    if column.type == "List of GUID References":
        return f"{guid_pattern()}(?:,{guid_pattern()})*"
    if column.words:
        words = "|".join(re.escape(word) for word in column.words)
        word = rf"(?:{words}|ext:[^\s,]+)" if column.extensible else f"(?:{words})"
        return f"{word}(?:,{word})*" if column.type in LISTS else word
    return PATTERNS.get(column.type)
