"""Ids in the characters of Apple's guide, from which the source's ids can be read again."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rosterbridge.roster.identifiers import map_id, mapped, unmapped

IDS = st.one_of(st.text(), st.text(st.sampled_from("-xX25DdAF_.é😀"), max_size=12))


@given(identifier=IDS)
@example("-x2D-")
@example("--x--x2D--x")
@example("_x5F-")
def test_every_id_is_read_back_from_letters_digits_and_hyphens(identifier: str) -> None:
    written = map_id(identifier)
    assert unmapped(written) == identifier
    assert all(character.isascii() and (character.isalnum() or character == "-") for character in written)


@given(ids=st.lists(IDS, unique=True, max_size=8))
def test_no_two_ids_become_one(ids: list[str]) -> None:
    assert len({map_id(identifier) for identifier in ids}) == len(ids)


@given(ids=st.lists(IDS, max_size=8))
def test_a_column_is_mapped_as_its_ids_are(ids: list[str]) -> None:
    column = pl.DataFrame({"id": ids}, schema={"id": pl.String}).select(mapped("id"))["id"]
    assert column.to_list() == [map_id(identifier) for identifier in ids]


@pytest.mark.parametrize(
    ("identifier", "written"),
    [("p-1", "p-1"), ("Xx-9", "Xx-9"), ("994_1001", "994-x5F-1001"), ("a.b@c/d", "a-x2E-b-x40-c-x2F-d"), ("", "")],
)
def test_what_apple_allows_stays_and_the_rest_is_its_code_point(identifier: str, written: str) -> None:
    assert map_id(identifier) == written
