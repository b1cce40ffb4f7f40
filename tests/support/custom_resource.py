"""CloudFormation's side of a custom resource: what it asks, and the answers that it got."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

SERVER_ID = "s-01234567890abcdef"


@dataclass
class Stack:
    """The address has a signature, as one of S3 has, which opens it for everybody."""

    port: int = 443
    status: int = 200
    answers: list[dict[str, Any]] = field(default_factory=list)
    resource: str = "HostKeys"
    properties: dict[str, Any] = field(default_factory=lambda: {"ServerId": SERVER_ID, "Secret": "arn"})
    physical_id: str = SERVER_ID

    def request(self, kind: str, *, port: int | None = None) -> dict[str, Any]:
        return {
            "RequestType": kind,
            "ResponseURL": f"http://127.0.0.1:{port or self.port}/answer?X-Amz-Signature=planted-signature",
            "StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/Rosterbridge/1",
            "RequestId": "9c3b6a4e-4d5f-4a3e-9f0c-0a7a4a6d1c11",
            "ResourceType": f"Custom::{self.resource}",
            "LogicalResourceId": f"{self.resource}Installed",
            "ResourceProperties": self.properties,
            **({} if kind == "Create" else {"PhysicalResourceId": self.physical_id}),
        }
