"""The API as a WSGI application over fakes, for tools that speak HTTP; no socket is opened."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from werkzeug import Request, Response

from rosterbridge.api.app import handle
from tests.support.api import Context, FakeWorld, claims, event
from tests.support.isolation import OPENAPI

TOKEN = "token-of-the-administrator"


class WsgiApi:
    """Answers as API Gateway does: whoever sends the token is the administrator, nobody else comes in.

    Each request meets the world that ``world`` makes, so that none depends on those before it.
    """

    def __init__(self, world: Callable[[], FakeWorld], organization: str) -> None:
        self._world = world
        self._claims = claims(organization=organization)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        answer = self._description() if request.path == "/openapi.json" else self._answer(request)
        return answer(environ, start_response)

    @staticmethod
    def _description() -> Response:
        return Response(OPENAPI.read_bytes(), content_type="application/json")

    def _answer(self, request: Request) -> Response:
        known = request.headers.get("Authorization") == f"Bearer {TOKEN}"
        target = request.environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
        asked = event(
            request.method,
            "/",
            token=self._claims if known else None,
            body=request.get_data() or None,
            headers=dict(request.headers),
        )
        asked["rawPath"] = asked["requestContext"]["http"]["path"] = target
        asked["rawQueryString"] = request.query_string.decode("latin-1")
        query = {name: ",".join(request.args.getlist(name)) for name in request.args}
        asked |= {"queryStringParameters": query} if query else {}
        answer = handle(asked, Context(), lambda: self._world().service)  # type: ignore[arg-type]
        json.dumps(answer)  # Lambda could not send anything else
        return Response(answer.get("body") or b"", answer["statusCode"], answer["headers"])
