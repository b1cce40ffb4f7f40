"""Each correction of what the embedded AWS enforces of IAM, so that an upgrade of MiniStack shows which is needed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local.clients import ACCOUNT, CONFIG, REGION
from tests.support.emulator import Emulator
from tests.support.stack import wait_for

ARN = f"{REGION}:{ACCOUNT}"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    running = Emulator(tmp_path_factory.mktemp("enforcing"), enforces_iam=True)
    yield running
    running.processes.stop()


class Role:
    """A role that a service assumes, with one policy."""

    def __init__(self, emulator: Emulator, name: str, *statements: dict[str, Any], service: str = "transfer") -> None:
        self._emulator, self.name, self.arn = emulator, name, f"arn:aws:iam::{ACCOUNT}:role/{name}"
        trusted = {
            "Effect": "Allow",
            "Principal": {"Service": f"{service}.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
        }
        emulator.aws.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document(trusted))
        self.may(*statements)

    def may(self, *statements: dict[str, Any]) -> None:
        """Give the role these rights in place of those that it has."""
        self._emulator.aws.client("iam").put_role_policy(
            RoleName=self.name, PolicyName="rights", PolicyDocument=document(*statements)
        )

    def client(self, service: str, **session: str) -> Any:
        aws = self._emulator.aws
        got = aws.client("sts").assume_role(RoleArn=self.arn, RoleSessionName="session", **session)["Credentials"]
        return boto3.session.Session(
            got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"], region_name=REGION
        ).client(service, endpoint_url=aws.endpoint, config=CONFIG, verify=str(aws.ca))


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: str | list[str], resource: str = "*", **condition: Any) -> dict[str, Any]:
    found = {"Effect": "Allow", "Action": action, "Resource": resource}
    return {**found, **({"Condition": condition} if condition else {})}


def denied(call: Any, **arguments: Any) -> bool:
    """Tell whether a call is denied; it fails for no other reason."""
    try:
        call(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] not in {"AccessDenied", "AccessDeniedException"}:
            raise
        return True
    return False


@pytest.fixture(scope="module")
def table(emulator: Emulator) -> str:
    emulator.aws.client("dynamodb").create_table(
        TableName="things",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return "things"


def test_a_condition_on_leading_keys_confines_reads_writes_and_each_item_of_a_transaction(
    emulator: Emulator, table: str
) -> None:
    own = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["own#*"]}}
    actions = [f"dynamodb:{name}" for name in ("GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem")]
    client = Role(emulator, "keys", allow(actions, f"arn:aws:dynamodb:{ARN}:table/{table}", **own)).client("dynamodb")

    def key(name: str, number: int = 1) -> dict[str, Any]:
        return {"pk": {"S": f"{name}#{number}"}}

    def asked(name: str) -> list[bool]:
        query = {"KeyConditionExpression": "#p = :p", "ExpressionAttributeNames": {"#p": "pk"}}
        put = {"Put": {"TableName": table, "Item": key(name)}}
        return [
            denied(client.get_item, TableName=table, Key=key(name)),
            denied(client.put_item, TableName=table, Item=key(name)),
            denied(client.query, TableName=table, **query, ExpressionAttributeValues={":p": key(name)["pk"]}),
            denied(client.batch_get_item, RequestItems={table: {"Keys": [key("own"), key(name, 2)]}}),
            denied(client.transact_write_items, TransactItems=[put]),
        ]

    assert asked("own") == [False] * 5
    assert asked("other") == [True] * 5


def test_a_condition_on_attributes_confines_what_an_update_writes_and_tests(emulator: Emulator, table: str) -> None:
    only = {"ForAllValues:StringEquals": {"dynamodb:Attributes": ["pk", "seen"]}}
    right = allow("dynamodb:UpdateItem", f"arn:aws:dynamodb:{ARN}:table/{table}", **only)
    client = Role(emulator, "attributes", right).client("dynamodb")

    def update(expression: str, **more: Any) -> bool:
        values = {":v": {"S": "x"}}
        wanted = {"UpdateExpression": expression, "ExpressionAttributeValues": values, **more}
        return denied(client.update_item, TableName=table, Key={"pk": {"S": "a"}}, **wanted)

    assert not update("SET seen = :v")
    assert update("SET seen = :v, secret = :v")
    assert update("SET #n = :v", ExpressionAttributeNames={"#n": "secret"})
    assert update("SET seen = :v", ConditionExpression="attribute_not_exists(secret)")


def test_a_condition_on_the_encryption_context_is_held_against_the_request(emulator: Emulator) -> None:
    key = emulator.aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    bound = {"Null": {"kms:EncryptionContext:organization_id": "false"}}
    client = Role(emulator, "context", allow("kms:Encrypt", key, **bound)).client("kms")

    assert not denied(client.encrypt, KeyId=key, Plaintext=b"x", EncryptionContext={"organization_id": "1"})
    assert denied(client.encrypt, KeyId=key, Plaintext=b"x")


def test_a_bucket_and_a_table_use_their_key_with_the_rights_of_who_asks(emulator: Emulator) -> None:
    key = emulator.aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    encryption = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    made = emulator.template(
        {
            "Bucket": {
                "Type": "AWS::S3::Bucket",
                "Properties": {"BucketEncryption": {"ServerSideEncryptionConfiguration": [encryption]}},
            },
            "Table": {
                "Type": "AWS::DynamoDB::Table",
                "Properties": {
                    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
                    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
                    "BillingMode": "PAY_PER_REQUEST",
                    "SSESpecification": {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": key},
                },
            },
        }
    )
    data = allow(["s3:PutObject", "s3:GetObject", "dynamodb:GetItem"])
    role = Role(emulator, "encrypted", data)
    s3, dynamodb = role.client("s3"), role.client("dynamodb")
    there, item = {"Bucket": made["Bucket"], "Key": "a"}, {"TableName": made["Table"], "Key": {"pk": {"S": "a"}}}

    assert denied(s3.put_object, **there, Body=b"x")
    assert denied(dynamodb.get_item, **item)

    through = {"StringEquals": {"kms:ViaService": [f"{name}.{REGION}.amazonaws.com" for name in ("s3", "dynamodb")]}}
    role.may(data, allow(["kms:Decrypt", "kms:GenerateDataKey"], key, **through))
    assert not denied(s3.put_object, **there, Body=b"x")
    assert not denied(s3.get_object, **there)
    assert not denied(dynamodb.get_item, **item)


def test_each_version_of_a_batch_is_deleted_with_the_right_to_versions(emulator: Emulator) -> None:
    s3, bucket = emulator.aws.client("s3"), "versions"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket=bucket, Key="a", Body=b"x")["VersionId"]
    client = Role(emulator, "deletes", allow("s3:DeleteObject")).client("s3")

    assert denied(client.delete_objects, Bucket=bucket, Delete={"Objects": [{"Key": "a", "VersionId": version}]})
    assert not denied(client.delete_objects, Bucket=bucket, Delete={"Objects": [{"Key": "a"}]})


def test_mail_is_sent_with_the_right_to_the_senders_identity(emulator: Emulator) -> None:
    emulator.aws.client("sesv2").create_email_identity(EmailIdentity="example.org")
    sender = {"StringEquals": {"ses:FromAddress": "a@example.org"}}
    right = allow("ses:SendEmail", f"arn:aws:ses:{ARN}:identity/example.org", **sender)
    client = Role(emulator, "mail", right).client("sesv2")

    def send(address: str) -> bool:
        text = {"Simple": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}}}
        told = {"ToAddresses": ["b@example.org"]}
        return denied(client.send_email, FromEmailAddress=address, Destination=told, Content=text)

    assert not send("a@example.org")
    assert send("c@example.org")


def test_an_execution_does_what_the_role_of_its_machine_may_do(emulator: Emulator) -> None:
    queue = emulator.aws.client("sqs").create_queue(QueueName="told")["QueueUrl"]
    parameters = {"QueueUrl": queue, "MessageBody": "x"}
    task = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "Parameters": parameters, "End": True}
    states, role = emulator.aws.client("stepfunctions"), Role(emulator, "machine", allow("s3:GetObject"))
    definition = json.dumps({"StartAt": "Tell", "States": {"Tell": task}})
    machine = states.create_state_machine(name="tells", definition=definition, roleArn=role.arn)["stateMachineArn"]

    def ended() -> tuple[str, str | None]:
        started = states.start_execution(stateMachineArn=machine)["executionArn"]
        wait_for(lambda: states.describe_execution(executionArn=started)["status"] != "RUNNING", "it ends")
        found = states.describe_execution(executionArn=started)
        return found["status"], found.get("error")

    assert ended() == ("FAILED", "SQS.SqsException")
    role.may(allow("sqs:SendMessage", f"arn:aws:sqs:{ARN}:told"))
    assert ended() == ("SUCCEEDED", None)


def test_a_queue_is_read_with_the_rights_of_the_function_that_it_feeds(emulator: Emulator) -> None:
    sqs, queue = emulator.aws.client("sqs"), f"arn:aws:sqs:{ARN}:feeds"
    url = sqs.create_queue(QueueName="feeds")["QueueUrl"]
    role = Role(emulator, "fed", allow("sqs:ReceiveMessage", queue), service="lambda")
    emulator.function("fed", "def lambda_handler(event, context): pass\n", role=role.arn)
    emulator.aws.client("lambda").create_event_source_mapping(FunctionName="fed", EventSourceArn=queue)
    sqs.send_message(QueueUrl=url, MessageBody="x")

    def waiting() -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(map(int, told.values()))

    time.sleep(1)
    assert waiting() == 1
    role.may(allow(["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], queue))
    assert wait_for(lambda: not waiting(), "it is taken")


def test_decisions_are_noted_without_what_was_asked_for(emulator: Emulator) -> None:
    emulator.aws.client("s3").create_bucket(
        Bucket="secret-place", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    client = Role(emulator, "noted", allow("s3:ListBucket")).client("s3")

    assert denied(client.get_object, Bucket="secret-place", Key="secret-name")

    lines = [json.loads(line) for line in emulator.decisions.read_text().splitlines()]
    assert [line for line in lines if line["role"] == "noted"] == [
        {"role": "noted", "action": "s3:GetObject", "denied": True}
    ]
    assert "secret" not in emulator.decisions.read_text()
