"""An organization is erased by a function that its state machine calls until all is done."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from infra.acknowledge import acknowledge, wildcard_objects
from infra.data import DRY_RUNS, LANES, MADE, Data
from infra.key_use import READ
from infra.lambda_function import LambdaFunction
from infra.layers import Layers
from infra.run_endings import TRANSIENT
from infra.run_states import LAMBDA_DEATHS, LAMBDA_FAULTS
from infra.settings import Settings
from infra.state_machine import build_state_machine

TIMEOUT = cdk.Duration.minutes(15)
QUIET = 11 * 60  # seconds: longer than any function lives that may be writing for a run when it is stopped
LOCAL_QUIET = 2
# Every partition of the table but those of operators and of source addresses
PARTITIONS = [
    "circuit#*",
    "erasures",
    "file-account#*",
    "holds",
    "homes",
    "lane#*",
    "lanes",
    "notice#*",
    "organization#*",
    "organizations",
    "request#*",
    "sign-in#account#*",
    "starts",
    "throttle#*",
    "upload#*",
    "uploads#*",
    "username#*",
    "watches",
]


class Erasure(Construct):
    """The function and its state machine, ``jobs``."""

    def __init__(
        self,
        scope: Construct,
        *,
        settings: Settings,
        data: Data,
        layers: Layers,
        runs: sfn.StateMachine,
        notice_topic: sns.ITopic | None,
    ) -> None:
        super().__init__(scope, "Erasure")
        self._settings = settings
        self._data = data
        self._runs = runs
        self._quiet = LOCAL_QUIET if settings.local else QUIET
        self.erase = self._build_function(layers, notice_topic)
        self._allow_tables()
        self._allow_files()
        self._allow_services(notice_topic)
        self.jobs = build_state_machine(
            self, "Erasures", self._chain(), settings=settings, timeout=cdk.Duration.days(2)
        )

    def _build_function(self, layers: Layers, notice_topic: sns.ITopic | None) -> LambdaFunction:
        data, settings = self._data, self._settings
        return LambdaFunction(
            self,
            "erase",
            settings=settings,
            layers=layers,
            uses=(),
            memory=512,
            timeout=TIMEOUT,
            environment={
                "ACCOUNT_TABLE": data.accounts.table_name,
                "RUN_TABLE": data.runs.table_name,
                "AUDIT_TABLE": data.audit.table_name,
                "HOME_BUCKET": data.home.bucket_name,
                "RUN_BUCKET": data.run_files.bucket_name,
                "STATE_MACHINE_ARN": self._runs.state_machine_arn,
                "USER_POOL_ID": data.sign_in.pool.user_pool_id,
                "AUDIT_RETENTION_DAYS": str(settings.audit_retention_days),
                "LOG_RETENTION_DAYS": str(settings.log_retention_days),
                "QUIET_SECONDS": str(self._quiet),
                **({"NOTICE_TOPIC_ARN": notice_topic.topic_arn} if notice_topic else {}),
            },
            failures="Invoked by its state machine, which calls it again or fails",
        )

    def _allow_tables(self) -> None:
        data = self._data
        accounts = {
            ("dynamodb:GetItem", "dynamodb:Query", "dynamodb:DeleteItem"): PARTITIONS,
            ("dynamodb:UpdateItem",): ["erasures"],
        }
        for actions, partitions in accounts.items():
            self.erase.role.add_to_policy(
                iam.PolicyStatement(
                    actions=list(actions),
                    resources=[data.accounts.table_arn],
                    conditions={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": partitions}},
                )
            )
        indexes = [f"{data.runs.table_arn}/index/{name}" for name in ("by-project", "by-project-status")]
        self.erase.allow("dynamodb:Query", resources=indexes)
        self.erase.allow("dynamodb:DeleteItem", resources=[data.runs.table_arn])
        self.erase.allow("dynamodb:Query", "dynamodb:DeleteItem", resources=[data.audit.table_arn])
        self.erase.allow_key(data.key, *READ, through=["dynamodb"])

    def _allow_files(self) -> None:
        home, files = self._data.home, self._data.run_files
        self.erase.allow("s3:ListBucketVersions", resources=[home.bucket_arn, files.bucket_arn])
        places = [(home, "home/*"), *((files, place) for place in ("runs/*", f"{MADE}*", f"{LANES}*", f"{DRY_RUNS}*"))]
        objects = [bucket.arn_for_objects(place) for bucket, place in places]
        self.erase.allow("s3:DeleteObject", "s3:DeleteObjectVersion", resources=objects)
        reason = "Removes the files of any organization that is erased; none of them can be read"
        acknowledge(self.erase.role, {wildcard_objects(bucket, place): reason for bucket, place in places})

    def _allow_services(self, notice_topic: sns.ITopic | None) -> None:
        stack = cdk.Stack.of(self)
        executions = stack.format_arn(
            service="states",
            resource="execution",
            resource_name=f"{self._runs.state_machine_name}:*",
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )
        self.erase.allow("states:StopExecution", resources=[executions])
        machine = stack.resolve(self._runs.state_machine_name)["Fn::GetAtt"][0]
        place = f"arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:<{machine}.Name>:*"
        reason = "Stops the runs of any organization, each an execution of its own"
        acknowledge(self.erase.role, {f"AwsSolutions-IAM5[Resource::{place}]": reason})
        self.erase.allow(
            *("cognito-idp:AdminGetUser", "cognito-idp:AdminUserGlobalSignOut", "cognito-idp:AdminDeleteUser"),
            resources=[self._data.sign_in.pool.user_pool_arn],
        )
        if notice_topic is not None:
            self.erase.allow("sns:ListSubscriptionsByTopic", resources=[notice_topic.topic_arn])
            self.erase.allow("sns:Unsubscribe", resources=["*"])  # knows no resource

    def _chain(self) -> sfn.IChainable:
        """Return the states: a piece of the work, and what its answer says is to come."""
        work = tasks.LambdaInvoke(
            self,
            "Erase",
            lambda_function=self.erase.live,
            payload=sfn.TaskInput.from_object({"organization_id": sfn.JsonPath.string_at("$.organization_id")}),
            payload_response_only=True,
            retry_on_service_exceptions=False,
            result_path="$.erasing",
            task_timeout=sfn.Timeout.duration(TIMEOUT.plus(cdk.Duration.seconds(30))),
        )
        work.add_retry(
            errors=[*LAMBDA_FAULTS, *LAMBDA_DEATHS, TRANSIENT],
            interval=cdk.Duration.seconds(1 if self._settings.local else 15),
            backoff_rate=2,
            max_attempts=8,
            jitter_strategy=sfn.JitterType.NONE,
        )
        # a little longer, so that the time is surely over
        pause = sfn.Wait(
            self, "WaitUntilNothingRuns", time=sfn.WaitTime.duration(cdk.Duration.seconds(self._quiet + 1))
        )
        ways = {"wait": pause.next(work), "again": work, "done": sfn.Succeed(self, "Erased")}
        choice = sfn.Choice(self, "Next?")
        for word, way in ways.items():
            choice.when(sfn.Condition.string_equals("$.erasing.next", word), way)
        work.next(choice)
        return work
