"""Dry runs as invocations of a function that nobody waits for."""

from __future__ import annotations

import json

from rosterbridge.adapters.clients import client, translated
from rosterbridge.flows.models import ObjectRef


class LambdaDryRuns:
    """One invocation a file; a second one finds that its dry run has begun."""

    def __init__(self, function: str) -> None:
        self._function = function
        self._client = client("lambda")

    def start(self, organization_id: str, dry_run_id: str, source: ObjectRef) -> None:
        """Start it; it may be started again at any time."""
        event = {
            "organization_id": organization_id,
            "dry_run_id": dry_run_id,
            "source": source.model_dump(exclude_none=True),
        }
        with translated("lambda"):
            self._client.invoke(
                FunctionName=self._function, InvocationType="Event", Payload=json.dumps(event, sort_keys=True)
            )
