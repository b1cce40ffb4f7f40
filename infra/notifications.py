"""What is told when a run ends or is held, and when an upload does not come: results in homes, and notices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.acknowledge import acknowledge, wildcard_objects
from infra.data import Data, lane_statement
from infra.key_use import READ, READ_AND_WRITE
from infra.lambda_function import LambdaFunction
from infra.layers import Layers
from infra.queues import build_dead_letter_queue, build_queue
from infra.settings import Settings

MAX_RECEIVES = 5
TIMEOUT = cdk.Duration.minutes(2)
RESULTS = "home/*/reports/*"
REPORTS = "runs/*/report.json"
NOTICES, WATCHES, HOLDS = "notice#*", "watches", "holds"


class Outcomes(Construct):
    """The queue of runs that have ended or are held."""

    def __init__(self, scope: Construct) -> None:
        super().__init__(scope, "Outcomes")
        self.dead = build_dead_letter_queue(self, "Dead")
        self.queue = build_queue(
            self,
            "Queue",
            visibility_timeout=cdk.Duration.seconds(6 * TIMEOUT.to_seconds()),
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead, max_receive_count=MAX_RECEIVES),
        )


class Notifications(Construct):
    """The functions that tell, and the topic if notices go by SNS."""

    def __init__(
        self,
        scope: Construct,
        *,
        settings: Settings,
        data: Data,
        layers: Layers,
        outcomes: sqs.IQueue,
        console_origin: str,
    ) -> None:
        super().__init__(scope, "Notifications")
        self._settings = settings
        self._console_origin = console_origin
        self._data = data
        self._layers = layers
        self.topic = self._build_topic() if settings.notify_by == "sns" else None
        self.notify = self._build_notify()
        self.watch = self._build_watch()
        self._feed(outcomes)

    def _build_topic(self) -> sns.Topic:
        return sns.Topic(self, "Topic", display_name="Rosterbridge", master_key=self._data.key, enforce_ssl=True)

    def _build_notify(self) -> LambdaFunction:
        home, files = self._data.home, self._data.run_files
        notify = self._build_function(
            "notify",
            writes=[NOTICES, HOLDS],
            environment={"HOME_BUCKET": home.bucket_name},
            failures="Invoked from a queue, which keeps what failed",
        )
        notify.allow("dynamodb:GetItem", resources=[self._data.runs.table_arn])
        # or a missing object would be "forbidden"; and results are listed, with their versions
        notify.allow("s3:ListBucket", resources=[files.bucket_arn])
        notify.allow("s3:ListBucket", "s3:ListBucketVersions", resources=[home.bucket_arn])
        notify.allow("s3:GetObject", resources=[files.arn_for_objects(REPORTS)])
        # S3 asks for the right to delete also where versions are deleted
        writes = ("s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion")
        notify.allow(*writes, resources=[home.arn_for_objects(RESULTS)])
        notify.allow_key(self._data.key, *READ_AND_WRITE, through=["dynamodb", "s3"])
        acknowledge(
            notify.role,
            {
                wildcard_objects(files, REPORTS): "Every run keeps its report in a folder of its own",
                wildcard_objects(home, RESULTS): "Every account has a folder of results in its home",
            },
        )
        return notify

    def _build_watch(self) -> LambdaFunction:
        watch = self._build_function(
            "watch",
            writes=[NOTICES, WATCHES],
            environment={"FLOW_METRICS": str(self._settings.flow_metrics).lower()},
            failures="What one check leaves, the next one does five minutes later",
        )
        watch.role.add_to_policy(
            iam.PolicyStatement(
                actions=["dynamodb:Query"],
                resources=[self._data.accounts.table_arn],
                conditions={"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [WATCHES, HOLDS]}},
            )
        )
        watch.role.add_to_policy(lane_statement(self._data.accounts, "Query"))
        watch.allow("dynamodb:Query", resources=[f"{self._data.runs.table_arn}/index/by-flow"])
        watch.allow("dynamodb:GetItem", resources=[self._data.runs.table_arn])
        watch.allow_key(self._data.key, *READ, through=["dynamodb"])
        rule = events.Rule(
            self,
            "EachFiveMinutes",
            description="Looks for uploads that did not come by their time of day, and reads the gauges",
            schedule=events.Schedule.rate(cdk.Duration.minutes(5)),
            targets=[targets.LambdaFunction(watch.live, retry_attempts=0)],
        )
        acknowledge(rule, {"Serverless-EventBusDLQ": "A lost event is made good by the one five minutes later"})
        return watch

    def _build_function(
        self, name: str, *, writes: Sequence[str], environment: Mapping[str, str], failures: str
    ) -> LambdaFunction:
        accounts = self._data.accounts
        function = LambdaFunction(
            self,
            name,
            settings=self._settings,
            layers=self._layers,
            uses=(),
            memory=512,
            timeout=TIMEOUT,
            environment={
                "ACCOUNT_TABLE": accounts.table_name,
                "RUN_TABLE": self._data.runs.table_name,
                "CONSOLE_ORIGIN": self._console_origin,
                "NOTIFY_BY": self._settings.notify_by,
                "NOTIFY_FROM": self._settings.notify_from,
                **({"NOTICE_TOPIC_ARN": self.topic.topic_arn} if self.topic else {}),
                **environment,
            },
            failures=failures,
        )
        function.allow("dynamodb:GetItem", resources=[accounts.table_arn])
        function.role.add_to_policy(
            iam.PolicyStatement(
                actions=["dynamodb:UpdateItem"],
                resources=[accounts.table_arn],
                conditions={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(writes)}},  # and no account itself
            )
        )
        function.role.add_to_policy(
            iam.PolicyStatement(
                actions=["dynamodb:DeleteItem"],
                resources=[accounts.table_arn],
                conditions={"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [HOLDS]}},
            )
        )
        self._allow_sending(function)
        return function

    def _allow_sending(self, function: LambdaFunction) -> None:
        sender = self._settings.notify_from
        if self.topic is not None:
            function.allow("sns:Publish", resources=[self.topic.topic_arn])
            function.allow_key(self._data.key, *READ_AND_WRITE, through=["sns"])
        if self._settings.notify_by == "ses":
            stack = cdk.Stack.of(self)
            # SES knows the sender by the address or by its domain, whichever was verified
            identities = [sender, sender.rpartition("@")[2]]
            function.role.add_to_policy(
                iam.PolicyStatement(
                    actions=["ses:SendEmail"],
                    resources=[
                        stack.format_arn(service="ses", resource="identity", resource_name=name) for name in identities
                    ],
                    conditions={"StringEquals": {"ses:FromAddress": sender}},
                )
            )

    def _feed(self, outcomes: sqs.IQueue) -> None:
        self.notify.allow_polling(outcomes)
        mapping = self.notify.live.add_event_source_mapping(
            "Outcomes", event_source_arn=outcomes.queue_arn, batch_size=10, report_batch_item_failures=True
        )
        acknowledge(
            mapping,
            {
                "Serverless-LambdaEventSourceMappingDestination": (
                    "Lambda knows no such destination for SQS: the queue's own redrive policy keeps what failed"
                )
            },
        )
