import json
from typing import Any

from tests.infra.assembly import Assembly, Template, as_text


def routes(service: Template) -> dict[str, dict[str, Any]]:
    return {
        found["Properties"]["RouteKey"]: found["Properties"] for found in service.all("ApiGatewayV2::Route").values()
    }


def test_everything_needs_a_token_but_to_ask_where_to_sign_in(service: Template) -> None:
    found = routes(service)

    assert {key: route["AuthorizationType"] for key, route in found.items()} == {
        "ANY /v1/{proxy+}": "JWT",
        "OPTIONS /v1/{proxy+}": "NONE",  # a browser asks so whether the console may ask
        "GET /v1/sign-in": "NONE",
    }


def test_a_token_is_good_that_this_pool_made_for_one_of_its_two_clients(service: Template) -> None:
    authorizer = service.one("ApiGatewayV2::Authorizer")
    audience = [as_text(client) for client in authorizer["JwtConfiguration"]["Audience"]]

    assert authorizer["AuthorizerType"] == "JWT"
    assert authorizer["IdentitySource"] == ["$request.header.Authorization"]
    assert as_text(authorizer["JwtConfiguration"]["Issuer"]).startswith("https://cognito-idp.Region.amazonaws.com/")
    assert [name.rstrip("0123456789ABCDEF") for name in audience] == ["ConsoleClient", "RefSignInCli"]


def test_too_many_requests_are_refused_before_they_cost_anything(service: Template) -> None:
    stage = service.one("ApiGatewayV2::Stage")

    assert stage["DefaultRouteSettings"] == {"ThrottlingBurstLimit": 100, "ThrottlingRateLimit": 50}


def test_each_request_is_logged_without_claims_and_query_and_the_log_ends(service: Template) -> None:
    settings = service.one("ApiGatewayV2::Stage")["AccessLogSettings"]
    logged = json.loads(settings["Format"])
    group = service.resources[settings["DestinationArn"]["Fn::GetAtt"][0]]["Properties"]

    assert {"request_id", "source_ip", "path", "status"} <= logged.keys()
    assert not [value for value in logged.values() if "authorizer" in value or "query" in value.lower()]
    assert group["RetentionInDays"] == 90
    assert group["LogGroupName"].startswith("/aws/vendedlogs/")


def test_the_function_answers_before_the_gateway_gives_up(service: Template) -> None:
    (function,) = [
        found["Properties"]
        for found in service.all("Lambda::Function").values()
        if found["Properties"]["FunctionName"] == "rosterbridge-prod-api"
    ]

    assert function["Timeout"] == 29
    assert function["MemorySize"] == 1024


def test_only_this_api_may_call_the_function(service: Template) -> None:
    (api_id,) = service.all("ApiGatewayV2::Api")
    permissions = [
        found["Properties"]
        for found in service.all("Lambda::Permission").values()
        if found["Properties"]["Principal"] == "apigateway.amazonaws.com"
    ]

    assert len(permissions) == 3
    assert all({"Ref": api_id} in permission["SourceArn"]["Fn::Join"][1] for permission in permissions)


def test_the_console_alone_may_call_it_from_a_browser(service: Template) -> None:
    (origin,) = service.one("ApiGatewayV2::Api")["CorsConfiguration"]["AllowOrigins"]

    assert origin == service.outputs["ConsoleUrl"]["Value"]


def test_an_operators_own_page_may_call_it_too(browser_assembly: Assembly) -> None:
    cors = browser_assembly.service.one("ApiGatewayV2::Api")["CorsConfiguration"]

    assert cors["AllowOrigins"] == ["https://rosters.district.example", "https://console.example"]
    assert set(cors["AllowMethods"]) == {"GET", "POST", "PATCH", "DELETE"}
    assert {"authorization", "if-match", "idempotency-key"} <= set(cors["AllowHeaders"])
    assert "AllowCredentials" not in cors
    assert routes(browser_assembly.service)["OPTIONS /v1/{proxy+}"]["AuthorizationType"] == "NONE"
    assert routes(browser_assembly.service)["ANY /v1/{proxy+}"]["AuthorizationType"] == "JWT"


def test_homes_of_deleted_accounts_are_swept_each_hour(service: Template) -> None:
    rule = service.one("Events::Rule", "Sweep")
    (target,) = rule["Targets"]
    function = service.called(target["Arn"])

    assert rule["ScheduleExpression"] == "rate(1 hour)"
    assert function["FunctionName"] == "rosterbridge-prod-sweep"
