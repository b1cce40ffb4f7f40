"""CloudFormation, which waits for the answer of a function that it calls when a resource comes, changes or goes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import urllib3

from rosterbridge.errors import TransientError

TIMEOUT = urllib3.Timeout(connect=5, read=20)
ECHOED = ("StackId", "RequestId", "LogicalResourceId")


def answer_stack(
    request: Mapping[str, Any], *, physical_id: str, data: Mapping[str, str] | None = None, failure: str = ""
) -> None:
    """Tell CloudFormation the resource's id and attributes, or the code of what failed.

    Raises TransientError ``aws-unreachable``; its text leaves out the address, which is as good as a password.
    """
    answer = {
        "Status": "FAILED" if failure else "SUCCESS",
        "Reason": failure,
        "PhysicalResourceId": physical_id,
        "Data": dict(data or {}),
        **{name: request[name] for name in ECHOED},
    }
    try:
        # no retries of urllib3's own: it would log the address
        with urllib3.PoolManager(retries=False, timeout=TIMEOUT) as pool:
            response = pool.request("PUT", request["ResponseURL"], body=json.dumps(answer).encode(), headers={})
    except urllib3.exceptions.HTTPError as error:
        raise TransientError("aws-unreachable", f"cloudformation {type(error).__name__}") from None
    if response.status >= 300:  # noqa: PLR2004 the first status that is no success
        raise TransientError("aws-unreachable", f"cloudformation {response.status}")
