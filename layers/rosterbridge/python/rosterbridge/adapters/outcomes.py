"""Runs that have ended or are held, told by a queue to the function that writes results and notices."""

from __future__ import annotations

import json

from rosterbridge.adapters.clients import client, translated


class SqsOutcomes:
    """One message a run and outcome, which holds nothing but the run's id."""

    def __init__(self, queue_url: str) -> None:
        self._queue_url = queue_url
        self._client = client("sqs")

    def tell(self, run_id: str) -> None:
        """Tell that a run has ended or is held; may be repeated."""
        with translated("sqs"):
            self._client.send_message(QueueUrl=self._queue_url, MessageBody=json.dumps({"run_id": run_id}))
