"""Each code that the API can answer is known, and explained in the documentation."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import rosterbridge
from rosterbridge import errors
from rosterbridge.api import problems
from rosterbridge.api.codes import CODES, INVALID, UNAVAILABLE, UNEXPECTED

CODE = Path(rosterbridge.__file__).parent
ERRORS = (Path(__file__).parents[3] / "docs" / "errors.md").read_text(encoding="utf-8")
SECTION = ERRORS.split("\n## The API\n", 1)[1].split("\n## ", 1)[0]
RAISED = {"ApiError", "NotFoundError", "ForbiddenError", "InvalidRequestError", "ConflictError"}
# What the pipeline alone calls; its codes are those of runs
PIPELINE = {"processing.py", "signing_in.py", "messages.py", "sftp.py", "s3.py"}
# Answered as data-expired, report-missing or file-missing, or seen by the use cases alone
INSIDE = {"object-missing", "request-repeated"}
MODULES = [
    module
    for folder in ("api", "flows", "adapters")
    for module in sorted((CODE / folder).glob("*.py"))
    if module.name not in PIPELINE
]


def codes_of(module: Path) -> Iterator[str]:
    """Yield the codes of errors that a module raises and the API answers."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if isinstance(call.func, ast.Name) and call.func.id in RAISED and call.args:
            yield from _texts(tree, call.args[0])


def _texts(tree: ast.Module, argument: ast.expr) -> Iterator[str]:
    """Yield the texts that an argument can be: written there, or where its name is given a value."""
    meant: list[ast.expr] = [argument]
    named = argument.value if isinstance(argument, ast.Subscript) else argument
    if isinstance(named, ast.Name):
        for node in ast.walk(tree):
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value and named.id in map(_name, targets):
                meant.append(node.value)
    for found in meant:
        yield from (
            leaf.value for leaf in ast.walk(found) if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str)
        )


def _name(target: ast.expr | None) -> str:
    return target.id if isinstance(target, ast.Name) else ""


@pytest.mark.parametrize("module", MODULES, ids=lambda module: f"{module.parent.name}.{module.stem}")
def test_each_code_that_is_raised_is_in_the_catalogue(module: Path) -> None:
    assert {code for code in codes_of(module) if re.fullmatch(r"[a-z]+(-[a-z]+)+", code)} - INSIDE <= CODES.keys()


def test_each_code_of_the_catalogue_is_raised_somewhere() -> None:
    raised = {code for module in MODULES for code in codes_of(module)}

    assert CODES.keys() - raised == {INVALID, UNAVAILABLE, UNEXPECTED}


def test_the_search_for_codes_finds_those_that_are_written_in_another_place() -> None:
    assert "file-account-missing" in set(codes_of(CODE / "flows" / "changes.py"))
    assert "key-malformed" in set(codes_of(CODE / "flows" / "public_keys.py"))


def test_the_documentation_explains_each_code_as_the_api_does() -> None:
    rows = re.findall(r"^\| (\d+) \| `(\S+)` \| (.+) \| (.+) \|$", SECTION, re.MULTILINE)

    assert rows == [
        (str(known.status), code, known.title, known.mend)
        for code, known in sorted(CODES.items(), key=lambda item: (item[1].status, item[0]))
    ]


def test_titles_and_mends_are_sentences() -> None:
    for code, known in CODES.items():
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code)
        assert known.title.endswith(".")
        assert known.mend.endswith(".")
        assert known.title != known.mend


@pytest.mark.parametrize(
    ("kind", "status"), problems.BY_CLASS.items(), ids=lambda value: getattr(value, "__name__", "")
)
def test_a_code_that_is_not_in_the_catalogue_is_answered_by_its_class(kind: type, status: int) -> None:
    answer = problems.answer(kind("new-code"))

    assert answer.status_code == status


def test_an_error_that_is_no_ones_fault_but_ours_is_answered_without_its_code() -> None:
    answer = problems.answer(errors.ConfigurationError("settings-wrong", "ACCOUNT_TABLE missing"))

    assert answer.status_code == 500
    assert "settings" not in str(answer.body)
