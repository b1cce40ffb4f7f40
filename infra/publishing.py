"""The function that brings the console's pages into their bucket, and the resource by which CloudFormation calls it."""

from __future__ import annotations

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from infra import build
from infra.acknowledge import acknowledge
from infra.console_headers import CONFIG, START
from infra.lambda_function import LambdaFunction
from infra.layers import Layers
from infra.settings import Settings

HEAD = "<head>"


class Publishing(Construct):
    """Publishes the pages at each deploy that changes them, with the ``config`` of this deployment."""

    def __init__(
        self,
        scope: Construct,
        *,
        settings: Settings,
        layers: Layers,
        bucket: s3.Bucket,
        config: dict[str, str],
        connect: list[str],
    ) -> None:
        super().__init__(scope, "Publishing")
        pages = build.console_path()
        archive = assets.Asset(self, "Pages", path=str(pages), asset_hash=pages.name)
        self.publish = LambdaFunction(
            self,
            "publish",
            settings=settings,
            layers=layers,
            uses=(),
            memory=1024,
            timeout=cdk.Duration.minutes(2),
            environment={},
            failures="It answers CloudFormation itself, which tells the operator who deploys",
        )
        self._allow(bucket, archive)
        published = cdk.CustomResource(
            self,
            "Published",
            resource_type="Custom::ConsolePages",
            service_token=self.publish.function.function_arn,
            service_timeout=cdk.Duration.minutes(5),
            properties={
                "Bucket": bucket.bucket_name,
                "ArchiveBucket": archive.s3_bucket_name,
                "ArchiveKey": archive.s3_object_key,  # changes with the pages
                "Own": {START: _start_page(pages, connect), CONFIG: cdk.Stack.of(self).to_json_string(config)},
            },
        )
        published.node.add_dependency(self.publish.role)

    def _allow(self, bucket: s3.Bucket, archive: assets.Asset) -> None:
        """Allow to read this archive, and to fill and to empty the bucket."""
        self.publish.allow("s3:GetObject", resources=[archive.bucket.arn_for_objects(archive.s3_object_key)])
        self.publish.allow("s3:ListBucket", resources=[bucket.bucket_arn])
        self.publish.allow("s3:PutObject", "s3:DeleteObject", resources=[bucket.arn_for_objects("*")])
        resource = bucket.node.default_child
        assert isinstance(resource, s3.CfnBucket)  # noqa: S101 narrows the type
        place = f"<{cdk.Stack.of(self).get_logical_id(resource)}.Arn>/*"
        reason = "Every file of the pages: the bucket holds nothing else"
        acknowledge(self.publish.role, {f"AwsSolutions-IAM5[Resource::{place}]": reason})


def _start_page(pages: Path, connect: list[str]) -> str:
    """Return the start page, which lets a browser call these addresses alone."""
    allowed = " ".join(("'self'", *connect))
    rule = f'<meta http-equiv="Content-Security-Policy" content="connect-src {allowed}" />'
    before, head, after = (pages / START).read_text(encoding="utf-8").partition(HEAD)
    if not head:
        message = f"{START} of the console has no {HEAD}"
        raise build.ConsoleBuildError(message)
    return f"{before}{head}\n    {rule}{after}"
