"""pydantic's errors as fields of a problem, without anything that the sender wrote."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from rosterbridge.api import bodies
from rosterbridge.api.problems import FieldError
from rosterbridge.roster.options import ConversionOptions

MAX_ERRORS = 20
UNKNOWN = "extra_forbidden"
# Where a message of pydantic could repeat what was sent: a sentence of ours instead
SENTENCES = {
    UNKNOWN: "There is a field here that is not known.",
    "value_error": "The value is not one that is allowed here.",
    "assertion_error": "The value is not one that is allowed here.",
    "json_invalid": "There is text here that is not Unicode.",
}


def field_errors(found: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    """Return what is wrong, each field once."""
    made = (
        FieldError(
            field=_path(error["loc"]),
            code=str(error["type"]).replace("_", "-").replace(".", "-"),
            message=SENTENCES.get(str(error["type"]), str(error["msg"])),
        )
        for error in found
    )
    return list({(error.field, error.code): error for error in made}.values())[:MAX_ERRORS]


def _path(loc: Iterable[Any]) -> str:
    """Return the path of known names and places in lists; an unknown name was made up by the sender."""
    parts = (HEADERS.get(str(part), part) for part in loc)
    return ".".join(str(part) for part in parts if isinstance(part, int) or part in _names())


# Powertools looks for headers in lower case
HEADERS = {name.lower(): name for name in ("If-Match", "Idempotency-Key", "If-None-Match")}
PARAMETERS = frozenset({"limit", "cursor", "status", "since", "until", "what"}) | {
    f"{thing}_id" for thing in ("organization", "user", "project", "file_account", "key", "asm_account", "flow", "run")
}


@cache
def _names() -> frozenset[str]:
    options = ConversionOptions.__dataclass_fields__
    models = (model.model_fields for model in bodies.MODELS)
    return frozenset({*options, *(name for fields in models for name in fields), *HEADERS.values(), *PARAMETERS})
