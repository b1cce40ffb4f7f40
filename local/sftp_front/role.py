"""The role of a client's session, narrowed by its policy: where IAM is enforced, S3 itself refuses all else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from local.clients import CONFIG, Aws
from local.sftp_front.identity import Grant, RefusedError

Storage = Callable[[Grant], Any]


def storage_by_role(aws: Aws) -> Storage:
    """Return what makes the S3 client of a grant; it raises RefusedError when the role is not to be had."""

    def storage(grant: Grant) -> Any:
        narrowed = {"Policy": grant.policy_text} if grant.policy_text else {}
        try:
            assumed = aws.client("sts").assume_role(RoleArn=grant.role, RoleSessionName="sftp-session", **narrowed)
        except (BotoCoreError, ClientError) as error:
            raise RefusedError("role-not-assumed") from error
        credentials = assumed["Credentials"]
        session = boto3.session.Session(
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials["SessionToken"],
            region_name=aws.region,
        )
        verify = str(aws.ca) if aws.ca else None
        return session.client("s3", endpoint_url=aws.endpoint, config=CONFIG, verify=verify)

    return storage
