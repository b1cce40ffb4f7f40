"""A deployment as CloudFormation knows it: for operators, who have rights of their own in its account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rosterbridge.adapters.clients import client, translated

QUEUE = "AWS::SQS::Queue"


@dataclass(frozen=True)
class DeployedStacks:
    """The two stacks of a stage."""

    stage: str

    @property
    def names(self) -> tuple[str, str]:
        """The names of the stacks: what must survive, and the rest."""
        return f"Rosterbridge-{self.stage}-Data", f"Rosterbridge-{self.stage}-Service"

    def outputs(self) -> Mapping[str, str]:
        """Return what the deploy printed; raises PermanentError ``aws-refused`` where there is no such stage."""
        with translated("cloudformation"):
            (stack,) = client("cloudformation").describe_stacks(StackName=self.names[1])["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", ())}

    def queues(self) -> Iterator[str]:
        """Yield the address of each queue."""
        pages = client("cloudformation").get_paginator("list_stack_resources")
        for name in self.names:
            with translated("cloudformation"):
                found = [one for page in pages.paginate(StackName=name) for one in page["StackResourceSummaries"]]
            yield from (one["PhysicalResourceId"] for one in found if one["ResourceType"] == QUEUE)
