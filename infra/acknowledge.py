"""Acknowledge findings of cdk-nag where they arise, each with the reason."""

from __future__ import annotations

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import IConstruct

ANY_RESOURCE = "AwsSolutions-IAM5[Resource::*]"


def acknowledge(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Accept the findings by their ids, on this construct and what is inside it."""
    validations = cdk.Validations.of(construct)
    for finding, reason in reasons.items():
        validations.acknowledge(cdk.Acknowledgment(id=finding, reason=reason))


def wildcard_objects(bucket: s3.Bucket, pattern: str) -> str:
    """Return the id of the finding on ``pattern`` of a bucket in another stack, which nag names by its export."""
    exported = bucket.stack.resolve(bucket.stack.export_value(bucket.bucket_arn))
    return f"AwsSolutions-IAM5[Resource::{exported['Fn::ImportValue']}/{pattern}]"


def wildcard_versions(function: lambda_.Function) -> str:
    """Return the id of the finding on CDK's grant to invoke, which names the function's versions too."""
    logical_id = function.stack.resolve(function.function_arn)["Fn::GetAtt"][0]
    return f"AwsSolutions-IAM5[Resource::<{logical_id}.Arn>:*]"
