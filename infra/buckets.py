"""What all buckets are: nobody's but the account's, and spoken to by TLS alone."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from constructs import Construct


def build_bucket(
    scope: Construct, name: str, *, encryption: s3.BucketEncryption, removal: cdk.RemovalPolicy, **more: Any
) -> s3.Bucket:
    """Build a private bucket; ``more`` is CDK's."""
    return s3.Bucket(
        scope,
        name,
        encryption=encryption,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        enforce_ssl=True,
        removal_policy=removal,
        **more,
    )
