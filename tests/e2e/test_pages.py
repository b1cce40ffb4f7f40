"""The console's pages as a browser gets them from the local stack."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection

import httpx
import pytest

from tests.support.stack import StackUnderTest


@pytest.fixture
def pages(stack: StackUnderTest) -> Iterator[httpx.Client]:
    assert stack.local.console
    with httpx.Client(base_url=stack.local.console, trust_env=False) as client:
        yield client


def test_a_browser_gets_start_page_views_and_what_they_consist_of(stack: StackUnderTest, pages: httpx.Client) -> None:
    start, view = pages.get("/"), pages.get("/runs/r-1?status=failed")
    (script,) = re.findall(r'<script type="module" crossorigin src="(/assets/[^"]+\.js)">', start.text)
    asset, config = pages.get(script), pages.get("/config.json")

    assert start.text == view.text
    assert (start.headers["content-type"], start.headers["cache-control"]) == ("text/html; charset=utf-8", "no-cache")
    assert asset.headers["content-type"] == "text/javascript; charset=utf-8"
    assert asset.headers["cache-control"].endswith("immutable")
    assert config.json() == {
        "api": stack.local.api["url"],
        "sign_in": stack.endpoint,
        "region": stack.region,
        "user_pool_id": stack.outputs["UserPoolId"],
        "client_id": stack.outputs["ConsoleClientId"],
    }


def test_every_answer_is_under_the_policy_that_aws_has(stack: StackUnderTest, pages: httpx.Client) -> None:
    for path in ("/", "/flows", "/config.json", "/icon.svg", "/missing.js"):
        headers = pages.get(path).headers
        rules = dict(rule.split(maxsplit=1) for rule in headers["content-security-policy"].split(";"))

        assert (rules["default-src"], rules["script-src"], rules["style-src"]) == ("'none'", "'self'", "'self'")
        assert rules["connect-src"] == f"'self' {stack.endpoint}"
        assert rules["frame-ancestors"] == "'none'"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    "path", ["/missing.js", "/assets/../../README.md", "/%2e%2e/%2e%2e/README.md", "/assets/.", "/assets/index.html"]
)
def test_what_is_no_file_of_the_pages_is_not_there(pages: httpx.Client, path: str) -> None:
    connection = HTTPConnection(pages.base_url.host, pages.base_url.port)  # it sends the path as it is
    with closing(connection):
        connection.request("GET", path)
        answer = connection.getresponse()
        content = answer.read()

    assert answer.status == 404
    assert b"Rosterbridge" not in content
    assert answer.headers["cache-control"] == "no-store"


def test_the_pages_may_call_the_api(stack: StackUnderTest, pages: httpx.Client) -> None:
    asked = {"Origin": str(pages.base_url).rstrip("/"), "Access-Control-Request-Method": "GET"}

    answer = httpx.options(f"{stack.local.api['url']}/v1/me", headers=asked, trust_env=False)

    assert answer.headers["access-control-allow-origin"] == stack.local.console


def test_its_log_holds_no_address_that_a_sign_in_came_back_to(stack: StackUnderTest, pages: httpx.Client) -> None:
    pages.get("/?code=planted-code&state=1")

    assert not stack.local.processes.printed("console", "planted-code")
