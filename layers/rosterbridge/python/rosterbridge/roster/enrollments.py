"""Reads enrollments.csv, by far the largest file, into a few dozen bytes a row: links instead of ids."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from itertools import islice, takewhile
from typing import Self

import polars as pl

from rosterbridge.roster.cleaning import Cleaner
from rosterbridge.roster.findings import LINE, Findings
from rosterbridge.roster.formats import ENROLLMENT_ROLES, ENROLLMENTS
from rosterbridge.roster.links import FIRST, SECOND, Index, hashes
from rosterbridge.roster.options import ConversionOptions
from rosterbridge.roster.pieces import USUAL
from rosterbridge.roster.reading import Batch, CsvFile
from rosterbridge.roster.sheet import FATE, Sheet, judge_duplicates, rows_without, with_opening_fates
from rosterbridge.roster.words import Words

CLASS, USER = "_class", "_user"  # rows of classes.csv and users.csv
UNUSUAL = "_unusual"  # whether the id has characters that Apple's guide does not allow
ID_HASH = "_id_hash"
JUDGED_ROLES, OTHER = ("student", "teacher", ""), "other"
ROLE = pl.Enum([*JUDGED_ROLES, OTHER])
REFERENCES = {"classSourcedId": CLASS, "userSourcedId": USER}
BEGUN_BATCHES = 24  # how many are read before it is known to what they refer: each takes a few megabytes more till then
UNUSUAL_ID = r"[^0-9A-Za-z-]"  # Apple's guide: alphanumeric and hyphen
ASKED_AT_ONCE = 2**16  # ids that take a few megabytes: new memory for all of them would take longer than to look
KNOWN_ROLES = frozenset(ENROLLMENT_ROLES)


class EnrollmentReader:
    """Reads the file batch by batch; what needs a row's texts again, such as a report, reads it once more.

    Used as a context it begins at once, by a thread, while the files are read to which the rows refer.
    """

    def __init__(self, file: CsvFile, options: ConversionOptions, findings: Findings) -> None:
        self._file = file
        self._options = options
        self._findings = findings
        self._meanwhile = Findings(findings.levels)  # noted before it is this file's turn
        self._compacted = (self._compact(batch) for batch in file.batches(self._meanwhile))
        self._pool = ThreadPoolExecutor(1) if file.is_large else None
        self._begun: Future[list[pl.DataFrame]] | None = None
        self._is_left = False
        self._indexes: dict[str, Index] = {}
        self._cleaner = Cleaner(file.fmt, options)
        self._missing: dict[str, list[pl.DataFrame]] = {column: [] for column in REFERENCES}
        self._roles = Words()
        self._unknown_roles = 0
        self.dates = {"beginDate": Words(), "endDate": Words()}

    def __enter__(self) -> Self:
        if self._pool:
            self._begun = self._pool.submit(self._begin)
        return self

    def __exit__(self, *_: object) -> None:
        self._is_left = True
        if self._pool:
            self._pool.shutdown()

    def _begin(self) -> list[pl.DataFrame]:
        """Return the first batches, as many as may wait."""
        going = takewhile(lambda _: not self._is_left, self._compacted)
        return list(islice(going, BEGUN_BATCHES))

    def _batches(self) -> Iterator[pl.DataFrame]:
        """Yield the batches, those that are there already first; none is held here any longer."""
        begun = deque(self._begun.result() if self._begun else ())
        self._begun = None
        while begun:
            yield begun.popleft()
        yield from self._compacted

    def read(self, classes: Sheet, users: Sheet) -> Sheet:
        """Return the rows; those that are blank, inactive, without a reference or there already have ended."""
        with ThreadPoolExecutor(len(REFERENCES)) as linkers:
            self._indexes = dict(zip(REFERENCES, linkers.map(Index, (classes, users)), strict=True))
            linked = [self._link(batch, linkers) for batch in self._batches()]
        self._findings.adopt(self._meanwhile)
        sheet = Sheet(ENROLLMENTS, pl.concat(linked), self._findings)
        linked.clear()
        self._look_again(sheet)
        self._cleaner.report(self._findings)
        sheet.note_count("unknown-role", self._unknown_roles)
        for column, missing in self._missing.items():
            if missing:
                self._findings.add_rows("missing-value", pl.concat(missing), file=ENROLLMENTS, column=column)
        return sheet

    def _compact(self, batch: Batch) -> pl.DataFrame:
        """Return a batch with numbers for all but the ids, which Apple gets."""
        is_mixed = not batch.is_usual and has_unusual(batch.rows["sourcedId"])  # as is all that is to be cleaned
        clean = self._cleaner.clean(batch, skipped=REFERENCES if is_mixed else (*REFERENCES, "sourcedId"))
        clean = with_opening_fates(clean, self._file.fmt.columns, REFERENCES)
        self._note_missing(clean)
        return clean.select(
            "sourcedId",
            LINE,
            FATE,
            self._role_of(clean),
            pl.col("primary") == "true",
            (pl.col("sourcedId").str.contains(UNUSUAL_ID) if is_mixed else pl.lit(value=False)).alias(UNUSUAL),
            pl.col("sourcedId").hash(1).alias(ID_HASH),
            *(words.encode(clean[column]) for column, words in self.dates.items()),
            *(key.name.suffix(column) for column in REFERENCES for key in hashes(column)),
        )

    def _role_of(self, clean: pl.DataFrame) -> pl.Series:
        """Return the roles by which the rules go; unknown ones are counted."""
        numbers = self._roles.encode(clean["role"])
        if not KNOWN_ROLES.issuperset(self._roles.all):
            unknown = clean[FATE].is_null() & ~self._roles.marks(numbers, KNOWN_ROLES.__contains__)
            self._unknown_roles += int(unknown.sum())
        meant = self._roles.meanings(numbers, lambda word: word if word in JUDGED_ROLES else OTHER, ROLE)
        return meant.fill_null(OTHER).alias("role")

    def _note_missing(self, frame: pl.DataFrame) -> None:
        for column, rows in rows_without(frame, REFERENCES):
            self._missing[column].append(rows.select(LINE, column))

    def _link(self, batch: pl.DataFrame, linkers: Executor) -> pl.DataFrame:
        """Put the rows of classes and users in the place of the hashes of their ids."""
        frame = batch.rechunk()
        sought = [[frame.drop_in_place(part + column) for part in (FIRST, SECOND)] for column in REFERENCES]
        found = linkers.map(lambda column, keys: self._indexes[column].link_hashes(*keys), REFERENCES, sought)
        return frame.with_columns(rows.alias(link) for rows, link in zip(found, REFERENCES.values(), strict=True))

    def _look_again(self, sheet: Sheet) -> None:
        """Judge the rows whose references were not found as they stand, and those whose id stands twice."""
        live = pl.col(FATE).is_null()
        unlinked = live & (pl.col(CLASS).is_null() | pl.col(USER).is_null())
        named = live & (pl.col("sourcedId") != "")
        ids = sheet.rows.filter(named)[ID_HASH]
        again = named & pl.col(ID_HASH).is_duplicated() if ids.n_unique() < ids.len() else pl.lit(value=False)
        lines = sheet.rows.filter(unlinked | again)[LINE]
        sheet.rows = sheet.rows.drop(ID_HASH)
        if lines.is_empty():
            return
        texts = self._texts(lines)
        self._note_missing(texts)
        places = sheet.rows[LINE].search_sorted(texts[LINE])
        for column in (*REFERENCES.values(), FATE):
            sheet.rows = sheet.rows.with_columns(sheet.rows[column].scatter(places, texts[column]))
        sheet.aside = texts.filter(unlinked).select(LINE, *REFERENCES)
        judge_duplicates(sheet, texts, self._file.fmt.columns, self._findings)

    def _texts(self, lines: pl.Series) -> pl.DataFrame:
        """Return some rows with all their columns, clean, and linked."""
        others = Cleaner(self._file.fmt, self._options)  # what it changes was counted at the first reading
        frames = []
        for batch in self._file.batches(Findings()):
            chosen = Batch(batch.rows.filter(pl.col(LINE).is_in(lines.implode())), is_usual=batch.is_usual)
            rows = self._cleaner.clean(chosen, skipped=self._file.fmt.columns_without(REFERENCES))
            frames.append(others.clean(Batch(rows, is_usual=batch.is_usual), skipped=REFERENCES))
        texts = with_opening_fates(pl.concat(frames), self._file.fmt.columns, REFERENCES)
        return texts.with_columns(
            self._indexes[column].link(texts[column]).alias(link) for column, link in REFERENCES.items()
        )


def has_unusual(ids: pl.Series) -> bool:
    """Whether an id has characters that Apple's guide does not allow: asked of many at once, quicker than of each."""
    parts = (ids.slice(first, ASKED_AT_ONCE) for first in range(0, ids.len(), ASKED_AT_ONCE))
    return any(part.str.join("")[0].encode().translate(None, USUAL) for part in parts)
