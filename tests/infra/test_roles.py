import json
from typing import Any

from tests.infra.assembly import Assembly, Template, as_list, as_text

# What AWS knows no resource for, so that "*" is all one can say
WITHOUT_RESOURCE = {
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
}


def rights(service: Template, role: str) -> set[str]:
    statements = [statement for name, statement in service.statements() if name.startswith(role)]
    return {action for statement in statements for action in as_list(statement["Action"])}


def key_statements(service: Template) -> list[tuple[str, dict[str, Any]]]:
    return [(name, found) for name, found in service.statements() if "kms:" in json.dumps(found["Action"])]


def test_no_role_has_an_action_with_a_wildcard(assembly: Assembly) -> None:
    actions = [
        action
        for template in (assembly.data, assembly.service)
        for _, statement in template.statements()
        for action in as_list(statement["Action"])
    ]

    assert len(actions) > 50
    assert [action for action in actions if "*" in action] == []


def test_only_actions_that_know_no_resource_are_allowed_on_every_resource(service: Template) -> None:
    everywhere = {
        action
        for _, statement in service.statements()
        if "*" in as_list(statement["Resource"])
        for action in as_list(statement["Action"])
    }

    assert everywhere <= WITHOUT_RESOURCE


def test_no_role_has_a_policy_that_somebody_else_writes(service: Template) -> None:
    assert [role for role in service.all("IAM::Role").values() if "ManagedPolicyArns" in role["Properties"]] == []


def test_the_key_is_used_through_s3_and_dynamodb_but_forward_opens_an_organizations_secret(service: Template) -> None:
    direct = [(name, found) for name, found in key_statements(service) if "StringEquals" not in found["Condition"]]
    ((name, statement),) = direct

    assert name.startswith("PipelineForwardFunction")
    assert statement["Action"] == "kms:Decrypt"
    assert statement["Condition"] == {"Null": {"kms:EncryptionContext:organization_id": "false"}}


def test_who_only_reads_may_only_decrypt(service: Template) -> None:
    writers = {
        name.split("Role")[0]
        for name, statement in key_statements(service)
        if set(as_list(statement["Action"])) == {"kms:Decrypt", "kms:GenerateDataKey"}
    }
    readers = {name.split("Role")[0] for name, found in key_statements(service) if found["Action"] == "kms:Decrypt"}

    assert writers == {
        "SftpEndpointHome",
        "PipelineReceiveFunction",
        "PipelineValidateFunction",
        "PipelineConvertFunction",
    }
    assert readers == {
        "SftpEndpointAuthenticateFunction",
        "PipelineForwardFunction",
        "PipelineRuns",
        "PipelineClosing",
    }


def test_key_conditions_name_the_services_of_the_stacks_region(service: Template) -> None:
    via = {
        as_text(host)
        for _, statement in key_statements(service)
        for host in statement["Condition"].get("StringEquals", {}).get("kms:ViaService", [])
    }

    assert via == {"s3.Region.URLSuffix", "dynamodb.Region.URLSuffix"}


def test_signing_in_reads_one_account_and_nothing_else(service: Template) -> None:
    assert rights(service, "SftpEndpointAuthenticateFunction") == {
        "dynamodb:GetItem",
        "kms:Decrypt",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }


def test_forward_changes_no_file(service: Template) -> None:
    files = {action for action in rights(service, "PipelineForwardFunction") if action.startswith("s3:")}

    assert files == {"s3:GetObject", "s3:ListBucket"}


def test_a_state_machine_calls_its_steps_and_writes_its_record(service: Template) -> None:
    own = {action for action in rights(service, "PipelineRunsRole") if not action.startswith(("logs:", "xray:"))}

    assert own == {"lambda:InvokeFunction", "dynamodb:UpdateItem", "kms:Decrypt"}
