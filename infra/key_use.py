"""Who may use the key, and for what: a role that reads a table encrypted with it need not open stored passwords."""

from __future__ import annotations

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

READ = ("kms:Decrypt",)
READ_AND_WRITE = ("kms:Decrypt", "kms:GenerateDataKey")
STORE = ("kms:Decrypt", "kms:Encrypt")


def key_statement(key: kms.IKey, *actions: str, through: Sequence[str]) -> iam.PolicyStatement:
    """Return the right to ``actions`` while the services ``through`` (``s3``, ``dynamodb``) call KMS for the role."""
    services = [f"{service}.{cdk.Aws.REGION}.{cdk.Aws.URL_SUFFIX}" for service in through]
    return iam.PolicyStatement(
        actions=list(actions), resources=[key.key_arn], conditions={"StringEquals": {"kms:ViaService": services}}
    )


def secret_statement(key: kms.IKey, *actions: str) -> iam.PolicyStatement:
    """Return the right to ``actions`` on secrets that are bound to an organization, and on nothing else of the key."""
    return iam.PolicyStatement(
        actions=list(actions),
        resources=[key.key_arn],
        conditions={"Null": {"kms:EncryptionContext:organization_id": "false"}},
    )
