"""The console as CloudFormation gets it: a private bucket, CloudFront before it, and pages that call what they must."""

import json
import subprocess
from typing import Any

import pytest

from infra.console import TO_THE_START
from tests.infra.assembly import Assembly, Template, as_list, as_text
from tests.infra.offline import BIN


def served(service: Template) -> dict[str, Any]:
    config: dict[str, Any] = service.one("CloudFront::Distribution")["DistributionConfig"]
    return config


def published(service: Template) -> dict[str, Any]:
    (found,) = [found for found in service.resources.values() if found["Type"] == "Custom::ConsolePages"]
    properties: dict[str, Any] = found["Properties"]
    return properties


def security_headers(service: Template) -> dict[str, Any]:
    headers: dict[str, Any] = service.one("CloudFront::ResponseHeadersPolicy")["ResponseHeadersPolicyConfig"]
    return headers["SecurityHeadersConfig"]  # type: ignore[no-any-return]


def rules(policy: str) -> dict[str, list[str]]:
    return {name: allowed for name, *allowed in (rule.split() for rule in policy.split(";"))}


def test_nobody_reads_the_bucket_but_this_distribution(service: Template) -> None:
    bucket = service.one("S3::Bucket", "ConsoleBucket")
    statements = service.one("S3::BucketPolicy", "ConsoleBucket")["PolicyDocument"]["Statement"]
    (allowed,) = [found for found in statements if found["Effect"] == "Allow"]
    (distribution,) = service.all("CloudFront::Distribution")

    assert all(bucket["PublicAccessBlockConfiguration"].values())
    assert (allowed["Principal"], allowed["Action"]) == ({"Service": "cloudfront.amazonaws.com"}, "s3:GetObject")
    assert f'distribution/", {{"Ref": "{distribution}"}}' in json.dumps(allowed["Condition"])
    assert {"aws:SecureTransport": "false"} in [found.get("Condition", {}).get("Bool") for found in statements]


def test_pages_come_by_tls_and_http_3(service: Template) -> None:
    config = served(service)

    assert config["DefaultCacheBehavior"]["ViewerProtocolPolicy"] == "redirect-to-https"
    assert (config["HttpVersion"], config["PriceClass"]) == ("http2and3", "PriceClass_100")
    assert "CustomErrorResponses" not in config, "a missing file is no page"


def test_a_page_may_run_its_own_scripts_and_call_nobody_that_it_need_not(service: Template) -> None:
    policy = rules(as_text(security_headers(service)["ContentSecurityPolicy"]["ContentSecurityPolicy"]))
    own, api, sign_in, *files = policy.pop("connect-src")

    assert {name for name, allowed in policy.items() if allowed == ["'self'"]} == {
        *("script-src", "style-src", "img-src", "font-src")
    }
    assert {name for name, allowed in policy.items() if allowed == ["'none'"]} == {
        *("default-src", "base-uri", "form-action", "frame-ancestors")
    }
    assert len(policy) == 8
    assert (own, api) == ("'self'", "https://*.execute-api.Region.amazonaws.com")
    assert sign_in.endswith(".auth.Region.amazoncognito.com")
    assert all(address.startswith("https://RefRunFiles") for address in files)


def test_the_start_page_narrows_this_to_its_api(service: Template) -> None:
    page = as_text(published(service)["Own"]["index.html"])
    meta, _, rest = page.partition('<meta http-equiv="Content-Security-Policy" content="')[2].partition('" />')
    (api,) = service.all("ApiGatewayV2::Api")

    assert "execute-api" not in meta
    assert f":function:{api}" in meta  # what a reference to it is read as
    assert "<script" in rest, "it counts for what comes after it"


def test_browsers_are_told_the_rest_too(service: Template) -> None:
    headers = security_headers(service)

    assert headers["StrictTransportSecurity"]["AccessControlMaxAgeSec"] == 2 * 365 * 24 * 3600
    assert headers["ContentTypeOptions"] == {"Override": True}
    assert headers["ReferrerPolicy"]["ReferrerPolicy"] == "no-referrer"
    assert headers["FrameOptions"]["FrameOption"] == "DENY"


@pytest.mark.parametrize(
    ("asked", "read"),
    [
        ("/", "/index.html"),
        ("/runs/0a1b", "/index.html"),
        ("/flows.old/new", "/index.html"),
        ("/assets/index-1a.js", "/assets/index-1a.js"),
        ("/config.json", "/config.json"),
    ],
)
def test_the_address_of_a_view_is_answered_by_the_start_page(service: Template, asked: str, read: str) -> None:
    assert service.one("CloudFront::Function")["FunctionCode"] == TO_THE_START
    program = f"{TO_THE_START}; console.log(handler({{request: {{uri: {asked!r}}}}}).uri)"

    done = subprocess.run([str(BIN / "node"), "-e", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == read


def test_the_pages_are_told_where_api_and_sign_in_are(service: Template) -> None:
    config = json.loads(as_text(published(service)["Own"]["config.json"]))
    client = service.outputs["ConsoleClientId"]["Value"]["Ref"]

    assert config.keys() == {"api", "sign_in", "region", "user_pool_id", "client_id"}
    assert (config["region"], config["client_id"]) == ("Region", client)
    assert config["sign_in"].startswith("https://")


def test_what_publishes_reads_one_archive_and_writes_one_bucket(service: Template) -> None:
    allowed = {
        action: as_text(found["Resource"])
        for name, found in service.statements()
        if name.startswith("Publishing")
        for action in as_list(found["Action"])
        if action.startswith("s3:")
    }

    assert allowed.keys() == {"s3:GetObject", "s3:ListBucket", "s3:PutObject", "s3:DeleteObject"}
    assert allowed["s3:GetObject"].endswith(f"/{published(service)['ArchiveKey']}")
    assert all("ConsoleBucket" in allowed[f"s3:{action}"] for action in ("ListBucket", "PutObject", "DeleteObject"))


def test_a_name_of_ones_own_comes_with_its_certificate(browser_assembly: Assembly) -> None:
    config = served(browser_assembly.service)

    assert config["Aliases"] == ["rosters.district.example"]
    assert config["ViewerCertificate"]["MinimumProtocolVersion"] == "TLSv1.2_2021"
    assert config["ViewerCertificate"]["AcmCertificateArn"].startswith("arn:aws:acm:us-east-1:")
    assert browser_assembly.service.outputs["ConsoleUrl"]["Value"] == "https://rosters.district.example"
