from __future__ import annotations

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    ParamValidationError,
    ReadTimeoutError,
)

from rosterbridge.adapters.clients import translated
from rosterbridge.errors import PermanentError, RosterbridgeError, TransientError


def raised(error: Exception) -> RosterbridgeError:
    with pytest.raises(RosterbridgeError) as translation, translated("s3"):
        raise error
    assert translation.value.__suppress_context__
    return translation.value


def refusal(code: str, status: int) -> ClientError:
    answer = {
        "Error": {"Code": code, "Message": "planted"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, "PutObject")


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("ThrottlingException", 400),
        ("ProvisionedThroughputExceededException", 400),
        ("TransactionConflictException", 400),
        ("ExecutionLimitExceeded", 400),
        ("RequestTimeout", 400),
        ("OperationAborted", 409),
        ("TooManyRequestsException", 400),
        ("429", 429),
        ("SlowDown", 503),
        ("503", 503),
        ("InternalError", 500),
        ("KeyUnavailableException", 500),
    ],
)
def test_what_can_pass_by_itself_is_transient(code: str, status: int) -> None:
    error = raised(refusal(code, status))

    assert type(error) is TransientError
    assert str(error) == f"aws-refused: s3 PutObject {code}"


@pytest.mark.parametrize(
    ("code", "status"),
    [("AccessDenied", 403), ("ValidationException", 400), ("StateMachineDoesNotExist", 400), ("NoSuchBucket", 404)],
)
def test_what_somebody_must_mend_is_permanent(code: str, status: int) -> None:
    error = raised(refusal(code, status))

    assert type(error) is PermanentError
    assert str(error) == f"aws-refused: s3 PutObject {code}"


@pytest.mark.parametrize(
    "error",
    [EndpointConnectionError(endpoint_url="https://planted"), ReadTimeoutError(endpoint_url="https://planted")],
)
def test_a_service_that_does_not_answer_is_transient(error: BotoCoreError) -> None:
    assert str(raised(error)) == f"aws-unreachable: s3 {type(error).__name__}"
    assert type(raised(error)) is TransientError


def test_a_call_that_is_wrong_itself_is_permanent_and_does_not_tell_its_arguments() -> None:
    error = raised(ParamValidationError(report="planted"))

    assert type(error) is PermanentError
    assert str(error) == "aws-refused: s3 ParamValidationError"
