"""AWS clients with the same time-outs and retries everywhere, made once a process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from rosterbridge.errors import PermanentError, TransientError

CONFIG = Config(connect_timeout=5, read_timeout=60, retries={"mode": "standard", "total_max_attempts": 4})
# S3 takes the older signature, which links have by default, for no object that is encrypted with a key of ours; and by
# the name of its region a bucket is reached without a redirect, which no browser follows before it posts a form
S3_CONFIG = CONFIG.merge(Config(signature_version="s3v4", s3={"addressing_style": "virtual"}))

# Codes of status 400 and 409 after which the same call can succeed later; the others of these are a fault of ours or
# of the settings
TRANSIENT = frozenset(
    {
        "ExecutionLimitExceeded",
        "OperationAborted",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestTimeout",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)
TOO_MANY_REQUESTS, SERVER_FAULT = 429, 500


@cache
def client(service: Any) -> Any:
    """Return the process's client of an AWS service."""
    return boto3.client(service, config=S3_CONFIG if service == "s3" else CONFIG)


def error_code(error: ClientError) -> str:
    """Return AWS's code of the error."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_transient(error: ClientError) -> bool:
    """Tell whether the same call can succeed later."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return error_code(error) in TRANSIENT or status == TOO_MANY_REQUESTS or status >= SERVER_FAULT


@contextmanager
def translated(service: str) -> Iterator[None]:
    """Turn what boto3 raises into TransientError or PermanentError, naming service, operation and AWS's code only."""
    try:
        yield
    except ClientError as error:
        kind = TransientError if is_transient(error) else PermanentError
        raise kind("aws-refused", f"{service} {error.operation_name} {error_code(error)}") from None
    except ParamValidationError as error:
        raise PermanentError("aws-refused", f"{service} {type(error).__name__}") from None
    except BotoCoreError as error:
        raise TransientError("aws-unreachable", f"{service} {type(error).__name__}") from None
