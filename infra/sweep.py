"""Each hour the homes of deleted file accounts are removed, and runs started whose start broke off."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.acknowledge import acknowledge, wildcard_objects
from infra.data import Data
from infra.key_use import READ
from infra.lambda_function import LambdaFunction
from infra.layers import Layers
from infra.settings import Settings

DUE = ["homes", "starts"]  # the partitions of what is to be done


class Sweep(Construct):
    """The function and its clock."""

    def __init__(
        self, scope: Construct, *, settings: Settings, data: Data, layers: Layers, runs: sfn.StateMachine
    ) -> None:
        super().__init__(scope, "Sweep")
        self.sweep = LambdaFunction(
            self,
            "sweep",
            settings=settings,
            layers=layers,
            uses=(),
            memory=256,
            timeout=cdk.Duration.minutes(10),
            environment={
                "ACCOUNT_TABLE": data.accounts.table_name,
                "RUN_TABLE": data.runs.table_name,
                "HOME_BUCKET": data.home.bucket_name,
                "STATE_MACHINE_ARN": runs.state_machine_arn,
            },
            failures="What one sweep leaves, the next one does an hour later",
        )
        self.sweep.role.add_to_policy(
            iam.PolicyStatement(
                actions=["dynamodb:Query", "dynamodb:DeleteItem"],
                resources=[data.accounts.table_arn],
                conditions={"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": DUE}},  # and no account itself
            )
        )
        self.sweep.allow("dynamodb:GetItem", resources=[data.runs.table_arn])
        self.sweep.allow("states:StartExecution", resources=[runs.state_machine_arn])
        self.sweep.allow("s3:ListBucketVersions", resources=[data.home.bucket_arn])
        self.sweep.allow("s3:DeleteObject", "s3:DeleteObjectVersion", resources=[data.home.arn_for_objects("home/*")])
        self.sweep.allow_key(data.key, *READ, through=["dynamodb"])
        acknowledge(
            self.sweep.role, {wildcard_objects(data.home, "home/*"): "Removes the home of any account that is deleted"}
        )
        rule = events.Rule(
            self,
            "EachHour",
            description="Removes homes of deleted file accounts and starts runs whose start broke off",
            schedule=events.Schedule.rate(cdk.Duration.hours(1)),
            targets=[targets.LambdaFunction(self.sweep.function, retry_attempts=0)],
        )
        acknowledge(rule, {"Serverless-EventBusDLQ": "A lost event is made good by the one an hour later"})
