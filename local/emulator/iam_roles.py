"""What AWS's services do with the rights of a role, where MiniStack 1.5.33 lets them do anything.

Buckets and tables use the key for whoever asks; Step Functions, Lambda's pollers and EventBridge act by their roles;
the SFTP front assumes a role as Transfer Family does. What each role does by which statement, and what it is denied,
is noted, so that tests can tell that every right is needed.
"""

from __future__ import annotations

import json
import logging
import threading
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from ministack import app
from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import apigateway, dynamodb, eventbridge, lambda_svc, s3, stepfunctions
from ministack.services.cloudformation import provisioners

from local.emulator.iam_conditions import dynamodb_keys

POLLS = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
KEY_OF_BUCKET = "x-amz-server-side-encryption-aws-kms-key-id"
KEY_USE = {
    "s3:GetObject": "kms:Decrypt",
    "s3:GetObjectVersion": "kms:Decrypt",
    "s3:PutObject": "kms:GenerateDataKey",
}

logger = logging.getLogger("rosterbridge.emulator")


def apply(decisions: Path) -> None:
    """Put every correction of this module in place; call before the server starts, after ``iam_conditions``."""
    noted = Decisions(decisions)
    _keep_the_keys_of_buckets_and_tables()
    _note_what_is_allowed(noted)
    _use_the_key_for_whoever_asks(noted)
    _let_executions_act_by_their_role(noted)
    _let_pollers_act_by_the_role_of_their_function(noted)
    _let_rules_act_by_the_role_of_their_target(noted)
    _let_transfer_family_assume_roles()
    _ask_for_the_keys_of_tokens_over_tls()
    app._port_is_bindable = lambda *_: False  # one port is enough: MiniStack would take 443 too


class Decisions:
    """Notes decisions about roles in a file, a line each: never what was asked for, only by which statement.

    What is allowed is noted once, a denial each time.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._known, self._lock = path, set[str](), threading.Lock()
        path.touch(0o600)

    def note(self, principal_arn: str, action: str, **decision: Any) -> None:
        """Note a decision about a role; of others none is."""
        if ":assumed-role/" not in principal_arn:
            return
        line = json.dumps({"role": principal_arn.split("/")[1], "action": action, **decision}, sort_keys=True)
        with self._lock:
            if line not in self._known or decision.get("denied"):
                self._known.add(line)
                with self._path.open("a") as file:
                    file.write(f"{line}\n")


def _note_what_is_allowed(noted: Decisions) -> None:
    stock = iam_evaluator.evaluate

    def evaluate(ctx: Any, policies: Any, *limits: Any) -> Any:
        result = stock(ctx, policies, *limits)
        if result.decision == "Allow":
            found = iam_evaluator._first_match(ctx, [one for policy in policies for one in policy], "Allow")
            place = next(one for one in found.resources if iam_evaluator.fnmatch_iam_cs(ctx.resource_arn, one))
            noted.note(ctx.principal_arn, ctx.action, resource=place, conditions=found.conditions)
        return result

    iam_evaluator.evaluate = evaluate


# -- KMS: a bucket or a table that is encrypted with a key asks KMS with the rights of its caller --------------------


def _keep_the_keys_of_buckets_and_tables() -> None:
    """Keep which key a template names: MiniStack forgets it."""
    for kind, keep in (("AWS::S3::Bucket", _keep_of_bucket), ("AWS::DynamoDB::Table", _keep_of_table)):
        handlers = provisioners._RESOURCE_HANDLERS[kind]

        def create(
            logical_id: str, props: Any, stack: str, *, stock: Any = handlers["create"], keep: Any = keep
        ) -> Any:
            made = stock(logical_id, props, stack)
            keep(made[0], props)
            return made

        handlers["create"] = create


def _keep_of_bucket(name: str, props: Any) -> None:
    rules = props.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", [])
    for key in [rule["ServerSideEncryptionByDefault"].get("KMSMasterKeyID") for rule in rules]:
        if key:
            algorithm = f"<SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>{key}</KMSMasterKeyID>"
            s3._bucket_encryption[name] = f"<Rule>{algorithm}</Rule>"


def _keep_of_table(name: str, props: Any) -> None:
    specified = props.get("SSESpecification") or {}
    enabled = {**specified, "Enabled": specified.get("SSEEnabled", False)}
    dynamodb._tables[name]["SSEDescription"] = dynamodb._sse_description_from_spec(enabled)


def _use_the_key_for_whoever_asks(noted: Decisions) -> None:
    stock = iam_evaluator.enforce

    def enforce(access_key: str, action: str, service: str, region: str, **more: Any) -> Any:
        denied = stock(access_key, action, service, region, **more)
        if denied is None and (key := _key_of(action, more.get("resource_arn", "*"))):
            context = {"kms:ViaService": f"{service}.{region}.amazonaws.com"}
            action = KEY_USE.get(action, "kms:Decrypt")
            denied = stock(access_key, action, "kms", region, resource_arn=key, service_context=context)
        if isinstance(denied, iam_evaluator.EvalResult):
            noted.note(denied.principal_arn, action, denied=True)
        return denied

    iam_evaluator.enforce = enforce


def _key_of(action: str, resource: str) -> str | None:
    """Return the key that an action on encrypted data needs, if it needs one."""
    if action.startswith("dynamodb:"):
        table = dynamodb._tables.get(resource.partition(":table/")[2].partition("/")[0]) or {}
        return (table.get("SSEDescription") or {}).get("KMSMasterKeyArn")
    if action in KEY_USE:
        bucket = resource.removeprefix("arn:aws:s3:::").partition("/")[0]
        return s3._bucket_default_sse_headers(bucket).get(KEY_OF_BUCKET)
    return None


def _may(noted: Decisions, role_arn: str, action: str, resource: str, keys: dict[str, Any] | None = None) -> bool:
    """Tell whether a service that acts by a role may do something, and use the key for it."""
    account, name = get_account_id(), role_arn.rpartition("/")[2]
    policies = iam_evaluator._gather_role_policies(name, account)

    def judge(action: str, resource: str, keys: dict[str, Any]) -> bool:
        ctx = iam_evaluator.EvalContext(
            principal_arn=f"arn:aws:sts::{account}:assumed-role/{name}/service",
            principal_type="AssumedRole",
            principal_account=account,
            action=action,
            resource_arn=resource,
            region=get_region(),
            secure_transport=True,
            service_context={key.lower(): value for key, value in keys.items()},
        )
        result = iam_evaluator.evaluate(ctx, policies)
        if found := iam_evaluator._resource_policy(action.partition(":")[0], resource):
            result = iam_evaluator.combine_resource_policy(result, ctx, *found)
        if result.decision != "Allow":
            noted.note(ctx.principal_arn, action, denied=True)
        return bool(result.decision == "Allow")

    if not judge(action, resource, keys or {}):
        return False
    key, service = _key_of(action, resource), action.partition(":")[0]
    via = {"kms:ViaService": f"{service}.{get_region()}.amazonaws.com"}
    return key is None or judge(KEY_USE.get(action, "kms:Decrypt"), key, via)


# -- Step Functions: a task does what the role of its state machine may do -------------------------------------------


def _let_executions_act_by_their_role(noted: Decisions) -> None:
    role: ContextVar[str] = ContextVar("role", default="")
    stock_execute = stepfunctions._execute_task

    def execute(state: Any, given: Any, execution: Any, context: Any) -> Any:
        machine = stepfunctions._state_machines.get(execution["stateMachineArn"]) or {}
        before = role.set(machine.get("roleArn", ""))
        try:
            return stock_execute(state, given, execution, context)
        finally:
            role.reset(before)

    def checked(stock: Any) -> Any:
        def invoke(resource: str, given: Any, *more: Any) -> Any:
            action, target, error = _asked(resource, given)
            keys = dynamodb_keys(given) if action.startswith("dynamodb:") else {}
            if role.get() and action and not _may(noted, role.get(), action, target, keys):
                raise stepfunctions._ExecutionError(error, f"The state machine's role is not authorized: {action}")
            return stock(resource, given, *more)

        return invoke

    stepfunctions._execute_task = execute
    for name in ("_invoke_resource", "_invoke_with_callback"):
        setattr(stepfunctions, name, checked(getattr(stepfunctions, name)))


def _asked(resource: str, given: Any) -> tuple[str, str, str]:
    """Return the action that a task stands for, on what, and the error that AWS gives when it is denied."""
    place = f"{get_region()}:{get_account_id()}"
    if ":states:::dynamodb:" in resource:
        operation = resource.rpartition(":")[2]
        action = f"dynamodb:{operation[0].upper()}{operation[1:]}"
        return action, f"arn:aws:dynamodb:{place}:table/{given['TableName']}", "DynamoDB.AmazonDynamoDBException"
    if ":states:::sqs:sendMessage" in resource:
        return "sqs:SendMessage", f"arn:aws:sqs:{place}:{given['QueueUrl'].rpartition('/')[2]}", "SQS.SqsException"
    function = given["FunctionName"] if ":states:::lambda:invoke" in resource else resource
    if ":function:" in function:
        return "lambda:InvokeFunction", function, "Lambda.AWSLambdaException"
    return "", "", ""


# -- Lambda: a queue is read with the rights of the function that it feeds --------------------------------------------


def _let_pollers_act_by_the_role_of_their_function(noted: Decisions) -> None:
    stock = lambda_svc._sqs_esm_concurrency

    def concurrency(mapping: Any, record: Any, config: Any, queue: Any = None) -> int:
        if not all(_may(noted, config["Role"], action, mapping["EventSourceArn"]) for action in POLLS):
            return 0
        return int(stock(mapping, record, config, queue))

    lambda_svc._sqs_esm_concurrency = concurrency


# -- EventBridge: a rule starts an execution with the rights of its target's role -------------------------------------


def _let_rules_act_by_the_role_of_their_target(noted: Decisions) -> None:
    stock = eventbridge._invoke_target

    def invoke(target: Any, *arguments: Any) -> Any:
        role, arn = target.get("RoleArn"), target.get("Arn", "")
        if ":states:" in arn and not (role and _may(noted, role, "states:StartExecution", arn)):
            logger.warning("a rule's target may not be started by its role")
            return None
        return stock(target, *arguments)

    eventbridge._invoke_target = invoke


# -- Transfer Family: the SFTP front, which asks as the account itself, assumes the role of a session ------------------


def _let_transfer_family_assume_roles() -> None:
    """Take the account that asks for the one that the service acts for, as the trust policies of roles want to know."""
    stock = iam_evaluator._resolve_condition_key

    def resolve(key: str, ctx: Any) -> Any:
        if key.lower() == "aws:sourceaccount" and ctx.principal_arn.endswith(":root"):
            return ctx.principal_account
        return stock(key, ctx)

    iam_evaluator._resolve_condition_key = resolve


# -- API Gateway: where the server speaks TLS, the keys that tokens are signed with are not to be had without ----------


def _ask_for_the_keys_of_tokens_over_tls() -> None:
    stock = apigateway._resolve_jwks_url

    async def resolve(authorizer: Any) -> str | None:
        found = await stock(authorizer)
        return found.replace("http://", "https://", 1) if found else None

    apigateway._resolve_jwks_url = resolve
