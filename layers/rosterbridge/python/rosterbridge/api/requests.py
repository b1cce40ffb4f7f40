"""What all routes share: who asks, what the body is, which version is meant, and the form of their answers."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Annotated, Any, Never, TypeVar

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Header, Path, Query
from pydantic import BaseModel

from rosterbridge.api.bodies import ID
from rosterbridge.api.problems import ApiError
from rosterbridge.api.service import Service
from rosterbridge.flows.access import Caller
from rosterbridge.flows.ports import Request

MAX_BODY_BYTES = 256 * 1024
JSON = "application/json"
CHANGES = frozenset({"POST", "PATCH", "DELETE"})

OrganizationId = Annotated[str, Path(pattern=ID)]
ThingId = Annotated[str, Path(pattern=ID)]
# Left out, it is answered by 428 and not by 422; the OpenAPI file says that it is required
IfMatch = Annotated[
    str | None, Header(alias="If-Match", pattern=r'^"[1-9][0-9]{0,9}"$', description="The ETag of what was read.")
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x21-\x7e]{1,100}$",
        description="A request that is repeated with the same key and content is fulfilled once. "
        "Passwords are not part of what is compared.",
    ),
]
Cursor = Annotated[str | None, Query(max_length=2000, description="Where the list goes on; from the page before.")]
Limit = Annotated[int, Query(ge=1, le=100, description="How many there are at most on a page.")]

B = TypeVar("B")
F = TypeVar("F", bound=Callable[..., Any])


class Routes(Router):
    """The routes of one kind of thing."""

    def __init__(self, tag: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._tag = tag

    @property
    def caller(self) -> Caller:
        """Who sent the request that is being answered."""
        caller: Caller = self.context["caller"]
        return caller

    @property
    def service(self) -> Service:
        """The use cases."""
        service: Service = self.context["service"]
        return service

    def answer(
        self,
        method: str,
        path: str,
        *,
        status: int = HTTPStatus.OK,
        etag: bool = False,
        operators: bool = False,
        anybody: bool = False,
    ) -> Callable[[F], F]:
        """Register a function under its name as operation id; its return annotation is the answer's form."""
        success: dict[str, Any] = {"description": "Done."}
        if status in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}:
            success["content"] = {}
        if etag:
            success["headers"] = {"ETag": {"description": "For If-Match.", "schema": {"type": "string"}}}

        def register(function: F) -> F:
            self.route(
                path,
                method,
                operation_id=function.__name__,
                summary=(function.__doc__ or "").strip().splitlines()[0],
                tags=[self._tag],
                responses={int(status): success},  # type: ignore[dict-item]
                status_code=int(status),
                openapi_extensions={
                    **({"x-operators-only": True} if operators else {}),
                    **({"security": []} if anybody else {}),
                },
            )(function)
            return function

        return register

    def repeatable(self, key: str | None, body: BaseModel | None = None) -> Request | None:
        """Return what makes a creation repeatable; its fingerprint is of all but passwords, which it could betray."""
        if key is None:
            return None
        event = self.current_event
        asked = _without_passwords(body.model_dump(mode="json")) if body else None
        content = json.dumps([event.http_method, event.path, asked], sort_keys=True)
        return Request(key, self.caller.user_id, hashlib.sha256(content.encode()).hexdigest())


def _without_passwords(value: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _without_passwords(inner) if isinstance(inner, dict) else inner
        for name, inner in value.items()
        if name != "password"
    }


def version_of(if_match: str | None) -> int:
    """Return the version that the sender has read; raises ApiError ``precondition-required``."""
    if if_match is None:
        raise ApiError("precondition-required")
    return int(if_match.strip('"'))


def answered(
    body: B, *, status: int = HTTPStatus.OK, version: int | None = None, headers: Mapping[str, str] | None = None
) -> Response[B]:
    """Return a JSON answer, with the version as its ETag."""
    etag = {} if version is None else {"ETag": f'"{version}"'}
    return Response(status_code=int(status), content_type=JSON, body=body, headers={**etag, **(headers or {})})


def nothing(status: int = HTTPStatus.NO_CONTENT, headers: Mapping[str, str] | None = None) -> Response[Any]:
    """Return an answer without a body."""
    return Response(status_code=int(status), content_type=None, body=None, headers=dict(headers or {}))


def check_body(event: Mapping[str, Any]) -> None:
    """Raise ApiError for a body that is too large, of another type than JSON, or not text.

    Its codes are ``body-too-large``, ``content-type-unsupported`` and ``body-malformed``.
    """
    body = event.get("body") or ""
    if not body:
        return
    try:
        content = base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
        content.decode()
    except (binascii.Error, ValueError):
        raise ApiError("body-malformed") from None
    if len(content) > MAX_BODY_BYTES:
        raise ApiError("body-too-large")
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    if headers.get("content-type", JSON).split(";")[0].strip().lower() != JSON:
        raise ApiError("content-type-unsupported")


def read_json(text: str) -> dict[str, Any]:
    """Return the object that a body holds; raises ApiError ``body-malformed``."""

    def refuse(_: str) -> Never:
        raise ValueError

    try:
        found = json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError):
        raise ApiError("body-malformed") from None
    if not isinstance(found, dict):
        raise ApiError("body-malformed")
    return found
