"""The HTTP API as the commands use it: signed in, with versions, idempotency keys and pages."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rosterbridge.cli.http import http_client, patiently, retry_after, send
from rosterbridge.errors import PermanentError, RosterbridgeError, TransientError

if TYPE_CHECKING:
    import httpx

    from rosterbridge.cli.signing_in import Access

Json = dict[str, Any]
NOT_MODIFIED, UNAUTHORIZED, MISSING, CHANGED, TOO_MANY, SERVER_ERROR = 304, 401, 404, 412, 429, 500
PAGE = 100  # the most that the API gives at once


class ProblemError(PermanentError):
    """The API did not do what was asked; ``problem`` is its problem+json, ``seconds`` when to ask again."""

    def __init__(self, problem: Json, status: int, seconds: int | None = None) -> None:
        super().__init__(str(problem.get("code") or f"status-{status}"), str(problem.get("detail") or ""))
        self.problem = problem
        self.status = status
        self.seconds = seconds

    @property
    def of_service(self) -> bool:
        """Whether the service failed, rather than the call was wrong."""
        return self.status == TOO_MANY or self.status >= SERVER_ERROR


@dataclass(frozen=True)
class Answer:
    """A JSON answer, and its ETag for ``If-Match``."""

    content: Any
    etag: str | None = None
    changed: bool = True


class Api:
    """One deployment's API; use it as a context.

    What it is asked is asked again, the same request to the letter, where the service is busy or gives no answer.
    """

    def __init__(self, access: Access) -> None:
        self._access = access
        self._client = http_client(access.deployment.api)

    def __enter__(self) -> Api:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str, **query: Any) -> Answer:
        """Read. Raises ProblemError, TransientError."""
        given = {name: value for name, value in query.items() if value is not None}
        return self._ask("GET", path, params=given)

    def peek(self, path: str, etag: str | None) -> Answer:
        """Read once, without asking again; the answer says whether it has changed since ``etag``."""
        headers = {"If-None-Match": etag} if etag else {}
        return _answer_of(self._once("GET", path, headers))

    def create(self, path: str, body: Json | None = None) -> Answer:
        """Create under an idempotency key of its own."""
        return self._ask("POST", path, headers={"Idempotency-Key": str(uuid.uuid4())}, json=body)

    def post(self, path: str, body: Json | None = None) -> Answer:
        """Have something done that creates nothing."""
        return self._ask("POST", path, json=body)

    def delete(self, path: str) -> None:
        """Delete what has no version."""
        self._ask("DELETE", path)

    def change(
        self, thing: str, method: str = "PATCH", body: Json | None = None, below: str = "", etag: str | None = None
    ) -> Answer:
        """Change a thing, or what is ``below`` it, unless somebody else changes it at the same moment.

        A change that was made from what had been read names the ``etag`` of that.
        """
        headers = {"If-Match": etag or self.get(thing).etag or ""}
        return self._ask(method, thing + below, headers=headers, json=body)

    def pages(self, path: str, *, limit: int | None = None, cursor: str | None = None, **query: Any) -> Iterator[Json]:
        """Yield pages until there are ``limit`` items, or to the end of the list."""
        left = limit
        while True:
            page: Json = self.get(path, limit=PAGE if left is None else min(left, PAGE), cursor=cursor, **query).content
            yield page
            cursor = page["cursor"]
            left = None if left is None else left - len(page["items"])
            if cursor is None or (left is not None and left <= 0):
                return

    def _ask(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> Answer:
        headers = headers or {}
        answer, unheard = patiently(lambda: self._once(method, path, headers, **more))
        changes = "If-Match" in headers or method == "DELETE"
        if unheard and changes and answer.status_code in {MISSING, CHANGED}:
            raise TransientError(
                "outcome-unknown", "an earlier try that got no answer may have done it: look before you try again"
            )
        return _answer_of(answer)

    def _once(self, method: str, path: str, headers: Mapping[str, str], **more: Any) -> httpx.Response:
        answer = self._send(method, path, headers, self._access.token(), **more)
        if answer.status_code == UNAUTHORIZED:  # the token was revoked, or this clock is wrong
            answer = self._send(method, path, headers, self._access.token(renew=True), **more)
        return answer

    def _send(
        self, method: str, path: str, headers: Mapping[str, str], token: str, *, json: Any = None, **more: Any
    ) -> httpx.Response:
        if json is not None:
            more["json"] = json
        return send(self._client, method, path, headers={**headers, "Authorization": f"Bearer {token}"}, **more)


def _answer_of(answer: httpx.Response) -> Answer:
    if answer.status_code == NOT_MODIFIED:
        return Answer(None, answer.headers.get("ETag"), changed=False)
    if not answer.is_success:
        raise problem_of(answer)
    return Answer(answer.json() if answer.content else None, answer.headers.get("ETag"))


def problem_of(answer: httpx.Response) -> RosterbridgeError:
    """Return the error that an answer means; API Gateway's own refusals are no problem+json."""
    try:
        problem = answer.json()
    except ValueError:
        problem = None
    if isinstance(problem, dict) and "code" in problem:
        return ProblemError(problem, answer.status_code, retry_after(answer))
    if answer.status_code == UNAUTHORIZED:
        return PermanentError("signed-out", "your sign-in is not accepted (any more): sign in again")
    if answer.status_code == TOO_MANY or answer.status_code >= SERVER_ERROR:
        return TransientError("unavailable", f"the API answers {answer.status_code}: try again later")
    return PermanentError(f"status-{answer.status_code}", "this address does not answer as Rosterbridge's API does")
