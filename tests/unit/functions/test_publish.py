"""The function publish as Lambda loads it: buckets by moto, CloudFormation without its network."""

from __future__ import annotations

import io
import json
import zipfile
from types import SimpleNamespace
from typing import Any

import pytest
import urllib3

from rosterbridge.adapters.clients import client
from tests.support.custom_resource import Stack
from tests.unit.functions.conftest import LOCATION, Aws, Context, Load

BUCKET, ARCHIVES, KEY = "console-pages", "archives", "pages.zip"
START = "<p>this deployment</p>"
FILES = {"index.html": "<p>every deployment</p>", "icon.svg": "<svg/>", "assets/index-1.js": "1", "assets/a-2.css": ""}


@pytest.fixture
def stack(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """Put an archive there, and take the answers without a network."""
    for name in (BUCKET, ARCHIVES):
        client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=LOCATION)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in FILES.items():
            archive.writestr(name, text)
    client("s3").put_object(Bucket=ARCHIVES, Key=KEY, Body=packed.getvalue())
    own = {"index.html": START, "config.json": "{}"}
    properties = {"Bucket": BUCKET, "ArchiveBucket": ARCHIVES, "ArchiveKey": KEY, "Own": own}
    waiting = Stack(resource="ConsolePages", properties=properties, physical_id=BUCKET)

    def request(_pool: Any, _method: str, _url: str, *, body: bytes, **_: Any) -> Any:
        waiting.answers.append(json.loads(body))
        return SimpleNamespace(status=waiting.status)

    monkeypatch.setattr(urllib3.PoolManager, "request", request)
    return waiting


def keys() -> set[str]:
    return {found["Key"] for found in client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", ())}


def test_every_file_is_there_and_those_of_this_deployment_win(load: Load, stack: Stack) -> None:
    load("publish").lambda_handler(stack.request("Create"), Context())

    assert keys() == {*FILES, "config.json"}
    assert client("s3").get_object(Bucket=BUCKET, Key="index.html")["Body"].read().decode() == START
    assert [(answer["Status"], answer["PhysicalResourceId"]) for answer in stack.answers] == [("SUCCESS", BUCKET)]


@pytest.mark.parametrize(
    ("name", "kind", "kept"),
    [
        ("index.html", "text/html; charset=utf-8", "no-cache"),
        ("config.json", "application/json", "no-cache"),
        ("icon.svg", "image/svg+xml", "no-cache"),
        ("assets/index-1.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"),
    ],
)
def test_a_browser_is_told_what_a_file_is_and_how_long_to_keep_it(
    load: Load, stack: Stack, name: str, kind: str, kept: str
) -> None:
    load("publish").lambda_handler(stack.request("Create"), Context())

    told = client("s3").head_object(Bucket=BUCKET, Key=name)
    assert (told["ContentType"], told["CacheControl"]) == (kind, kept)


def test_pages_that_are_open_during_a_deploy_find_what_they_ask_for(load: Load, stack: Stack) -> None:
    client("s3").put_object(Bucket=BUCKET, Key="assets/index-0.js", Body=b"0")

    load("publish").lambda_handler(stack.request("Update"), Context())

    assert {"assets/index-0.js", "assets/index-1.js"} < keys()


def test_no_page_is_there_before_what_it_names(load: Load, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    function = load("publish")
    order: list[str] = []
    put = function.PageBucket.put
    monkeypatch.setattr(
        function.PageBucket, "put", lambda self, name, content: (order.append(name), put(self, name, content))
    )

    function.lambda_handler(stack.request("Create"), Context())

    assert order[:2] == ["assets/a-2.css", "assets/index-1.js"]
    assert set(order[2:]) == {"config.json", "icon.svg", "index.html"}


def test_the_bucket_is_empty_before_it_goes(load: Load, stack: Stack) -> None:
    function = load("publish")
    function.lambda_handler(stack.request("Create"), Context())

    function.lambda_handler(stack.request("Delete"), Context())

    assert keys() == set()
    assert [answer["Status"] for answer in stack.answers] == ["SUCCESS", "SUCCESS"]


def test_cloudformation_is_told_of_an_archive_that_is_not_there(load: Load, stack: Stack) -> None:
    client("s3").delete_object(Bucket=ARCHIVES, Key=KEY)

    load("publish").lambda_handler(stack.request("Create"), Context())

    assert [(answer["Status"], answer["Reason"]) for answer in stack.answers] == [("FAILED", "aws-refused")]
