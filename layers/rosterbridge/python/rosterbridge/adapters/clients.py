"""AWS clients with the same time-outs and retries everywhere, made once a process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from rosterbridge.errors import PermanentError, TransientError

CONFIG = Config(connect_timeout=5, read_timeout=60, retries={"mode": "standard", "total_max_attempts": 4})

# Codes after which the same call can succeed later; every other is a fault of ours or of the settings
TRANSIENT = frozenset(
    {
        "InternalError",
        "InternalServerError",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestTimeout",
        "ServiceUnavailable",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TransactionConflictException",
        "KMSInternalException",
        "DependencyTimeoutException",
        "503",
        "500",
    }
)


@cache
def client(service: Any) -> Any:
    """Return the process's client of an AWS service."""
    return boto3.client(service, config=CONFIG)


def error_code(error: ClientError) -> str:
    """Return AWS's code of the error."""
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def translated(service: str) -> Iterator[None]:
    """Turn what boto3 raises into TransientError or PermanentError, naming service, operation and AWS's code only."""
    try:
        yield
    except ClientError as error:
        code = error_code(error)
        kind = TransientError if code in TRANSIENT else PermanentError
        raise kind(f"{service}-refused", f"{error.operation_name} {code}") from None
    except BotoCoreError as error:
        raise TransientError(f"{service}-unreachable", type(error).__name__) from None
