"""A state machine as all of ours are: traced, and logged without what its executions work on."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.acknowledge import ANY_RESOURCE, OWN_POLICY, acknowledge
from infra.lambda_function import retention
from infra.settings import Settings


def build_state_machine(
    scope: Construct, name: str, chain: sfn.IChainable, *, settings: Settings, timeout: cdk.Duration
) -> sfn.StateMachine:
    """Build a state machine of the states that ``chain`` starts."""
    log_group = logs.LogGroup(
        scope,
        f"{name}Logs",
        log_group_name=execution_log(settings, name),
        retention=retention(settings.log_retention_days),
        removal_policy=cdk.RemovalPolicy.DESTROY,
    )
    machine = sfn.StateMachine(
        scope,
        name,
        definition_body=sfn.DefinitionBody.from_chainable(chain),
        state_machine_type=sfn.StateMachineType.STANDARD,  # a name starts one execution only, as often as asked
        timeout=timeout,
        tracing_enabled=True,
        logs=sfn.LogOptions(destination=log_group, level=sfn.LogLevel.ALL, include_execution_data=False),
    )
    acknowledge(
        machine,
        {
            ANY_RESOURCE: (
                "X-Ray's segments and sampling rules, and CloudWatch Logs' deliveries and resource policies, "
                "know no resource; the actions are named one by one"
            ),
            **OWN_POLICY,
        },
    )
    return machine


def execution_log(settings: Settings, machine: str) -> str:
    """Return the name of a state machine's log group, with the beginning that AWS delivers to without a policy."""
    return f"/aws/vendedlogs/states/rosterbridge-{settings.stage}-{machine.lower()}"
