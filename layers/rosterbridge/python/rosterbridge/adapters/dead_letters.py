"""Messages that could not be handled, and the way back to where they came from."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rosterbridge.adapters.clients import client, translated

AT_ONCE = 10
# Longer than it takes to move ten of them: what is not moved by then stays where it is
HIDDEN_SECONDS = 60


@dataclass(frozen=True)
class DeadLetterQueue:
    """A queue of dead letters; ``source`` is the queue that they came from, None where they came from elsewhere."""

    url: str
    source: str | None = None

    @property
    def name(self) -> str:
        """The queue's name."""
        return self.url.rpartition("/")[2]

    def count(self) -> int:
        """Return about how many there are."""
        with translated("sqs"):
            answer = client("sqs").get_queue_attributes(
                QueueUrl=self.url, AttributeNames=["ApproximateNumberOfMessages"]
            )
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])

    def move(self) -> int:
        """Send each back to its source; return how many. One that is sent twice does no harm: consumers take that.

        SQS's own task for this does not take letters that a rule of EventBridge could not deliver.
        """
        return self.empty(self._send_back)

    def empty(self, handle: Callable[[Mapping[str, Any]], None]) -> int:
        """Hand over each message and delete it then; return how many."""
        moved = 0
        for message in self._messages():
            handle(message)
            with translated("sqs"):
                client("sqs").delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
            moved += 1
        return moved

    def _messages(self) -> Iterator[Mapping[str, Any]]:
        while True:
            with translated("sqs"):
                answer = client("sqs").receive_message(
                    QueueUrl=self.url,
                    MaxNumberOfMessages=AT_ONCE,
                    VisibilityTimeout=HIDDEN_SECONDS,
                    WaitTimeSeconds=1,  # asks all of SQS's servers, and not some of them
                )
            found = answer.get("Messages", [])
            if not found:
                return
            yield from found

    def _send_back(self, message: Mapping[str, Any]) -> None:
        with translated("sqs"):
            client("sqs").send_message(QueueUrl=self.source, MessageBody=message["Body"])


def dead_letter_queues(urls: Iterable[str]) -> list[DeadLetterQueue]:
    """Return those of the queues that hold dead letters of another one of them."""
    attributes = {url: _attributes(url) for url in urls}
    by_arn = {found["QueueArn"]: url for url, found in attributes.items()}
    policies = {url: json.loads(found.get("RedrivePolicy", "{}")) for url, found in attributes.items()}
    return [
        DeadLetterQueue(by_arn[policy["deadLetterTargetArn"]], source)
        for source, policy in policies.items()
        if policy.get("deadLetterTargetArn") in by_arn
    ]


def _attributes(url: str) -> Mapping[str, str]:
    with translated("sqs"):
        answer = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn", "RedrivePolicy"])
    return dict(answer["Attributes"])
