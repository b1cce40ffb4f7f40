"""The OpenAPI description of the API, as ``docs/openapi.json`` has it.

Powertools generates it from the routes; what it cannot say is added here, and nowhere else.
"""

from __future__ import annotations

import json
import sys
from http import HTTPStatus
from pathlib import Path
from typing import Any

from aws_lambda_powertools.event_handler.openapi.models import HTTPBearer, License, Server
from pydantic.json_schema import models_json_schema

from rosterbridge.api.app import resolver
from rosterbridge.api.codes import CODES
from rosterbridge.api.problems import MEDIA_TYPE, Problem
from rosterbridge.api.requests import CHANGES, JSON

VERSION = "1"
DESCRIPTION = (
    "Everything that an administrator does with Rosterbridge. Sign in with Amazon Cognito and send the ID token. "
    "What another organization has does not exist here: it is answered by 404."
)
# Powertools' own forms of errors, which are never answered
UNUSED = ("HTTPValidationError", "ValidationError", "ResponseValidationError")
TITLES = {
    400: "The body is not JSON.",
    401: "There is no ID token.",
    403: "The user's role does not allow it.",
    404: "There is no such thing in this organization.",
    409: "What is stored does not allow it now.",
    412: "The thing was changed since it was read.",
    413: "The body is too large.",
    415: "The body is of another type than JSON.",
    422: "The request does not have the form that it needs.",
    428: "The header If-Match is missing.",
    429: "Too many changes within a minute, or too many requests at once.",
    500: "Rosterbridge met an error that it does not know.",
    503: "Something that Rosterbridge needs is away or slow.",
}
EVERYWHERE = (401, 403, 429, 500, 503)
# What API Gateway answers by itself, before or instead of the function, has its own form
BY_GATEWAY = frozenset({401, 429, 500, 503})
GATEWAY_MESSAGE = {
    "type": "object",
    "description": "What API Gateway answers by itself: a wrong token, too many requests at once, no answer in time.",
    "properties": {"message": {"type": "string"}},
    "required": ["message"],
    "additionalProperties": False,
}
HEADERS = {
    429: {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}},
    503: {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}},
    401: {"WWW-Authenticate": {"description": "Bearer.", "schema": {"type": "string"}}},
}
NOT_MODIFIED = {"description": "Nothing has changed.", "headers": {"ETag": {"schema": {"type": "string"}}}}


def openapi() -> dict[str, Any]:
    """Return the description."""
    text = resolver.get_openapi_json_schema(
        title="Rosterbridge",
        version=VERSION,
        openapi_version="3.1.0",
        description=DESCRIPTION,
        servers=[Server(url="/")],
        license_info=License(name="Apache-2.0"),
        security_schemes={"idToken": HTTPBearer(bearerFormat="JWT", description="Cognito's ID token.")},
        security=[{"idToken": []}],
    )
    document: dict[str, Any] = json.loads(text)
    schemas = document["components"]["schemas"]
    for name in UNUSED:
        schemas.pop(name, None)
    schemas.update(_problem_schemas())
    document["components"]["responses"] = {_name(status): _response(status) for status in TITLES}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            _complete(path, method, operation)
    return document


def _problem_schemas() -> dict[str, Any]:
    _, found = models_json_schema([(Problem, "serialization")], ref_template="#/components/schemas/{model}")
    definitions: dict[str, Any] = found["$defs"]
    definitions["Problem"]["properties"]["code"]["enum"] = sorted(CODES)
    definitions["GatewayMessage"] = GATEWAY_MESSAGE
    return definitions


def _name(status: int) -> str:
    return HTTPStatus(status).name.title().replace("_", "")


def _response(status: int) -> dict[str, Any]:
    forms = {MEDIA_TYPE: "Problem", **({JSON: "GatewayMessage"} if status in BY_GATEWAY else {})}
    return {
        "description": TITLES[status],
        "content": {form: {"schema": {"$ref": f"#/components/schemas/{name}"}} for form, name in forms.items()},
        **({"headers": HEADERS[status]} if status in HEADERS else {}),
    }


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    """Add the problems that an operation can answer, and what its header parameters mean."""
    for parameter in operation.get("parameters", []):
        _plain(parameter)
    headers = {found["name"] for found in operation.get("parameters", []) if found["in"] == "header"}
    responses = {code: answer for code, answer in operation["responses"].items() if int(code) < 400}  # noqa: PLR2004
    for answer in responses.values():
        if not answer.get("content"):
            answer.pop("content", None)
        for content in answer.get("content", {}).values():
            content["schema"] = _not_null(content["schema"])
    if "If-None-Match" in headers:
        responses["304"] = NOT_MODIFIED
    for status in sorted(_problems(path, method, operation, headers)):
        responses[str(status)] = {"$ref": f"#/components/responses/{_name(status)}"}
    operation["responses"] = responses


def _plain(parameter: dict[str, Any]) -> None:
    """Say of a parameter what HTTP says: it is sent or not, and never null."""
    schema = _not_null(parameter["schema"])
    parameter["schema"] = {name: value for name, value in schema.items() if name not in {"title", "description"}}
    if parameter["in"] == "header":
        parameter["name"] = parameter["name"].title()
        parameter["required"] = parameter["name"] == "If-Match"


def _not_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of what is there."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind.get("type") != "null"]
    if len(kinds) != 1:
        return schema
    return {**kinds[0], **{name: value for name, value in schema.items() if name not in {"anyOf", "title"}}}


def _problems(path: str, method: str, operation: dict[str, Any], headers: set[str]) -> set[int]:
    found = set(EVERYWHERE) if operation.get("security") != [] else {429, 500, 503}
    if "{" in path:
        found |= {404, 422}
    if operation.get("parameters"):
        found |= {422}
    if "requestBody" in operation:
        found |= {422}
    if method.upper() in CHANGES:
        found |= {400, 409, 413, 415}
    if "If-Match" in headers:
        found |= {412, 428}
    return found


def to_text(document: dict[str, Any]) -> str:
    """Return the description as it is checked in."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(to_text(openapi()), encoding="utf-8")
