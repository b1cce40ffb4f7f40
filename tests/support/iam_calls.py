"""The deployed functions, called one by one as AWS calls them; each call tells what its caller and the log are told."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from rosterbridge.adapters.dynamodb_items import timestamp, to_item
from rosterbridge.flows.models import ObjectRef, Run
from rosterbridge.flows.receiving import Opening, open_run
from tests.support.api import claims, event
from tests.support.stack import Sender, StackUnderTest

NO_ZIP = b"no ZIP at all"
DAY = timedelta(days=1)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


class Calls:
    """Calls functions of the stack."""

    def __init__(self, stack: StackUnderTest) -> None:
        self._stack = stack
        self._lambda, self._s3 = stack.client("lambda"), stack.client("s3")

    def invoke(self, name: str, payload: Mapping[str, Any] | None = None) -> str:
        """Return a function's answer, or error, and the end of its log."""
        answer = self._lambda.invoke(
            FunctionName=f"rosterbridge-local-{name}", Payload=json.dumps(payload or {}), LogType="Tail"
        )
        log = base64.b64decode(answer.get("LogResult", "")).decode()
        return f"{answer['Payload'].read().decode()}\n{log}"

    def answer(self, name: str, payload: Mapping[str, Any]) -> Any:
        """Return a function's answer alone."""
        return json.loads(self.invoke(name, payload).partition("\n")[0])

    def sign_in(self, username: str, password: str) -> str:
        """Ask the identity provider, as Transfer Family does."""
        client = {"username": username, "password": password, "protocol": "SFTP", "sourceIp": "127.0.0.1"}
        return self.invoke("authenticate", {**client, "serverId": self._stack.outputs["SftpServerId"]})

    def receive(self, sender: Sender) -> str:
        """Store an upload in a home and tell the receive function of it, as the queue does."""
        return self.queued("receive", self.stored(sender))

    def stored(self, sender: Sender) -> dict[str, Any]:
        """Store an upload in a home, and return S3's notice of it."""
        bucket, key = self._stack.outputs["HomeBucket"], f"home/{sender.file_account_id}/{uuid4().hex}.zip"
        stored = self._s3.put_object(Bucket=bucket, Key=key, Body=NO_ZIP)
        return self.notice(bucket, key, stored["VersionId"], len(NO_ZIP), stored["ETag"].strip('"'))

    @staticmethod
    def notice(bucket: str, key: str, version: str, size: int, etag: str = "") -> dict[str, Any]:
        """Return S3's notice of an object."""
        thing = {"key": key, "size": size, "eTag": etag, "versionId": version}
        at = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
        return {"Records": [{"eventTime": at, "s3": {"bucket": {"name": bucket}, "object": thing}}]}

    def queued(self, name: str, body: Mapping[str, Any]) -> str:
        """Hand over a message as SQS does."""
        record = {
            "messageId": str(uuid4()),
            "receiptHandle": "receipt",
            "body": json.dumps(body),
            "attributes": {},
            "messageAttributes": {},
            "md5OfBody": "",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-west-1:000000000000:queue",
            "awsRegion": "eu-west-1",
        }
        return self.invoke(name, {"Records": [record]})

    def ask(self, method: str, place: str, body: Any = None, **headers: str) -> str:
        """Ask the API as an operator, below the local organization; API Gateway has checked the token."""
        content = None if body is None else json.dumps(body)
        named = {"content-type": "application/json", **{name.replace("_", "-"): text for name, text in headers.items()}}
        token = claims(user="operator-1", groups="[operator]", organization=None)
        target = f"/v1/organizations/{self._stack.local.organization_id}{place}"
        return self.invoke("api", event(method, target, token=token, body=content, headers=named))

    def recorded_run(
        self, sender: Sender, content: bytes = NO_ZIP, *, received_at: datetime | None = None, noted: bool = False
    ) -> Run:
        """Record a run that nobody has started; if ``noted``, so that the sweep finds it."""
        stores, identity, now = self._stack.local.stores, uuid4().hex, datetime.now(UTC)
        origin = ObjectRef(bucket=self._stack.outputs["HomeBucket"], key=f"home/{sender.file_account_id}/roster.zip")
        opening = Opening(identity, sender.created.flow, "roster.zip", len(content), received_at or now, origin)
        run = open_run(opening, self._stack.outputs["RunBucket"], DAY, save_data=False)
        self._s3.put_object(Bucket=run.source.bucket, Key=run.source.key, Body=content)
        if noted:
            stores.accounts.note_start(run.id, now - DAY)
        return stores.runs.create(run)

    def prepared_run(self, sender: Sender, content: bytes, *steps: str) -> Run:
        """Record a run, and take it through these steps."""
        run = self.recorded_run(sender, content)
        for step in steps:
            assert "errorType" not in (told := self.invoke(step, {"run_id": run.id})), told
        return run

    def note(self, partition: str, name: str, attribute: str) -> None:
        """Note in the table of accounts that something was, or was due, long ago."""
        self._stack.client("dynamodb").update_item(
            TableName=self._stack.outputs["AccountTable"],
            Key=to_item({"pk": partition, "sk": name}),
            UpdateExpression=f"SET {attribute} = :at",
            ExpressionAttributeValues=to_item({":at": timestamp(LONG_AGO)}),
        )
