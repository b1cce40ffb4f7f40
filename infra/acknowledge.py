"""Acknowledge findings of cdk-nag where they arise, each with the reason."""

from __future__ import annotations

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from constructs import IConstruct

ANY_RESOURCE = "AwsSolutions-IAM5[Resource::*]"
# CDK writes what a role may do into a policy inside it
OWN_POLICY = {
    "NIST.800.53.R5-IAMNoInlinePolicy": (
        "The policy is this role's alone and goes with it; a managed one could be attached to others"
    )
}


def acknowledge(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Accept the findings by their ids, on this construct and what is inside it."""
    validations = cdk.Validations.of(construct)
    for finding, reason in reasons.items():
        validations.acknowledge(cdk.Acknowledgment(id=finding, reason=reason))


def wildcard_objects(bucket: s3.Bucket, pattern: str) -> str:
    """Return the id of the finding on ``pattern`` of a bucket in another stack, which nag names by its export."""
    exported = bucket.stack.resolve(bucket.stack.export_value(bucket.bucket_arn))
    return f"AwsSolutions-IAM5[Resource::{exported['Fn::ImportValue']}/{pattern}]"
