import json
from typing import Any

import pytest

from infra.data import LANES
from rosterbridge.adapters.dynamodb_changes import HOMES, STARTS
from rosterbridge.adapters.dynamodb_changes import LANES as REMOVED_LANES
from rosterbridge.adapters.dynamodb_dry_runs import FOUND
from rosterbridge.flows.run_files import saved_object
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
    "states:SendTaskSuccess",
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


def test_the_key_is_used_through_s3_and_dynamodb_but_for_an_organizations_secret(service: Template) -> None:
    direct = [(name, found) for name, found in key_statements(service) if "StringEquals" not in found["Condition"]]

    assert {name.split("Role")[0]: found["Action"] for name, found in direct} == {
        "PipelineForwardFunction": "kms:Decrypt",
        "ApiApiFunction": ["kms:Decrypt", "kms:Encrypt"],
    }
    for _, found in direct:
        assert found["Condition"] == {"Null": {"kms:EncryptionContext:organization_id": "false"}}


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
        "PipelineGuardFunction",
        "PipelineForwardFunction",
        "ApiApiFunction",
        "NotificationsNotifyFunction",
        "SftpEndpointHostKeysHostkeysFunction",
        "DryRunsDryrunFunction",
    }
    assert readers == {
        "SftpEndpointAuthenticateFunction",
        "PipelineForwardFunction",  # the stored password of an ASM account
        "PipelineRuns",
        "PipelineClosing",
        "SweepSweepFunction",
        "ErasureEraseFunction",
        "NotificationsWatchFunction",
    }


def test_key_conditions_name_the_services_of_the_stacks_region(service: Template) -> None:
    via = {
        as_text(host)
        for _, statement in key_statements(service)
        for host in statement["Condition"].get("StringEquals", {}).get("kms:ViaService", [])
    }

    assert via == {f"{service}.Region.URLSuffix" for service in ("s3", "dynamodb", "secretsmanager")}


def test_signing_in_reads_an_account_notes_the_login_and_nothing_else(service: Template) -> None:
    assert rights(service, "SftpEndpointAuthenticateFunction") == {
        "dynamodb:BatchGetItem",
        "dynamodb:GetItem",
        "dynamodb:UpdateItem",
        "kms:Decrypt",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }


def test_signing_in_counts_refusals_and_could_change_no_account(service: Template) -> None:
    conditions = [
        found["Condition"]
        for name, found in service.statements()
        if name.startswith("SftpEndpointAuthenticateFunction") and "dynamodb:UpdateItem" in as_list(found["Action"])
    ]

    assert [condition["ForAllValues:StringLike"] for condition in conditions] == [
        {"dynamodb:LeadingKeys": ["organization#*"]},
        {"dynamodb:LeadingKeys": ["sign-in#*"]},
    ]


def test_what_notes_a_login_or_an_upload_writes_nothing_else_of_an_account(service: Template) -> None:
    for role, noted in (
        ("SftpEndpointAuthenticateFunction", "last_login_at"),
        ("PipelineReceiveFunction", "last_upload_at"),
    ):
        (condition,) = [
            found["Condition"]
            for name, found in service.statements()
            if name.startswith(role)
            and "dynamodb:UpdateItem" in as_list(found["Action"])
            and "organization#*" in json.dumps(found.get("Condition"))
        ]

        assert condition == {
            "ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["organization#*"]},
            "ForAllValues:StringEquals": {"dynamodb:Attributes": ["pk", "sk", noted]},
            "StringEqualsIfExists": {"dynamodb:ReturnValues": ["NONE"]},
        }


@pytest.mark.parametrize("step", ["Receive", "Validate", "Convert", "Guard", "Forward"])
def test_a_step_writes_lanes_and_no_account(service: Template, step: str) -> None:
    writes = {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"}
    conditions = [
        found["Condition"]
        for name, found in service.statements()
        if name.startswith(f"Pipeline{step}Function")
        and "FnGetAttAccounts" in json.dumps(found["Resource"])
        and writes & set(as_list(found["Action"]))
    ]

    assert {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["lane#*"]}} in conditions
    assert all("dynamodb:LeadingKeys" in json.dumps(condition) for condition in conditions)


def test_forward_alone_writes_what_is_known_of_apples_hosts(service: Template) -> None:
    circuits = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["circuit#*"]}}
    found = [(name, as_list(one["Action"])) for name, one in service.statements() if one.get("Condition") == circuits]

    ((name, actions),) = found
    assert name.startswith("PipelineForwardFunction")
    assert set(actions) == {"dynamodb:PutItem", "dynamodb:DeleteItem"}


def test_forward_changes_no_file_of_a_run_but_writes_what_is_saved_of_itself_and_what_its_flow_needs(
    service: Template,
) -> None:
    files = {action for action in rights(service, "PipelineForwardFunction") if action.startswith("s3:")}
    written = {
        as_text(place).partition("/")[2]
        for name, found in service.statements()
        if name.startswith("PipelineForwardFunction") and "s3:PutObject" in as_list(found["Action"])
        for place in as_list(found["Resource"])
    }

    assert files == {"s3:GetObject", "s3:ListBucket", "s3:PutObject", "s3:DeleteObject"}
    assert written == {saved_object("bucket", "*", "forward").key, f"{LANES}*"}


def test_a_state_machine_calls_its_steps_writes_its_record_and_tells_of_its_end(service: Template) -> None:
    own = {action for action in rights(service, "PipelineRunsRole") if not action.startswith(("logs:", "xray:"))}

    assert own == {"lambda:InvokeFunction", "dynamodb:UpdateItem", "kms:Decrypt", "sqs:SendMessage"}


def allowed(service: Template, role: str, resource: str) -> set[str]:
    """Return the actions that a role may do on what is named by ``resource``, the logical id or its beginning."""
    return {
        action
        for name, statement in service.statements()
        if name.startswith(role) and resource in json.dumps(statement["Resource"])
        for action in as_list(statement["Action"])
    }


def test_the_audit_trail_can_only_grow_and_be_read_until_its_organization_is_erased(service: Template) -> None:
    may = {
        name: allowed(service, name, "FnGetAttAudit")
        for name in {name.partition("Role")[0] for name, _ in service.statements()}
    }

    assert {name: actions for name, actions in may.items() if actions} == {
        "ApiApiFunction": {"dynamodb:PutItem", "dynamodb:Query"},
        "ErasureEraseFunction": {"dynamodb:Query", "dynamodb:DeleteItem"},
    }


def test_the_api_writes_accounts_and_starts_runs_of_whose_record_it_changes_only_a_decision(service: Template) -> None:
    writes = {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"}

    assert allowed(service, "ApiApiFunction", "FnGetAttAccounts") == {"dynamodb:GetItem", "dynamodb:Query", *writes}
    assert allowed(service, "ApiApiFunction", "FnGetAttRunsE") == {
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "dynamodb:Query",
    }
    (decides,) = [
        found["Condition"]
        for name, found in service.statements()
        if name.startswith("ApiApiFunction")
        and found["Action"] == "dynamodb:UpdateItem"
        and "FnGetAttRunsE" in json.dumps(found["Resource"])
    ]
    assert decides["ForAllValues:StringEquals"]["dynamodb:Attributes"] == ["id", "hold", "status", "ended_at"]
    assert allowed(service, "ApiApiFunction", "PipelineRuns") == {"states:StartExecution"}
    assert allowed(service, "ApiApiFunction", "ErasureErasures") == {"states:StartExecution"}


def test_the_api_asks_each_index_by_name(service: Template) -> None:
    (indexes,) = [
        as_list(statement["Resource"])
        for name, statement in service.statements()
        if name.startswith("ApiApiFunction") and "/index/" in json.dumps(statement["Resource"])
    ]

    assert {as_text(index).rpartition("/")[2] for index in indexes} == {"by-project", "by-flow", "by-project-status"}


def test_the_api_never_reaches_uploads_that_no_run_has_taken(service: Template) -> None:
    assert allowed(service, "ApiApiFunction", "FnGetAttHome") == set()
    assert allowed(service, "ApiApiFunction", "FnGetAttRunFiles") == {
        "s3:ListBucket",
        "s3:GetObject",
        "s3:PutObject",
        "s3:AbortMultipartUpload",
    }
    assert {
        as_text(resource).partition("/")[2]
        for name, found in service.statements()
        if name.startswith("ApiApiFunction") and "s3:PutObject" in as_list(found["Action"])
        for resource in as_list(found["Resource"])
    } == {"runs/*", "made/*", "dry-runs/*"}


def test_a_dry_run_reads_what_a_run_would_and_writes_its_report_and_its_own_record_alone(service: Template) -> None:
    role = "DryRunsDryrunFunction"
    statements = [found for name, found in service.statements() if name.startswith(role)]
    writes = [found for found in statements if {"dynamodb:UpdateItem", "s3:PutObject"} & set(as_list(found["Action"]))]
    own = {action for action in rights(service, role) if action.startswith(("dynamodb:", "s3:", "sqs:", "states:"))}

    assert own == {
        "dynamodb:GetItem",
        "dynamodb:Query",
        "dynamodb:UpdateItem",
        "s3:GetObject",
        "s3:GetObjectVersion",
        "s3:ListBucket",
        "s3:PutObject",
    }
    record, report = writes
    assert record["Condition"]["ForAllValues:StringEquals"]["dynamodb:Attributes"] == ["pk", "sk", *FOUND]
    assert as_text(report["Resource"]).partition("/")[2] == "dry-runs/*/report.json"
    assert allowed(service, "PipelineReceiveFunction", "DryRunsDryrunFunction") == {"lambda:InvokeFunction"}


def test_the_api_invites_and_removes_users_of_this_pool_and_asks_about_this_server(service: Template) -> None:
    assert allowed(service, "", "SignInPool") == {
        "cognito-idp:AdminAddUserToGroup",
        "cognito-idp:AdminCreateUser",
        "cognito-idp:AdminDeleteUser",
        "cognito-idp:AdminGetUser",
        "cognito-idp:AdminUserGlobalSignOut",
    }
    assert allowed(service, "ApiApiFunction", "SftpEndpointServer") == {"transfer:ListHostKeys"}


def test_the_sweep_empties_homes_without_reading_them(service: Template) -> None:
    assert allowed(service, "SweepSweepFunction", "FnGetAttHome") == {
        "s3:ListBucketVersions",
        "s3:DeleteObject",
        "s3:DeleteObjectVersion",
    }
    assert allowed(service, "SweepSweepFunction", "FnGetAttAccounts") == {"dynamodb:Query", "dynamodb:DeleteItem"}


def test_the_sweep_reads_and_starts_runs(service: Template) -> None:
    assert allowed(service, "SweepSweepFunction", "FnGetAttRunsE") == {"dynamodb:GetItem"}
    assert allowed(service, "SweepSweepFunction", "PipelineRuns") == {"states:StartExecution"}


def test_the_sweep_forgets_what_is_done_and_could_remove_no_account(service: Template) -> None:
    on_table = [
        found["Condition"]
        for name, found in service.statements()
        if name.startswith("SweepSweepFunction") and "dynamodb:DeleteItem" in as_list(found["Action"])
    ]

    assert on_table == [
        {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [HOMES, STARTS, REMOVED_LANES]}},
        {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["lane#*"]}},
    ]


def test_receiving_counts_uploads_and_ends_runs_but_removes_none(service: Template) -> None:
    receive = "PipelineReceiveFunction"
    keys = [
        keys
        for name, found in service.statements()
        if name.startswith(receive) and "dynamodb:UpdateItem" in as_list(found["Action"]) and "Condition" in found
        for keys in found["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    ]

    assert sorted(keys) == ["lane#*", "organization#*", "upload#*", "uploads#*"]
    assert allowed(service, receive, "FnGetAttRunsE") == {
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
    }
