"""What docs/privacy.md says of stored fields and of their end is what the code stores."""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from pydantic import BaseModel

import rosterbridge
from rosterbridge.adapters import (
    dynamodb_accounts,
    dynamodb_changes,
    dynamodb_circuits,
    dynamodb_notices,
    dynamodb_scores,
    dynamodb_uploads,
    throttle,
)
from rosterbridge.flows import broken_uploads, erasing, models, sign_in_scores
from rosterbridge.flows.circuits import CircuitState
from rosterbridge.flows.ports import User
from tests.support import privacy

ROOT = Path(__file__).parents[2]
PACKAGE = Path(rosterbridge.__file__).parent
# What is put into a table, a bucket or the user pool; what these hold is found from here
ROOTS = (
    *(models.Organization, models.Project, models.FileAccount, models.AsmAccount, models.Flow, models.Run),
    *(models.DryRun, models.Lane, models.AuditEntry, CircuitState, erasing.Erasure, User),
)
BASES = {models.Model, models.Thing, models.RunSummary}


def fields_of(kind: type) -> set[str]:
    if issubclass(kind, BaseModel):
        return set(kind.model_fields)
    return {field.name for field in dataclasses.fields(kind)}


def held_by(kind: type) -> Iterator[type]:
    """Yield a stored kind and those that its fields hold."""
    yield kind
    for annotation in get_type_hints(kind).values():
        for inner in _parts(annotation):
            if isinstance(inner, type) and (issubclass(inner, BaseModel) or dataclasses.is_dataclass(inner)):
                yield from held_by(inner)


def _parts(annotation: Any) -> Iterator[Any]:
    yield annotation
    for inner in get_args(annotation):
        yield from _parts(inner)


STORED = {kind.__name__: kind for root in ROOTS for kind in held_by(root)}


@pytest.mark.parametrize("name", STORED)
def test_every_stored_field_is_told_with_what_it_is_for_and_whose_it_is(name: str) -> None:
    table = privacy.rows(f"### `{name}`")

    assert set().union(*(privacy.words(cells[0]) for cells in table)) == fields_of(STORED[name])
    for cells in table:
        assert cells[1], cells
        assert cells[2] in {"none", "pupil, staff", "administrator", "sender"}, cells


def test_no_section_outlives_its_model_and_no_model_is_left_out() -> None:
    of_models = {
        kind
        for kind in vars(models).values()
        if isinstance(kind, type) and issubclass(kind, models.Model) and kind.__module__ == models.__name__
    }

    assert privacy.models() == STORED.keys()
    assert {kind.__name__ for kind in of_models - BASES} <= STORED.keys()


def test_small_records_end_when_it_is_said() -> None:
    said = {cells[0]: cells[4] for cells in privacy.rows("### Small records")}
    day = timedelta(days=1)

    assert {
        "run that waits for somebody": f"{dynamodb_notices.LONGEST_HOLD / day:g}",
        "notice": f"{dynamodb_notices.KEPT / day:g}",
        "request": f"{dynamodb_changes.KEEP_REQUESTS / day:g}",
        "changes in a minute": f"{throttle.KEPT / timedelta(hours=1):g} hour",
        "refused sign-ins of an address": f"{dynamodb_scores.KEPT / day:g}",
        "refused sign-ins of an account": f"{dynamodb_scores.KEPT / day:g}",
        "address that an account knows": f"{sign_in_scores.KNOWN_FOR / day:g}",
        "uploads of a day": f"{dynamodb_uploads.COUNTS_KEPT / day:g}",
        "upload of the last day": f"{broken_uploads.KEPT / day:g}",
        "upload that broke off": f"{broken_uploads.KEPT / day:g}",
        "circuit of a host": f"{dynamodb_circuits.KEPT / day:g}",
        "home or lane to be removed": f"{dynamodb_accounts.HOME_GRACE / day:g}, {dynamodb_changes.LANE_GRACE / day:g}",
    }.items() <= said.items()


def test_what_a_certificate_says_that_aws_keeps_is_what_is_said_here() -> None:
    day, said = timedelta(days=1), privacy.days()

    assert said["tables as they were"] == f"{erasing.BACKUPS / day:g}"
    assert said["histories of executions"] == f"{erasing.EXECUTIONS / day:g}"
    assert said["messages in queues"] == f"{erasing.MESSAGES / day:g}"


def sources() -> Iterator[Path]:
    yield from (path for path in PACKAGE.rglob("*.py") if "cli" not in path.parts)
    yield from (ROOT / "functions").glob("*/*.py")


def logged(tree: ast.AST) -> Iterator[str]:
    """Yield the names of all fields that are given to the log."""
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        for keyword in call.keywords:
            if keyword.arg == "extra" and isinstance(keyword.value, ast.Dict):
                yield from (key.value for key in keyword.value.keys if isinstance(key, ast.Constant))
            elif name in {"boundary", "append_keys"} and keyword.arg:
                yield keyword.arg


def test_every_field_of_a_log_line_is_told() -> None:
    found = {name for path in sources() for name in logged(ast.parse(path.read_text(encoding="utf-8")))}

    assert {"code", "kind", "place", "detail"} <= found
    assert found - privacy.words(privacy.section("## Logs")) == set()


def test_every_file_that_is_stored_is_told() -> None:
    kinds = r"(?:zip|parquet|csv\.gz|json)"
    written = re.compile(rf"_object\([^)]*?\"([^\"/]+\.[a-z.]+)\"|^[A-Z_]+ = \"([^\"/]+\.{kinds})\"", re.MULTILINE)
    names = {one or other for path in sources() for one, other in written.findall(path.read_text(encoding="utf-8"))}

    assert len(names) > 5
    assert [name for name in sorted(names) if name not in privacy.section("## Files")] == []
