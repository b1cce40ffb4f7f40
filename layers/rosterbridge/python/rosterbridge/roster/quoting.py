"""Whether quotation marks stand where CSV wants them: polars reads a good deal else, and loses marks on the way."""

from __future__ import annotations

import re

import polars as pl

PAIR = "\x01"  # stands for two quotation marks in a row; text that holds it is not judged


def is_well_quoted(data: bytes, separator: str) -> bool:
    """Return whether every value with a quotation mark is enclosed in them, and every one inside is doubled.

    ``data`` are whole records, the last one ended. False also for what cannot be told; the exact reader decides then.
    """
    if PAIR.encode() in data:
        return False
    try:
        text = data.replace(b'""', PAIR.encode()).decode()
    except UnicodeDecodeError:
        return False
    # Marks that are left open and close values by turns, so that every second part is outside of values
    outside = pl.Series([text]).str.split('"').explode().gather_every(2)
    apart = re.escape(separator)
    opens = rf"(?:^|[{apart}\n]){PAIR}*\Z"  # before a value of which the first characters are quotation marks, pairs
    first, last = outside[0], outside[-1]
    if outside.len() > 1:
        between = outside[1:-1]
        if not (first == "" or re.search(opens, first)) or not re.match(rf"[{apart}\r\n]", last):
            return False
        if not between.str.contains(rf"(?s)^[{apart}\r\n](?:.*[{apart}\n])?{PAIR}*$").all():
            return False
    if PAIR not in text:
        return True
    alone = rf"[^{apart}\n{PAIR}]{PAIR}|{PAIR}[^{apart}\r\n{PAIR}]"  # a pair beside the text of a value without marks
    return not outside.str.contains(alone).any()
