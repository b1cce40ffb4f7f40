"""The standards' facts as data: every file of OneRoster 1.1 and 1.2 and of Apple's format, with its columns.

Sources: 1EdTech's OneRoster CSV bindings 1.1 and 1.2; Apple's guide to the six files. ``formats.py`` says what of it
is read. The data is loaded on first use, so that a conversion that needs none does not wait for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Literal

Version = Literal["1.1", "1.2"]
VERSIONS: tuple[Version, ...] = ("1.1", "1.2")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a OneRoster file; ``required`` is "delta" where it is filled in deltas and empty in bulk files.

    ``words`` is the vocabulary of an enumeration, which ``extensible`` opens for ``ext:`` terms; ``references`` names
    the file to whose ids the values refer.
    """

    name: str
    required: bool | Literal["delta"]
    type: str
    words: tuple[str, ...] = ()
    extensible: bool = False
    references: str | None = None


@dataclass(frozen=True, slots=True)
class Property:
    """A row of manifest.csv; ``file`` is the one whose presence it tells."""

    name: str
    required: bool
    words: tuple[str, ...] = ()
    file: str | None = None


@dataclass(frozen=True, slots=True)
class Schema:
    """A version of OneRoster: its files with their columns in order, and the properties of its manifest.

    ``rostering`` names the files of its rostering part, ``apple`` those that Apple asks for.
    """

    version: Version
    files: Mapping[str, tuple[Column, ...]]
    manifest: tuple[Property, ...]
    rostering: tuple[str, ...]
    apple: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AsmColumn:
    """A column of one of Apple's files."""

    name: str
    required: bool
    words: tuple[str, ...] = ()
    references: str | None = None


@dataclass(frozen=True, slots=True)
class AsmSchema:
    """One of Apple's files: its columns in order, its key, and the column that may stand again with a number."""

    key: str
    columns: tuple[AsmColumn, ...]
    repeated: Mapping[str, Any] = field(default_factory=dict)


@cache
def oneroster(version: Version) -> Schema:
    """Return a version of OneRoster; 1.2 with the corrections of 1.2.1."""
    data = _data("oneroster_schema.json")["versions"][version]
    return Schema(
        version=version,
        files={name: _columns(columns) for name, columns in data["files"].items()},
        manifest=tuple(Property(**_frozen(item)) for item in data["manifest"]),
        rostering=tuple(data["rostering"]),
        apple=tuple(data["apple"]),
    )


@cache
def variants(file: str) -> tuple[tuple[Column, ...], ...]:
    """Return the columns that earlier texts of a version gave a file, and that still stand for it."""
    return tuple(
        _columns(known[file]) for known in _data("oneroster_schema.json")["variants"].values() if file in known
    )


@cache
def guid_pattern() -> str:
    """Return the regular expression of one GUID."""
    guid = _data("oneroster_schema.json")["guid"]
    return f"{guid['pattern']}{{1,{guid['max_length']}}}"


@cache
def oneroster_files() -> Mapping[str, str]:
    """Return the name of every file that a package of any version may hold, by its folded name."""
    return {name.casefold(): name for version in VERSIONS for name in oneroster(version).files}


@cache
def oneroster_columns(file: str) -> frozenset[str]:
    """Return the folded names of all columns that a file has in any version."""
    known = [oneroster(version).files.get(file, ()) for version in VERSIONS]
    return frozenset(column.name.casefold() for columns in (*known, *variants(file)) for column in columns)


@cache
def asm() -> Mapping[str, AsmSchema]:
    """Return Apple's six files by name."""
    return {
        name: AsmSchema(
            key=data["key"],
            columns=tuple(AsmColumn(**_frozen(column)) for column in data["columns"]),
            repeated=data.get("repeated", {}),
        )
        for name, data in _data("asm_schema.json").items()
    }


@cache
def _data(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(files(__package__).joinpath(name).read_text(encoding="utf-8"))
    return loaded


def _columns(columns: Sequence[dict[str, Any]]) -> tuple[Column, ...]:
    return tuple(Column(**_frozen(column)) for column in columns)


def _frozen(item: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in item.items()}
