"""HTTP APIs, where MiniStack 1.5.33 differs from API Gateway."""

from __future__ import annotations

import json
from typing import Any

from ministack.services import apigateway, lambda_svc
from ministack.services.cloudformation import provisioners

FAILED = {
    "statusCode": 500,
    "headers": {"Content-Type": "application/json"},
    "body": json.dumps({"message": "Internal Server Error"}),
}


def apply() -> None:
    """Put every correction of this module in place; call before the server starts."""
    _keep_cors_in_the_apis_own_case()
    _hide_function_errors()
    _take_answers_without_a_body()
    _refuse_refresh_tokens()


def _keep_cors_in_the_apis_own_case() -> None:
    """Store CloudFormation's AllowOrigins as allowOrigins, which the preflight looks for."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::ApiGatewayV2::Api"]
    create, update = handlers["create"], handlers["update"]

    def cased(props: dict[str, Any]) -> dict[str, Any]:
        if "CorsConfiguration" not in props:
            return props
        return {**props, "CorsConfiguration": provisioners._pascal_to_camel(props["CorsConfiguration"])}

    handlers["create"] = lambda logical_id, props, stack: create(logical_id, cased(props), stack)
    handlers["update"] = lambda physical_id, old, new, stack, logical_id=None: update(
        physical_id, cased(old), cased(new), stack, logical_id=logical_id
    )


def _hide_function_errors() -> None:
    """Keep a function's exception from its caller: MiniStack sends it out, with its stack trace."""
    stock = lambda_svc.lambda_execute_result_to_api_proxy_response

    def response(result: dict[str, Any]) -> tuple[dict[str, Any] | None, str | None]:
        if result.get("error") and not result.get("throttle"):
            return FAILED, None
        found: tuple[dict[str, Any] | None, str | None] = stock(result)
        return found

    lambda_svc.lambda_execute_result_to_api_proxy_response = response


def _take_answers_without_a_body() -> None:
    """Take null for an empty body: MiniStack fails over it, so that nothing is answered by 204 or 304."""
    stock = lambda_svc.lambda_execute_result_to_api_proxy_response

    def response(result: dict[str, Any]) -> tuple[dict[str, Any] | None, str | None]:
        answer, error = stock(result)
        if answer is not None and answer.get("body") is None:
            answer = {**answer, "body": ""}
        return answer, error

    lambda_svc.lambda_execute_result_to_api_proxy_response = response


def _refuse_refresh_tokens() -> None:
    """Refuse a refresh token, which is no JWT on AWS, and a token without an end."""
    stock = apigateway._validate_jwt_authorizer

    async def validate(route: Any, authorizer: Any, headers: Any, query_params: Any) -> tuple[Any, Any, Any]:
        claims, scopes, error = await stock(route, authorizer, headers, query_params)
        if error is None and (claims.get("token_use") == "refresh" or "exp" not in claims):
            return None, None, apigateway._jwt_unauthorized()
        return claims, scopes, error

    apigateway._validate_jwt_authorizer = validate
