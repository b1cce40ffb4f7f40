"""Who watches: metrics of Transfer Family's log, dashboards, alarms, and the topic that tells of them."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.acknowledge import acknowledge
from infra.alarms import Alarms
from infra.dashboards import Dashboards
from infra.measures import SESSIONS, session_namespace
from infra.observed import Observed
from infra.settings import Settings

CLOUDWATCH = iam.ServicePrincipal(
    "cloudwatch.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": cdk.Aws.ACCOUNT_ID}}
)


class Monitoring(Construct):
    """Everything that watches a deployment; ``dashboards`` are their addresses by name."""

    def __init__(
        self, scope: Construct, *, settings: Settings, observed: Observed, session_log: logs.ILogGroup, key: kms.Key
    ) -> None:
        super().__init__(scope, "Monitoring")
        for name, pattern in SESSIONS.items():
            logs.MetricFilter(
                self,
                name,
                log_group=session_log,
                filter_pattern=logs.FilterPattern.literal(pattern),
                metric_namespace=session_namespace(settings),
                metric_name=name,
            )
        self.topic = self._build_topic(settings, key)
        Alarms(self, settings=settings, observed=observed, topic=self.topic)
        self.dashboards = Dashboards(self, settings=settings, observed=observed).urls

    def _build_topic(self, settings: Settings, key: kms.Key) -> sns.Topic:
        """Build the topic that alarms may write to: with a policy of its own, SNS does not let them any more."""
        topic = sns.Topic(self, "Topic", display_name="Rosterbridge alarms", master_key=key, enforce_ssl=True)
        topic.add_to_resource_policy(
            iam.PolicyStatement(principals=[CLOUDWATCH], actions=["sns:Publish"], resources=[topic.topic_arn])
        )
        key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[CLOUDWATCH], actions=["kms:Decrypt", "kms:GenerateDataKey"], resources=["*"]
            )
        )
        for address in settings.alarm_emails:
            subscription = topic.add_subscription(subscriptions.EmailSubscription(address))
            reason = "What no mail told of stays an alarm in the console"
            acknowledge(subscription, {"Serverless-SNSRedrivePolicy": reason})
        return topic
