"""Uploads that are too large for a Lambda function: the same code in a container of Fargate (ADR 0014)."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from infra import build
from infra.acknowledge import OWN_POLICY, acknowledge
from infra.lambda_function import LambdaFunction, retention
from infra.layers import Layers
from infra.network import PUBLIC, Network
from infra.run_endings import Failures
from infra.settings import Settings

CORES, MEMORY_MB = 4, 16_384
IMAGE = "public.ecr.aws/lambda/python:{}.{}-arm64"
CONTAINER = "step"
MEASURED = "$.measured"
TIMEOUT, SILENCE = cdk.Duration.hours(2), cdk.Duration.minutes(10)


class LargePackages(Construct):
    """Where a step runs for a large upload; ``state`` is what the state machine does then."""

    def __init__(
        self, scope: Construct, *, settings: Settings, network: Network, layers: Layers, files: s3.IBucket
    ) -> None:
        super().__init__(scope, "LargePackages")
        self._settings = settings
        self._files = files
        self._layers = layers
        self._vpc = network.vpc
        self._cluster = ecs.Cluster(
            self, "Cluster", vpc=network.vpc, container_insights_v2=ecs.ContainerInsights.ENABLED
        )
        self._group = ec2.SecurityGroup(
            self, "Way", vpc=network.vpc, description="Rosterbridge: what a large package reaches"
        )
        self.task = self._build_task()
        self._lent: dict[str, LambdaFunction] = {}

    def _build_task(self) -> ecs.FargateTaskDefinition:
        task = ecs.FargateTaskDefinition(
            self,
            "Task",
            cpu=CORES * 1024,
            memory_limit_mib=MEMORY_MB,
            runtime_platform=ecs.RuntimePlatform(
                cpu_architecture=ecs.CpuArchitecture.ARM64, operating_system_family=ecs.OperatingSystemFamily.LINUX
            ),
        )
        log_group = logs.LogGroup(
            self,
            "Logs",
            retention=retention(self._settings.log_retention_days),
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        task.add_container(
            CONTAINER,
            image=ecs.ContainerImage.from_registry(IMAGE.format(*build.python_version())),
            entry_point=["python3", "-c"],
            command=[(build.ROOT / "containers" / "step.py").read_text(encoding="utf-8")],
            logging=ecs.LogDrivers.aws_logs(stream_prefix=CONTAINER, log_group=log_group),
        )
        acknowledge(task.obtain_execution_role(), OWN_POLICY)
        return task

    def lend(self, step: LambdaFunction) -> None:
        """Let a container act in a step's role, and fetch the step's code."""
        conditions = {"StringEquals": {"aws:SourceAccount": cdk.Aws.ACCOUNT_ID}}
        policy = step.role.assume_role_policy
        assert policy is not None  # noqa: S101 every role has one
        policy.add_statements(
            iam.PolicyStatement(
                actions=["sts:AssumeRole"],
                principals=[iam.ServicePrincipal("ecs-tasks.amazonaws.com", conditions=conditions)],
            )
        )
        name = self._name(step)
        arn = cdk.Stack.of(self).format_arn(
            service="lambda", resource="function", resource_name=name, arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME
        )
        step.allow("lambda:GetFunction", resources=[arn, f"{arn}:live"])
        versions = [self._layers.versions[layer].layer_version_arn for layer in ("rosterbridge", "base", "roster")]
        step.allow("lambda:GetLayerVersion", resources=versions)
        answers = ["states:SendTaskSuccess", "states:SendTaskFailure", "states:SendTaskHeartbeat"]
        step.allow(*answers, resources=["*"])  # an execution that waits is known by its token alone
        self._lent[step.name] = step

    def state(self, name: str, result_path: str) -> sfn.CustomState:
        """Return the state in which a step that was lent runs in a container, which answers with the state's token."""
        step = self._lent[name.lower()]
        subnets = self._vpc.select_subnets(subnet_group_name=PUBLIC).subnet_ids
        environment = [
            {"Name": "TASK_TOKEN", "Value.$": "$$.Task.Token"},
            {"Name": "RUN_ID", "Value.$": "$.run_id"},
            {"Name": "FUNCTION", "Value": self._name(step)},
        ]
        parameters: dict[str, Any] = {
            "Cluster": self._cluster.cluster_arn,
            "TaskDefinition": self.task.task_definition_arn,
            "LaunchType": "FARGATE",
            "NetworkConfiguration": {
                "AwsvpcConfiguration": {
                    "Subnets": subnets,
                    "SecurityGroups": [self._group.security_group_id],
                    "AssignPublicIp": "ENABLED",  # there is no NAT gateway, which would cost more than all the rest
                }
            },
            "Overrides": {
                "TaskRoleArn": step.role.role_arn,
                "ContainerOverrides": [{"Name": CONTAINER, "Environment": environment}],
            },
        }
        return sfn.CustomState(
            self,
            f"{name}Large",
            state_json={
                "Type": "Task",
                "Resource": f"arn:{cdk.Aws.PARTITION}:states:::ecs:runTask.waitForTaskToken",
                "Parameters": parameters,
                "ResultPath": result_path,
                "TimeoutSeconds": TIMEOUT.to_seconds(),
                "HeartbeatSeconds": SILENCE.to_seconds(),
            },
        )

    def measure(self, then: sfn.IChainable, failures: Failures) -> sfn.IChainable:
        """Return the states that ask S3 for the upload's size, and go on."""
        path = sfn.JsonPath
        head = tasks.CallAwsService(
            self,
            "Measure",
            service="s3",
            action="headObject",
            parameters={"Bucket": path.string_at("$.source.bucket"), "Key": path.string_at("$.source.key")},
            iam_action="s3:GetObject",
            iam_resources=[self._files.arn_for_objects("runs/*")],
            result_selector={"bytes": path.number_at("$.ContentLength")},
            result_path=MEASURED,
            task_timeout=sfn.Timeout.duration(cdk.Duration.seconds(60)),
        )
        head.add_retry(errors=["States.ALL"], interval=cdk.Duration.seconds(2), backoff_rate=2, max_attempts=6)
        for errors, ending in failures:
            head.add_catch(ending, errors=list(errors), result_path="$.failure")
        return head.next(then)

    def choose(self, name: str, *, small: sfn.IChainable, large: sfn.IChainable) -> sfn.IChainable:
        """Return the choice between a step's function and its container."""
        is_large = sfn.Condition.number_greater_than_equals(f"{MEASURED}.bytes", self._settings.large_package_bytes)
        return sfn.Choice(self, name).when(is_large, large).otherwise(small)

    def grant_running(self, machine: sfn.StateMachine) -> None:
        """Let a state machine start the container, in the roles that were lent."""
        run = iam.PolicyStatement(
            actions=["ecs:RunTask"],
            resources=[self.task.task_definition_arn],
            conditions={"ArnEquals": {"ecs:cluster": self._cluster.cluster_arn}},
        )
        lent = [step.role for step in self._lent.values()]
        roles = [role.role_arn for role in (*lent, self.task.task_role, self.task.obtain_execution_role())]
        give = iam.PolicyStatement(
            actions=["iam:PassRole"],
            resources=roles,
            conditions={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
        )
        machine.add_to_role_policy(run)
        machine.add_to_role_policy(give)

    def _name(self, step: LambdaFunction) -> str:
        return f"rosterbridge-{self._settings.stage}-{step.name}"
