"""What the API answers when it does not do what was asked: problem+json with a stable code, never with input in it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, ConfigDict, Field

from rosterbridge.api.codes import CODES, UNAVAILABLE, UNEXPECTED
from rosterbridge.errors import (
    ConflictError,
    ForbiddenError,
    InUseError,
    InvalidRequestError,
    NotFoundError,
    PermanentError,
    RosterbridgeError,
    TransientError,
)
from rosterbridge.observability import boundary, logger

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 5
# A code that the catalogue does not have is answered by its class
BY_CLASS = {
    NotFoundError: HTTPStatus.NOT_FOUND,
    ForbiddenError: HTTPStatus.FORBIDDEN,
    InvalidRequestError: HTTPStatus.UNPROCESSABLE_ENTITY,
    ConflictError: HTTPStatus.CONFLICT,
}


class FieldError(BaseModel):
    """What is wrong with one field of a request; ``field`` is its path, ``options.max_dropped``, or a header."""

    field: str
    code: str
    message: str


class FlowName(BaseModel):
    """A flow, as much of it as a message needs."""

    id: str
    name: str


class Problem(BaseModel):
    """RFC 9457: ``title`` says what is wrong, ``detail`` how to mend it; scripts match ``code``."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"description": "What went wrong, by RFC 9457."})

    type: str
    title: str
    status: int = Field(ge=400, le=599)
    detail: str
    code: str
    errors: list[FieldError] | None = Field(default=None, description="What is wrong field by field.")
    flows: list[FlowName] | None = Field(default=None, description="The flows that use what was to be deleted.")


class ApiError(RosterbridgeError):
    """A request that no use case gets to see; its code says the status."""

    def __init__(
        self,
        code: str,
        *,
        headers: dict[str, str] | None = None,
        errors: Sequence[FieldError] = (),
    ) -> None:
        super().__init__(code)
        self.headers = headers
        self.errors = list(errors)


def problem(
    code: str, *, status: int | None = None, headers: dict[str, str] | None = None, **more: Any
) -> Response[str]:
    """Return the answer for a code; one that the catalogue lacks needs ``status``."""
    known = CODES.get(code)
    status = known.status if known else status or HTTPStatus.INTERNAL_SERVER_ERROR
    title, detail = (known.title, known.mend) if known else (HTTPStatus(status).phrase, "")
    body = Problem(
        type=f"urn:rosterbridge:problem:{code}", title=title, status=status, detail=detail, code=code, **more
    )
    text = body.model_dump_json(exclude_none=True)
    return Response(status_code=status, content_type=MEDIA_TYPE, body=text, headers=dict(headers or {}))


def answer(error: Exception) -> Response[str]:
    """Return the answer for an error; of one that is not the sender's only kind and place reach the log."""
    if isinstance(error, ApiError):
        logger.info("refused", extra={"code": error.code})
        return problem(error.code, headers=error.headers, errors=error.errors or None)
    status = next((status for kind, status in BY_CLASS.items() if isinstance(error, kind)), None)
    if status is not None and isinstance(error, PermanentError):
        logger.info("refused", extra={"code": error.code})
        return problem(error.code, status=status, errors=_field_errors(error), flows=_flows(error))
    with suppress(RosterbridgeError), boundary():
        raise error
    if isinstance(error, TransientError):
        return problem(UNAVAILABLE, headers={"Retry-After": str(RETRY_SECONDS)})
    return problem(UNEXPECTED)


def _field_errors(error: RosterbridgeError) -> list[FieldError] | None:
    if not isinstance(error, InvalidRequestError) or not error.field:
        return None
    known = CODES.get(error.code)
    return [FieldError(field=error.field, code=error.code, message=known.title if known else "")]


def _flows(error: RosterbridgeError) -> list[FlowName] | None:
    return (
        [FlowName(id=identity, name=name) for identity, name in error.flows] if isinstance(error, InUseError) else None
    )
