"""Ids in the characters of Apple's guide: letters, digits and hyphens (``mapping.md`` rule 20, ``id_policy`` map).

Each other character becomes ``-xHEX-``, its code point; so does the hyphen of a ``-x`` that stands in an id already.
Thus ``unmapped`` gives every id back, and no two ids become one.
"""

from __future__ import annotations

import re

import polars as pl

TO_MAP = r"[^0-9A-Za-z-]|-x"
MAPPED = re.compile(r"-x([0-9A-F]+)-")
PLAIN = re.compile(r"[^0-9A-Za-z-]|-(?=x)")


def mapped(column: str) -> pl.Expr:
    """Return the ids of a column, mapped where they must be."""
    ids = pl.col(column)
    changed = ids.map_elements(map_id, return_dtype=pl.String)
    return pl.when(ids.str.contains(TO_MAP)).then(changed).otherwise(ids).alias(column)


def map_id(identifier: str) -> str:
    """Return one id, mapped."""
    return PLAIN.sub(lambda match: f"-x{ord(match[0]):X}-", identifier)


def unmapped(identifier: str) -> str:
    """Return the id from which ``map_id`` made this one."""
    return MAPPED.sub(lambda match: chr(int(match[1], 16)), identifier)
