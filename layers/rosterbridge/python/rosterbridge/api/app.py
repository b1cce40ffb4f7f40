"""The API as one function of API Gateway's event: checks what all requests have in common, then calls the route."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError as NoRouteError
from aws_lambda_powertools.event_handler.openapi.exceptions import (
    RequestUnsupportedContentType,
    RequestValidationError,
)
from aws_lambda_powertools.utilities.typing import LambdaContext

from rosterbridge.api import (
    problems,
    routes_asm_accounts,
    routes_audit,
    routes_dry_runs,
    routes_erasures,
    routes_file_accounts,
    routes_flows,
    routes_organizations,
    routes_projects,
    routes_runs,
    routes_users,
)
from rosterbridge.api.caller import caller_of
from rosterbridge.api.codes import INVALID
from rosterbridge.api.problems import ApiError
from rosterbridge.api.requests import CHANGES, check_body, read_json
from rosterbridge.api.service import Service
from rosterbridge.api.validation import field_errors
from rosterbridge.flows.access import Caller

ROUTES = (
    routes_organizations.routes,
    routes_users.routes,
    routes_projects.routes,
    routes_file_accounts.routes,
    routes_asm_accounts.routes,
    routes_flows.routes,
    routes_runs.routes,
    routes_dry_runs.routes,
    routes_audit.routes,
    routes_erasures.routes,
)
# A password may be in an answer: nobody on the way keeps it
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

resolver = APIGatewayHttpResolver(
    enable_validation=True,
    response_validation_error_http_code=HTTPStatus.INTERNAL_SERVER_ERROR,
    json_body_deserializer=read_json,
    debug=False,
)
for routes in ROUTES:
    resolver.include_router(routes)


def handle(event: Mapping[str, Any], context: LambdaContext, service_of: Callable[[], Service]) -> dict[str, Any]:
    """Answer one request of API Gateway (payload 2.0)."""
    try:
        if _is_preflight(event):
            return {"statusCode": HTTPStatus.NO_CONTENT.value, "headers": dict(HEADERS)}
        service = service_of()
        caller = None if _is_open(event) else _admitted(event, service)
        resolver.append_context(caller=caller, service=service)  # type: ignore[no-untyped-call]
        answer: dict[str, Any] = resolver.resolve(event, context)
    except Exception as error:  # noqa: BLE001 whatever it is, its sender gets an answer
        refused = problems.answer(error)
        answer = {"statusCode": refused.status_code, "body": refused.body, "headers": dict(refused.headers)}
    answer["headers"] = {**HEADERS, **(answer.get("headers") or {})}
    return answer


def _is_preflight(event: Mapping[str, Any]) -> bool:
    """Tell whether a browser asks whether it may ask; API Gateway adds to the answer what it wants to know."""
    asked = event["requestContext"]["http"]["method"] == "OPTIONS"
    return asked and "access-control-request-method" in {name.lower() for name in event.get("headers") or {}}


def _is_open(event: Mapping[str, Any]) -> bool:
    """Tell whether nobody needs to have signed in."""
    return (event["requestContext"]["http"]["method"], event["rawPath"]) == ("GET", routes_organizations.SIGN_IN)


def _admitted(event: Mapping[str, Any], service: Service) -> Caller:
    """Return the caller of a request that may go on.

    A known user, an organization that is not being erased, not too many changes, a body that can be read.
    """
    caller = caller_of(event)
    _, _, *place = event["rawPath"].split("/")
    if place[:1] == ["organizations"] and len(place) > 1 and place[2:] != [routes_erasures.ERASURE]:
        service.erasures.check(caller, place[1])
    if event["requestContext"]["http"]["method"] in CHANGES:
        seconds = service.throttle.wait(caller.user_id, service.now())
        if seconds:
            raise ApiError("too-many-requests", headers={"Retry-After": str(seconds)})
    check_body(event)
    return caller


def _invalid(error: RequestValidationError) -> Response[str]:
    return problems.answer(ApiError(INVALID, errors=field_errors(error.errors())))


def _unsupported(_: RequestUnsupportedContentType) -> Response[str]:
    return problems.answer(ApiError("content-type-unsupported"))


def _no_route(_: NoRouteError) -> Response[str]:
    path = resolver.current_event.path
    known = resolver._dynamic_routes + resolver._static_routes
    methods = sorted(route.method for route in known if route.rule.match(path))
    if methods:
        return problems.answer(ApiError("method-not-allowed", headers={"Allow": ", ".join(methods)}))
    return problems.answer(ApiError("not-found"))


resolver.exception_handler_manager.update_exception_handlers(
    {
        RequestValidationError: _invalid,
        RequestUnsupportedContentType: _unsupported,
        NoRouteError: _no_route,
        Exception: problems.answer,
    }
)
