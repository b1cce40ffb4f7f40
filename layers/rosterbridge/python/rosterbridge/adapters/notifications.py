"""Notices by Amazon SES or Amazon SNS."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Literal

from rosterbridge.adapters.clients import client, translated
from rosterbridge.flows.notice_ports import Notice, Notifications

NotifyBy = Literal["none", "ses", "sns"]


class SesNotifications:
    """E-mail from a sender that is verified in SES; whoever gets it needs not agree."""

    def __init__(self, sender: str) -> None:
        self._sender = sender
        self._client = client("sesv2")

    def subscribe(self, address: str) -> None:
        """Do nothing: SES sends to any address."""

    def send(self, addresses: Sequence[str], notice: Notice) -> None:
        """Send one e-mail to all of the addresses, which belong to one organization."""
        content = {
            "Subject": {"Data": notice.subject, "Charset": "UTF-8"},
            "Body": {"Text": {"Data": notice.text, "Charset": "UTF-8"}},
        }
        with translated("sesv2"):
            self._client.send_email(
                FromEmailAddress=self._sender,
                Destination={"ToAddresses": list(addresses)},
                Content={"Simple": content},
            )


class SnsNotifications:
    """One topic for all: each address is subscribed once and gets what names it."""

    def __init__(self, topic_arn: str) -> None:
        self._topic = topic_arn
        self._client = client("sns")

    def subscribe(self, address: str) -> None:
        """Subscribe the address, whose owner must confirm by a link that SNS sends; may be repeated."""
        with translated("sns"):
            self._client.subscribe(
                TopicArn=self._topic,
                Protocol="email",
                Endpoint=address,
                Attributes={"FilterPolicy": json.dumps({"addresses": [address]})},
            )

    def unsubscribe(self, addresses: Collection[str]) -> int:
        """Return how many of the addresses were subscribed; one that never confirmed ends by itself, after two days."""
        with translated("sns"):
            pages = self._client.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=self._topic)
            found = [
                one["SubscriptionArn"]
                for page in pages
                for one in page["Subscriptions"]
                if one["Endpoint"] in addresses
            ]
            confirmed = [arn for arn in found if arn.startswith("arn:")]
            for arn in confirmed:
                self._client.unsubscribe(SubscriptionArn=arn)
        return len(confirmed)

    def send(self, addresses: Sequence[str], notice: Notice) -> None:
        """Publish one message, which the subscriptions of these addresses let through."""
        named = {"DataType": "String.Array", "StringValue": json.dumps(list(addresses))}
        with translated("sns"):
            self._client.publish(
                TopicArn=self._topic,
                Subject=notice.subject,
                Message=notice.text,
                MessageAttributes={"addresses": named},
            )


def notifications(by: NotifyBy, *, sender: str, topic_arn: str) -> Notifications | None:
    """Return the way that the settings choose; None for none."""
    if by == "ses":
        return SesNotifications(sender)
    return SnsNotifications(topic_arn) if by == "sns" else None
