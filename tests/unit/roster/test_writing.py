"""Apple's ZIP has the same bytes however its rows come, and whatever is packed at the same time (rule 18)."""

from __future__ import annotations

import random
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl
from isal import isal_zlib

from rosterbridge.roster.writing import BLOCK_BYTES, _packed, write_asm_zip

ROWS = 70_000
FRAME = pl.DataFrame({"roster_id": range(ROWS)}).select(
    pl.col("roster_id").hash(1).cast(pl.String),
    pl.col("roster_id").hash(2).cast(pl.String).alias("class_id"),
    pl.when(pl.col("roster_id") % 3 > 0).then(pl.lit("Ö, quoted")).otherwise(pl.lit("")).alias("student_id"),
)


def written(target: Path, slice_rows: int) -> bytes:
    write_asm_zip({name: FRAME.iter_slices(slice_rows) for name in ("rosters.csv", "again.csv")}, target)
    return target.read_bytes()


def test_the_same_rows_give_the_same_bytes_however_they_come(tmp_path: Path) -> None:
    whole = written(tmp_path / "whole.zip", ROWS)
    with ThreadPoolExecutor(3) as threads:
        others = threads.map(lambda rows: written(tmp_path / f"{rows}.zip", rows), (999, 8192, 50_000))
        assert all(other == whole for other in others)


def test_blocks_that_are_packed_apart_are_one_file(tmp_path: Path) -> None:
    written(tmp_path / "rosters.zip", 8192)
    with zipfile.ZipFile(tmp_path / "rosters.zip") as archive:
        assert archive.testzip() is None
        one, other = archive.infolist()
        assert one.file_size == other.file_size > 3 * BLOCK_BYTES
        assert one.compress_size == other.compress_size
        read = pl.read_csv(archive.read("rosters.csv"), infer_schema=False)
    assert read.fill_null("").equals(FRAME)


def test_a_block_is_packed_alike_wherever_its_packer_lies() -> None:
    chance = random.Random(1)  # noqa: S311 a fixed draw
    texts = [chance.randbytes(300).hex() for _ in range(15_000)]
    blocks = [f"{text}{text[:8]}{text[::-1]}".encode() for text in texts]
    packed = [_packed(b"", block) for block in blocks]
    for places in (5, 9):
        taken = [isal_zlib.compressobj() for _ in range(places)]  # so that the next ones lie elsewhere
        assert [_packed(b"", block) for block in blocks] == packed
        assert taken
