"""Acknowledge findings of cdk-nag where they arise, each with the reason."""

from __future__ import annotations

from collections.abc import Mapping

import aws_cdk as cdk
from constructs import IConstruct


def acknowledge(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Accept the findings by their ids, on this construct and what is inside it."""
    validations = cdk.Validations.of(construct)
    for finding, reason in reasons.items():
        validations.acknowledge(cdk.Acknowledgment(id=finding, reason=reason))
