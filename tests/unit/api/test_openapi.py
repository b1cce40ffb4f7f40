from __future__ import annotations

import json
import re
from typing import Any

from rosterbridge.api.codes import CODES
from rosterbridge.api.openapi import openapi, to_text
from tests.support.isolation import OPENAPI, described, operations

DOCUMENT = described()
OPERATIONS = list(operations(DOCUMENT))


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    """Return what a reference leads to."""
    while "$ref" in part:
        found: Any = DOCUMENT
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        part = found
    return part


def test_the_description_is_what_the_code_says() -> None:
    """Where this fails, run ``make openapi``."""
    assert OPENAPI.read_text(encoding="utf-8") == to_text(openapi())


def test_every_reference_leads_somewhere() -> None:
    for reference in re.findall(r'"\$ref": "([^"]+)"', OPENAPI.read_text(encoding="utf-8")):
        assert resolved({"$ref": reference})


def test_it_is_openapi_3_1_with_a_bearer_token_for_everything() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    assert DOCUMENT["security"] == [{"idToken": []}]
    assert DOCUMENT["components"]["securitySchemes"]["idToken"]["scheme"] == "bearer"
    assert [found.name for found in OPERATIONS if found.content.get("security") == []] == ["get_sign_in"]


def test_operation_ids_are_names_that_a_client_can_have_for_its_functions() -> None:
    names = [operation.name for operation in OPERATIONS]

    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", name) for name in names)


def test_every_operation_says_how_each_of_its_problems_looks() -> None:
    for operation in OPERATIONS:
        responses = operation.content["responses"]
        signed_in = {"401", "403"} if operation.name != "get_sign_in" else set()
        assert {*signed_in, "500", "503"} <= responses.keys(), operation.name
        for status, answer in responses.items():
            if int(status) >= 400:
                schema = resolved(answer)["content"]["application/problem+json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/Problem"}, operation.name


def test_a_change_of_a_thing_asks_for_its_version_and_a_creation_takes_a_key() -> None:
    for operation in OPERATIONS:
        headers = {found["name"]: found for found in operation.content.get("parameters", []) if found["in"] == "header"}
        if "If-Match" in headers:
            assert headers["If-Match"]["required"]
            assert {"412", "428"} <= operation.content["responses"].keys()
        if operation.method == "PATCH" or (operation.method == "DELETE" and operation.name != "remove_user"):
            assert "If-Match" in headers, operation.name
        if operation.name.startswith("create_"):
            assert "Idempotency-Key" in headers, operation.name
            assert "ETag" in operation.content["responses"]["201"]["headers"], operation.name


def test_the_codes_of_problems_are_listed() -> None:
    assert DOCUMENT["components"]["schemas"]["Problem"]["properties"]["code"]["enum"] == sorted(CODES)


def test_every_body_has_an_example_and_takes_no_unknown_fields() -> None:
    for operation in OPERATIONS:
        if "requestBody" in operation.content:
            schema = resolved(operation.content["requestBody"]["content"]["application/json"]["schema"])
            assert schema["examples"], operation.name
            assert schema["additionalProperties"] is False, operation.name


def test_no_answer_has_a_place_for_what_is_secret() -> None:
    text = json.dumps({name: schema for name, schema in DOCUMENT["components"]["schemas"].items() if "View" in name})

    assert "password_hash" not in text
    assert "encrypted_password" not in text
    assert "bucket" not in text
