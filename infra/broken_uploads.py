"""Transfer Family tells, as well as it can, of uploads that broke off: its events come to the receive function."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_transfer as transfer
from constructs import Construct

from infra.acknowledge import acknowledge
from infra.data import MAX_RECEIVES, RECEIVE_TIMEOUT
from infra.lambda_function import LambdaFunction
from infra.queues import build_dead_letter_queue, build_queue

FAILED = "SFTP Server File Upload Failed"


class BrokenUploads(Construct):
    """The rule, and the queue from which the function hears of them."""

    def __init__(self, scope: Construct, *, server: transfer.CfnServer, receive: LambdaFunction) -> None:
        super().__init__(scope, "BrokenUploads")
        dead = build_dead_letter_queue(self, "Dead")
        self.queue = build_queue(
            self,
            "Queue",
            visibility_timeout=cdk.Duration.seconds(6 * RECEIVE_TIMEOUT.to_seconds()),
            dead_letter_queue=sqs.DeadLetterQueue(queue=dead, max_receive_count=MAX_RECEIVES),
        )
        self._build_rule(server, dead)
        self._feed(receive)

    def _build_rule(self, server: transfer.CfnServer, dead: sqs.Queue) -> None:
        events.Rule(
            self,
            "Rule",
            description="Uploads to this server that broke off",
            event_pattern=events.EventPattern(
                source=["aws.transfer"], detail_type=[FAILED], detail={"server-id": [server.attr_server_id]}
            ),
            targets=[targets.SqsQueue(self.queue, dead_letter_queue=dead)],
        )

    def _feed(self, receive: LambdaFunction) -> None:
        receive.allow_polling(self.queue)
        mapping = receive.live.add_event_source_mapping(
            "BrokenUploads", event_source_arn=self.queue.queue_arn, batch_size=10, report_batch_item_failures=True
        )
        acknowledge(
            mapping,
            {
                "Serverless-LambdaEventSourceMappingDestination": (
                    "Lambda knows no such destination for SQS: the queue's own redrive policy keeps what failed"
                )
            },
        )
