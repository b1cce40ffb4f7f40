"""Requests that must not get at another organization's things, made from the OpenAPI description of the API.

A new operation is covered by itself: each parameter of its path, each id in its query and each id in its body is filled
from the other organization, alone and together.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode

OPENAPI = Path(__file__).parents[2] / "docs" / "openapi.json"
ORGANIZATION = "organization_id"
# What an organization has, by the name of the parameter that takes its id: ``{"project_id": "project-1", ...}``
Belongings = Mapping[str, str]


@dataclass(frozen=True)
class Case:
    """A request and what it must be answered; ``markers`` of the other organization are never in an answer."""

    name: str
    method: str
    target: str
    expected: frozenset[int]
    sender: Literal["administrator", "operator"] = "administrator"
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Operation:
    """One operation of the description."""

    path: str
    method: str
    content: Mapping[str, Any]
    example: Mapping[str, Any] | None

    @property
    def name(self) -> str:
        return str(self.content["operationId"])

    @property
    def path_ids(self) -> list[str]:
        """The parameters of the path that are ids; ``what`` of a download is none."""
        return [name for name in re.findall(r"{(\w+)}", self.path) if name.endswith("_id")]

    @property
    def query_ids(self) -> list[str]:
        parameters = self.content.get("parameters", [])
        return [found["name"] for found in parameters if found["in"] == "query" and found["name"].endswith("_id")]

    @property
    def operators_only(self) -> bool:
        return bool(self.content.get("x-operators-only"))

    def case(
        self,
        label: str,
        ids: Belongings,
        *expected: int,
        body: Any = None,
        query: Mapping[str, str] | None = None,
        sender: Literal["administrator", "operator"] = "administrator",
    ) -> Case:
        target = re.sub(r"{(\w+)}", lambda found: ids.get(found[1], "source"), self.path)
        names = {found["name"] for found in self.content.get("parameters", []) if found["in"] == "header"}
        return Case(
            name=f"{self.name}: {label}",
            method=self.method,
            target=f"{target}?{urlencode(query)}" if query else target,
            expected=frozenset(expected),
            sender=sender,
            body=self.body(ids) if body is None else body,
            headers={"If-Match": '"1"'} if "If-Match" in names else {},
        )

    def body(self, ids: Belongings) -> Any:
        """Return the example of the body with ids that there are."""
        if self.example is None:
            return None
        known = {name: ids[id_name(name)] for name in self.example if id_name(name) in ids}
        return {**self.example, **{name: value for name, value in known.items() if isinstance(self.example[name], str)}}

    def body_ids(self, ids: Belongings) -> list[str]:
        return [name for name in self.example or () if id_name(name) in ids]


def id_name(name: str) -> str:
    """Return which id a field takes: ``asm_account`` may be an id or a new account."""
    return name if name.endswith("_id") else f"{name}_id"


def operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    """Yield every operation, with the example that the description has of its body."""
    for path, methods in document["paths"].items():
        for method, content in methods.items():
            example = None
            if "requestBody" in content:
                reference = content["requestBody"]["content"]["application/json"]["schema"]["$ref"]
                example = document["components"]["schemas"][reference.rsplit("/", 1)[-1]]["examples"][0]
            yield Operation(path, method.upper(), content, example)


def described() -> Mapping[str, Any]:
    """Return the description that is checked in."""
    document: Mapping[str, Any] = json.loads(OPENAPI.read_text(encoding="utf-8"))
    return document


def trespasses(document: Mapping[str, Any], own: Belongings, other: Belongings) -> Iterator[Case]:
    """Yield the requests that an administrator of one organization, or an operator, must not get through with.

    An operator sees all organizations, yet none's things under another.
    """
    for operation in operations(document):
        yield from _by_path(operation, own, other)
        for name in operation.query_ids:
            yield operation.case(f"the other's {name} in the query", own, 404, 200, query={name: other[name]})
        for name in operation.body_ids(own):
            body = {**operation.body(own), name: other[id_name(name)]}
            yield operation.case(f"the other's {name} in the body", own, 404, body=body)


def _by_path(operation: Operation, own: Belongings, other: Belongings) -> Iterator[Case]:
    names = operation.path_ids
    for chosen in product((False, True), repeat=len(names)):
        if not any(chosen):
            continue
        foreign = [name for name, is_other in zip(names, chosen, strict=True) if is_other]
        ids = {**own, **{name: other[name] for name in foreign}}
        label = f"the other's {' and '.join(foreign)}"
        forbidden = operation.operators_only and ORGANIZATION not in foreign
        yield operation.case(label, ids, 403 if forbidden else 404)
        if len(foreign) < len(names):  # all of them together is what an operator may ask for
            yield operation.case(f"{label}, by an operator", ids, 404, sender="operator")


def reads(document: Mapping[str, Any], own: Belongings) -> Iterator[Case]:
    """Yield the requests that read what there is: they show what another's request must not change, nor find."""
    for operation in operations(document):
        if operation.method == "GET":
            yield operation.case("one's own", own, 200)
