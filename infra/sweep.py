"""Each hour what deleted accounts and flows left is removed, and runs are started whose start broke off."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.acknowledge import acknowledge, wildcard_objects
from infra.data import LANES, Data, lane_statement
from infra.key_use import READ
from infra.lambda_function import LambdaFunction
from infra.layers import Layers
from infra.settings import Settings

DUE = ["homes", "starts", "lanes"]  # the partitions of what is to be done


class Sweep(Construct):
    """The function and its clock."""

    def __init__(
        self, scope: Construct, *, settings: Settings, data: Data, layers: Layers, runs: sfn.StateMachine
    ) -> None:
        super().__init__(scope, "Sweep")
        self._data = data
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
                "RUN_BUCKET": data.run_files.bucket_name,
                "STATE_MACHINE_ARN": runs.state_machine_arn,
            },
            failures="What one sweep leaves, the next one does an hour later",
        )
        self.sweep.allow("states:StartExecution", resources=[runs.state_machine_arn])
        self._allow_tables()
        self._allow_files()
        self._build_clock()

    def _allow_tables(self) -> None:
        data = self._data
        self.sweep.role.add_to_policy(
            iam.PolicyStatement(
                actions=["dynamodb:Query", "dynamodb:DeleteItem"],
                resources=[data.accounts.table_arn],
                conditions={"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": DUE}},  # and no account itself
            )
        )
        self.sweep.role.add_to_policy(lane_statement(data.accounts, "Query", "DeleteItem"))
        self.sweep.allow("dynamodb:GetItem", resources=[data.runs.table_arn])
        self.sweep.allow_key(data.key, *READ, through=["dynamodb"])

    def _allow_files(self) -> None:
        home, files = self._data.home, self._data.run_files
        self.sweep.allow("s3:ListBucketVersions", resources=[home.bucket_arn, files.bucket_arn])
        places = [home.arn_for_objects("home/*"), files.arn_for_objects(f"{LANES}*")]
        self.sweep.allow("s3:DeleteObject", "s3:DeleteObjectVersion", resources=places)
        acknowledge(
            self.sweep.role,
            {
                wildcard_objects(home, "home/*"): "Removes the home of any account that is deleted",
                wildcard_objects(files, f"{LANES}*"): "Removes what was kept for any flow that is deleted",
            },
        )

    def _build_clock(self) -> None:
        rule = events.Rule(
            self,
            "EachHour",
            description="Removes what deleted accounts and flows left, and starts runs whose start broke off",
            schedule=events.Schedule.rate(cdk.Duration.hours(1)),
            targets=[targets.LambdaFunction(self.sweep.live, retry_attempts=0)],
        )
        acknowledge(rule, {"Serverless-EventBusDLQ": "A lost event is made good by the one an hour later"})
