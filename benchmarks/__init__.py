"""How fast the conversion is, and how much memory it takes, beside a floor and other ways to write it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

ROOT = Path(__file__).parents[1]
AS_OF = date(2026, 10, 1)  # the day for which every engine converts
