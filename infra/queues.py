"""Queues with our defaults: encrypted, TLS only, messages kept as long as SQS can."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.acknowledge import acknowledge

RETENTION = cdk.Duration.days(14)


def build_queue(scope: Construct, name: str, **options: Any) -> sqs.Queue:
    """Return a queue named ``name``."""
    return sqs.Queue(
        scope,
        name,
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=RETENTION,
        **options,
    )


def build_dead_letter_queue(scope: Construct, name: str) -> sqs.Queue:
    """Return the queue in which messages stay that could not be handled, until somebody looks."""
    queue = build_queue(scope, name)
    acknowledge(queue, {"Serverless-SQSRedrivePolicy": "Dead letters end here: nothing consumes this queue"})
    return queue
