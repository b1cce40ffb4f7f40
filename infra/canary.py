"""A deploy that takes itself back: a new version answers every tenth call for five minutes, and all if it is sound."""

from __future__ import annotations

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.acknowledge import OWN_POLICY, acknowledge
from infra.lambda_function import LambdaFunction
from infra.settings import Settings


class Canary(Construct):
    """CodeDeploy moves the alias of each function; CloudFormation rolls the whole stack back when one of them fails."""

    def __init__(self, scope: Construct, *, settings: Settings, functions: Sequence[LambdaFunction]) -> None:
        super().__init__(scope, "Canary")
        self._settings = settings
        self._application = codedeploy.LambdaApplication(
            self, "Application", application_name=f"rosterbridge-{settings.stage}"
        )
        self._role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("codedeploy.amazonaws.com"))
        alarms = [self._watch(function) for function in functions]
        self._allow(functions)
        for function, alarm in zip(functions, alarms, strict=True):
            self._shift(function, alarm).node.add_dependency(self._role)

    def _watch(self, function: LambdaFunction) -> cloudwatch.Alarm:
        """Return the alarm on the function's errors: what it answers on purpose, such as a refusal, is none."""
        alarm = cloudwatch.Alarm(
            self,
            f"{function.node.id}Errors",
            alarm_name=self._alarm_name(function),
            alarm_description=f"Rolls a deploy back: {function.name} ended with an error",
            metric=function.live.metric_errors(period=cdk.Duration.minutes(1), statistic="Sum"),
            threshold=1,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        reason = "CodeDeploy looks at it while it shifts a deploy; the alarms that wake somebody are others"
        acknowledge(alarm, {"NIST.800.53.R5-CloudWatchAlarmAction": reason})
        return alarm

    def _alarm_name(self, function: LambdaFunction) -> str:
        return f"rosterbridge-{self._settings.stage}-deploy-{function.name}"

    def _allow(self, functions: Sequence[LambdaFunction]) -> None:
        """Allow what CodeDeploy does with an alias, on these functions; AWS's own policy allows it on every one."""

        def arns(service: str, resource: str, names: Sequence[str]) -> list[str]:
            """Return ARNs made of names: the aliases, and with them nearly all else, wait for this policy."""
            form = cdk.ArnFormat.COLON_RESOURCE_NAME
            return [
                cdk.Stack.of(self).format_arn(service=service, resource=resource, resource_name=name, arn_format=form)
                for name in names
            ]

        names = [f"rosterbridge-{self._settings.stage}-{function.name}" for function in functions]
        places = arns("lambda", "function", [*names, *(f"{name}:live" for name in names)])
        watched = arns("cloudwatch", "alarm", [self._alarm_name(function) for function in functions])
        rights = {
            ("lambda:GetAlias", "lambda:UpdateAlias", "lambda:GetProvisionedConcurrencyConfig"): places,
            ("cloudwatch:DescribeAlarms",): watched,
        }
        for actions, resources in rights.items():
            self._role.add_to_policy(iam.PolicyStatement(actions=list(actions), resources=resources))
        acknowledge(self._role, OWN_POLICY)

    def _shift(self, function: LambdaFunction, alarm: cloudwatch.Alarm) -> codedeploy.LambdaDeploymentGroup:
        return codedeploy.LambdaDeploymentGroup(
            self,
            function.node.id,
            application=self._application,
            alias=function.live,
            deployment_config=codedeploy.LambdaDeploymentConfig.CANARY_10_PERCENT_5_MINUTES,
            alarms=[alarm],
            auto_rollback=codedeploy.AutoRollbackConfig(failed_deployment=True, deployment_in_alarm=True),
            role=self._role.without_policy_updates(),  # or CDK would add AWS's own policy
        )
