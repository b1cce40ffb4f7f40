from __future__ import annotations

import json
from typing import Any

import pytest
from argon2 import PasswordHasher

from rosterbridge.adapters.passwords import Argon2Hasher
from rosterbridge.errors import PermanentError
from tests.support import flows
from tests.unit.functions.conftest import Aws, Context, Load, Output, sample

HASHER = Argon2Hasher(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


def account(aws: Aws, **changes: Any) -> None:
    values = {"username": "district", "password_hash": HASHER.hash("planted-password"), **changes}
    aws.put(flows.file_account(id="fa-1", **values))


def test_a_password_opens_the_home(aws: Aws, load: Load, output: Output) -> None:
    account(aws)

    answer = load("authenticate").lambda_handler(sample("sign_in_by_password"), Context())

    assert answer["Role"] == "arn:aws:iam::111122223333:role/home"
    assert json.loads(answer["HomeDirectoryDetails"]) == [{"Entry": "/", "Target": "/homes/home/fa-1"}]
    assert aws.key_arn in answer["Policy"]
    assert "PublicKeys" not in answer
    assert json.loads(json.dumps(answer)) == answer
    assert "planted" not in output.text()


def test_a_key_opens_the_home_when_transfer_family_finds_it_among_the_accounts(aws: Aws, load: Load) -> None:
    account(aws, authentication="public_key", password_hash=None, public_keys=(flows.public_key(),))

    answer = load("authenticate").lambda_handler(sample("sign_in_by_key"), Context())

    assert answer["PublicKeys"] == [flows.KEY]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"password": "planted-other"}, "wrong-password"),
        ({"username": "planted-user"}, "unknown-user"),
        ({"protocol": "FTPS"}, "protocol-not-offered"),
        ({"sourceIp": None}, "malformed-request"),
        ({"password": ["planted"]}, "malformed-request"),
        ({"password": "planted\ud800"}, "wrong-password"),
    ],
)
def test_who_is_refused_gets_an_empty_answer_and_the_log_a_code(
    aws: Aws, load: Load, output: Output, changes: dict[str, Any], reason: str
) -> None:
    account(aws)
    event = sample("sign_in_by_password") | changes

    assert load("authenticate").lambda_handler(event, Context()) == {}

    (line,) = output.lines()
    assert line["code"] == reason
    assert "planted" not in output.text()


def test_who_guesses_too_often_is_refused_with_the_right_password_too(aws: Aws, load: Load, output: Output) -> None:
    account(aws)
    handle = load("authenticate").lambda_handler
    wrong = sample("sign_in_by_password") | {"username": "planted-user"}

    for _ in range(8):
        handle(wrong, Context())

    assert handle(sample("sign_in_by_password"), Context()) == {}
    assert [line["code"] for line in output.lines()] == ["unknown-user"] * 8 + ["address-banned"]
    assert "planted" not in output.text()


def test_a_table_that_is_missing_is_told_without_the_request(
    aws: Aws, load: Load, output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACCOUNT_TABLE", "no-such-table")

    with pytest.raises(PermanentError) as failed:
        load("authenticate").lambda_handler(sample("sign_in_by_password"), Context())

    assert type(failed.value) is PermanentError
    assert str(failed.value) == "aws-refused: dynamodb GetItem ResourceNotFoundException"
    assert "planted" not in output.text()
