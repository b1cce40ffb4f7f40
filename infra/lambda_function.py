"""One Lambda function with our defaults: arm64, its own role and log group, only the layers that it names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra import build
from infra.acknowledge import ANY_RESOURCE, OWN_POLICY, acknowledge
from infra.key_use import key_statement
from infra.layers import Layers
from infra.settings import Settings

RETENTION = {
    1: logs.RetentionDays.ONE_DAY,
    3: logs.RetentionDays.THREE_DAYS,
    5: logs.RetentionDays.FIVE_DAYS,
    7: logs.RetentionDays.ONE_WEEK,
    14: logs.RetentionDays.TWO_WEEKS,
    30: logs.RetentionDays.ONE_MONTH,
    60: logs.RetentionDays.TWO_MONTHS,
    90: logs.RetentionDays.THREE_MONTHS,
    180: logs.RetentionDays.SIX_MONTHS,
    365: logs.RetentionDays.ONE_YEAR,
    400: logs.RetentionDays.THIRTEEN_MONTHS,
}
SNAPSHOT = lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS
# What each function's environment has
ENVIRONMENT = {"POWERTOOLS_LOG_LEVEL": "INFO", "PYTHONSAFEPATH": "1"}


def retention(days: int) -> logs.RetentionDays:
    """Return CDK's word for a number of days."""
    return RETENTION[days]


def _removal(settings: Settings) -> cdk.RemovalPolicy:
    """Keep earlier versions to roll back to, except where each is a snapshot that is paid for by the hour."""
    return cdk.RemovalPolicy.DESTROY if settings.local or settings.snap_start else cdk.RemovalPolicy.RETAIN


class LambdaFunction(Construct):
    """A function of ``functions/<name>``; ``live`` is what everybody calls, ``role`` what it may do.

    ``failures`` says what becomes of an event that it could not handle. Somebody waits for the answer of one that is
    ``waited_for``.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        settings: Settings,
        layers: Layers,
        uses: Sequence[str],
        memory: int,
        timeout: cdk.Duration,
        environment: Mapping[str, str],
        storage: cdk.Size | None = None,
        waited_for: bool = False,
        failures: str = "Invoked synchronously or from a queue: its caller keeps what failed",
    ) -> None:
        super().__init__(scope, f"{name.capitalize()}Function")
        self.name = name
        self.log_group = self._build_logs(settings)
        self.role = self._build_role()
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=f"rosterbridge-{settings.stage}-{name}",
            description=f"Rosterbridge: {name}",
            runtime=layers.runtime,
            architecture=lambda_.Architecture.ARM_64,
            handler="handler.lambda_handler",
            code=lambda_.Code.from_asset(str(build.build_function(name))),
            layers=[layers.versions[layer] for layer in ("rosterbridge", "base", *uses)],
            memory_size=memory,
            timeout=timeout,
            ephemeral_storage_size=storage,
            role=self.role,
            log_group=self.log_group,
            tracing=lambda_.Tracing.ACTIVE,
            snap_start=SNAPSHOT if settings.snap_start and waited_for else None,
            current_version_options=lambda_.VersionOptions(removal_policy=_removal(settings)),
            environment={
                "POWERTOOLS_SERVICE_NAME": f"rosterbridge-{name}",
                "STAGE": settings.stage,
                **ENVIRONMENT,
                **environment,
            },
        )
        # to roll back is to point it at another version
        self.live = lambda_.Alias(self, "Live", alias_name="live", version=self.function.current_version)
        self._acknowledge(failures)

    def _build_logs(self, settings: Settings) -> logs.LogGroup:
        days = retention(settings.log_retention_days)
        return logs.LogGroup(self, "Logs", retention=days, removal_policy=cdk.RemovalPolicy.DESTROY)

    def _build_role(self) -> iam.Role:
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        self.log_group.grant_write(role)
        return role

    def _acknowledge(self, failures: str) -> None:
        acknowledge(
            self.role,
            {ANY_RESOURCE: "X-Ray's PutTraceSegments and PutTelemetryRecords know no resource", **OWN_POLICY},
        )
        acknowledge(
            self.function,
            {
                "AwsSolutions-L1": "The functions run the Python that builds, compiles and tests them (ADR 0002)",
                "Serverless-LambdaLatestVersion": "The Python that builds, compiles and tests them (ADR 0002)",
                "Serverless-LambdaDLQ": failures,
                "NIST.800.53.R5-LambdaDLQ": failures,
                "NIST.800.53.R5-LambdaConcurrency": (
                    "What one function reserves the others lack, and a new account has nothing to reserve; "
                    "queues hold back what is too much, and the API's throttle refuses it"
                ),
                "NIST.800.53.R5-LambdaInsideVPC": (
                    "There is nothing in a VPC that it reaches: it calls AWS's own services by TLS and their policies, "
                    "and Apple's server by SSH and its pinned key"
                ),
            },
        )

    def allow(self, *actions: str, resources: Sequence[str]) -> None:
        """Allow the function to call ``actions`` on ``resources``."""
        self.role.add_to_policy(iam.PolicyStatement(actions=list(actions), resources=list(resources)))

    def allow_polling(self, queue: sqs.IQueue) -> None:
        """Allow what Lambda's pollers do for the function, and no more, as CDK's grant would."""
        self.allow("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", resources=[queue.queue_arn])

    def allow_key(self, key: kms.IKey, *actions: str, through: Sequence[str]) -> None:
        """Allow ``actions`` with ``key`` to the services that encrypt with it, not to the function itself."""
        self.role.add_to_policy(key_statement(key, *actions, through=through))
