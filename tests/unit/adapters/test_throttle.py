from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from moto import mock_aws

from rosterbridge.adapters.clients import client
from rosterbridge.adapters.throttle import DynamoThrottle

AT = datetime(2026, 10, 1, 6, 30, 20, tzinfo=UTC)


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    client.cache_clear()
    with mock_aws():
        found = client("dynamodb")
        found.create_table(
            TableName="accounts",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        )
        yield found
    client.cache_clear()


def test_as_many_changes_as_the_limit_go_through_and_the_next_waits_for_the_next_minute(dynamodb: Any) -> None:
    throttle = DynamoThrottle("accounts", 3)

    assert [throttle.wait("user-1", AT) for _ in range(5)] == [0, 0, 0, 40, 40]
    assert throttle.wait("user-1", AT + timedelta(seconds=39)) == 1
    assert throttle.wait("user-1", AT + timedelta(seconds=40)) == 0


def test_users_do_not_wait_for_each_other(dynamodb: Any) -> None:
    throttle = DynamoThrottle("accounts", 1)

    assert [throttle.wait(user, AT) for user in ("user-1", "user-2", "user-1")] == [0, 0, 40]


def test_a_counter_expires(dynamodb: Any) -> None:
    DynamoThrottle("accounts", 1).wait("user-1", AT)

    (item,) = dynamodb.scan(TableName="accounts")["Items"]
    assert item["pk"] == {"S": "throttle#user-1"}
    assert int(item["expires_at"]["N"]) == int(AT.timestamp()) + 3600
