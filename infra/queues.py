"""Queues with our defaults: encrypted, TLS only, messages kept as long as SQS can."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_sqs as sqs
from constructs import Construct


def build_queue(scope: Construct, name: str, **options: Any) -> sqs.Queue:
    """Return a queue named ``name``."""
    return sqs.Queue(
        scope,
        name,
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=cdk.Duration.days(14),
        **options,
    )
