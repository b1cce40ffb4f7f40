"""polars' connectors wait until somebody calls them, and work then."""

from __future__ import annotations

import subprocess
import sys

import pytest

from rosterbridge.roster.connectors import CONNECTORS

LOADED = f"sorted(name for name in sys.modules if name.startswith(tuple(f'{{c}}.' for c in {sorted(CONNECTORS)})))"


def _said(*lines: str, first: str = "rosterbridge.roster") -> list[str]:
    """Return what a fresh process prints that has imported ``first`` before anything else."""
    code = "\n".join([f"import sys, {first}", *lines])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    return done.stdout.splitlines()


def test_a_conversion_imports_none_of_them() -> None:
    [loaded] = _said("import rosterbridge.roster.packages", f"print({LOADED})")
    assert loaded == "[]"


def test_one_that_is_called_works_and_leaves_the_others_alone() -> None:
    lines = _said(
        "import sqlite3, polars",
        "source = sqlite3.connect(':memory:')",
        "for query in ('select 1', 'select 2'): print(polars.read_database(query, source).item())",
        f"print({{name.split('.')[2] for name in {LOADED}}})",
        "print(polars.io.database.read_database.__module__)",
    )
    assert lines == ["1", "2", "{'database'}", "polars.io.database.functions"]


def test_threads_that_call_one_at_the_same_time_all_get_it() -> None:
    lines = _said(
        "import sqlite3, threading, polars",
        "from concurrent.futures import ThreadPoolExecutor",
        "sys.setswitchinterval(1e-6)",
        "start = threading.Barrier(8)",
        "def read(number):",
        "    start.wait()",
        "    return polars.read_database(f'select {number}', sqlite3.connect(':memory:')).item()",
        "with ThreadPoolExecutor(8) as threads: print(list(threads.map(read, range(8))))",
    )
    assert lines == ["[0, 1, 2, 3, 4, 5, 6, 7]"]


@pytest.mark.parametrize("connector", sorted(CONNECTORS))
def test_polars_still_has_each_of_them(connector: str) -> None:
    lines = _said(
        f"import polars, {connector} as connector",
        f"print('{connector}' in sys.modules, hasattr(connector, '__path__'), hasattr(connector, '__nothing__'))",
    )
    assert lines == ["True True False"]


def test_a_polars_that_is_there_already_is_left_as_it_is() -> None:
    assert _said("import rosterbridge.roster", f"print(len({LOADED}) > 0)", first="polars") == ["True"]
