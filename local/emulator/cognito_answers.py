"""Cognito's answers, as the corrections give them."""

from __future__ import annotations

from http import HTTPStatus

from ministack.services import cognito

Answer = tuple[int, dict[str, str], bytes]


def refused(message: str, code: str = "NotAuthorizedException") -> Answer:
    """Return a refusal with Cognito's own code and words, by which clients tell what to do."""
    answer: Answer = cognito.error_response_json(code, message, HTTPStatus.BAD_REQUEST)
    return answer


def succeeded(answer: Answer) -> bool:
    """Tell whether an answer is no refusal."""
    return answer[0] < HTTPStatus.BAD_REQUEST
