"""Columns of few words: each word once, a small number in its place, and nothing lost where there are too many."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rosterbridge.roster.words import FEW, MAX_WORDS, Words
from tests.support.examples import examples


@settings(max_examples=examples(60), deadline=None)
@given(batches=st.lists(st.lists(st.sampled_from(["", *"abcdefghijkl"]), max_size=8), max_size=5))
def test_numbers_mean_their_words_from_batch_to_batch(batches: list[list[str]]) -> None:
    words = Words()
    encoded = [words.encode(pl.Series("role", batch, pl.String)) for batch in batches]

    for batch, numbers in zip(batches, encoded, strict=True):
        assert words.meanings(numbers, str, pl.String()).to_list() == batch
        assert words.marks(numbers, "a".__eq__).to_list() == [word == "a" for word in batch]
        assert (numbers.name, numbers.dtype) == ("role", pl.UInt16)


@pytest.mark.parametrize("known", [0, 1, FEW, FEW + 1])
def test_an_empty_batch_has_no_numbers(known: int) -> None:
    words = Words()
    words.encode(pl.Series([str(number) for number in range(known)], dtype=pl.String))
    assert words.encode(pl.Series([], dtype=pl.String)).is_empty()


def test_words_beyond_the_last_number_are_one_unknown_word() -> None:
    words = Words()
    numbers = words.encode(pl.Series([str(number) for number in range(MAX_WORDS + 3)]))

    assert len(words.all) == MAX_WORDS
    meant = words.meanings(numbers, str, pl.String())
    assert meant.head(MAX_WORDS).to_list() == list(words.all)
    assert meant.tail(3).to_list() == [None] * 3
    assert words.marks(numbers, lambda _: True).sum() == MAX_WORDS
