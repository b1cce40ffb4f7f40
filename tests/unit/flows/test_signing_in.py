from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from rosterbridge.errors import PermanentError, RosterbridgeError, TransientError
from rosterbridge.flows.models import FileAccount
from rosterbridge.flows.sign_in_scores import ScoreRules, SignInScores
from rosterbridge.flows.signing_in import HomeSettings, SignInRequest, session_policy, sign_in
from tests.support import flows
from tests.support.fakes import FakeAccountStore, FakeHasher, FakeScoreStore

SECRET = "terces"[::-1]
KEY = flows.public_key(id="key-1")
HOME = HomeSettings(
    role_arn="arn:aws:iam::111122223333:role/home", bucket="homes", key_arn="arn:aws:kms:eu-west-1:111122223333:key/1"
)


class Door:
    """One file account, and what the door says to who comes."""

    def __init__(self, **changes: Any) -> None:
        self.hasher = FakeHasher()
        self.reasons: list[str] = []
        values = {"username": "district", "password_hash": self.hasher.hash(SECRET), **changes}
        self.account = flows.file_account(**values)
        self.accounts = FakeAccountStore()
        self.accounts.put(self.account)
        rules = ScoreRules(threshold=15, window=timedelta(minutes=30), ban=timedelta(minutes=30))
        self.scores = SignInScores(FakeScoreStore(), rules, self.reasons.append)
        self.now = flows.AT

    def ask(self, **changes: Any) -> dict[str, Any]:
        request = {
            "username": "district",
            "password": SECRET,
            "protocol": "SFTP",
            "serverId": "s-0123456789abcdef0",
            "sourceIp": "192.0.2.7",
            **changes,
        }
        given = {name: value for name, value in request.items() if value is not None}
        asked = SignInRequest.model_validate(given)
        return sign_in(asked, self.accounts, self.hasher, self.scores, HOME, self.reasons.append, lambda: self.now)

    @property
    def last_login(self) -> datetime | None:
        account = self.accounts.get(FileAccount, flows.ORGANIZATION, self.account.id)
        assert account is not None
        return account.last_login_at


def by_key(**changes: Any) -> Door:
    return Door(**{"authentication": "public_key", "password_hash": None, "public_keys": (KEY,), **changes})


def test_the_right_password_opens_the_home_and_shows_no_key() -> None:
    door = Door(public_keys=(KEY,))

    answer = door.ask()

    assert set(answer) == {"Role", "Policy", "HomeDirectoryType", "HomeDirectoryDetails"}
    assert (answer["Role"], answer["HomeDirectoryType"]) == (HOME.role_arn, "LOGICAL")
    assert door.reasons == []


@pytest.mark.parametrize("password", [None, ""])
def test_without_a_password_the_accounts_keys_are_told_and_nothing_is_compared(password: str | None) -> None:
    door = by_key()

    answer = door.ask(password=password)

    assert answer["PublicKeys"] == [flows.KEY]
    assert door.hasher.compared == []


def test_a_key_is_told_until_the_moment_it_expires() -> None:
    expiring = flows.public_key(text=flows.HOST_KEY, expires_at=flows.AT + timedelta(days=1))
    door = by_key(public_keys=(expiring, KEY))

    assert door.ask(password=None)["PublicKeys"] == [flows.HOST_KEY, flows.KEY]
    door.now += timedelta(days=1)
    assert door.ask(password=None)["PublicKeys"] == [flows.KEY]


def test_with_expired_keys_alone_nobody_comes_in() -> None:
    door = by_key(public_keys=(flows.public_key(expires_at=flows.AT),))

    assert door.ask(password=None) == {}
    assert door.reasons == ["no-usable-key"]


@pytest.mark.parametrize("door", [Door(), by_key()])
def test_who_comes_in_is_noted_at_the_account(door: Door) -> None:
    door.ask(password=SECRET if door.account.authentication == "password" else None)

    assert door.last_login == flows.AT
    door.now += timedelta(hours=1)
    door.ask(password="wrong")
    assert door.last_login == flows.AT


@pytest.mark.parametrize("error", [TransientError("aws-unreachable"), PermanentError("aws-refused")])
def test_a_fault_of_noting_keeps_nobody_out(error: RosterbridgeError) -> None:
    door = Door()

    class Away(FakeAccountStore):
        def file_account_by_username(self, _username: str) -> FileAccount | None:
            return door.account

        def note_login(self, _account: FileAccount, _at: datetime) -> None:
            raise error

    door.accounts = Away()

    assert door.ask()["Role"] == HOME.role_arn
    assert door.reasons == []


def test_the_home_is_a_json_text_whose_target_has_no_slash_at_its_end() -> None:
    door = Door()

    details = door.ask()["HomeDirectoryDetails"]

    assert isinstance(details, str)
    assert json.loads(details) == [{"Entry": "/", "Target": f"/homes/home/{door.account.id}"}]


@pytest.mark.parametrize(
    ("account", "request_", "reason"),
    [
        ({}, {"password": "wrong"}, "wrong-password"),
        ({}, {"username": "nobody"}, "unknown-user"),
        ({}, {"username": "District"}, "unknown-user"),
        ({"enabled": False}, {}, "account-switched-off"),
        ({"networks": ("198.51.100.0/24",)}, {}, "network-not-allowed"),
        ({"networks": ("192.0.2.0/24",)}, {"sourceIp": "::ffff:198.51.100.1"}, "network-not-allowed"),
        ({"networks": ("2001:db8::/32",)}, {}, "network-not-allowed"),
        ({"networks": ("192.0.2.0/24",)}, {"sourceIp": "192.0.2"}, "network-not-allowed"),
        ({"networks": ("0.0.0.0/0",)}, {"sourceIp": "no address"}, "network-not-allowed"),
        ({"networks": ("0.0.0.0/0",)}, {"sourceIp": ""}, "network-not-allowed"),
        ({}, {"protocol": "FTPS"}, "protocol-not-offered"),
        ({}, {"password": None}, "wrong-authentication"),
        ({"password_hash": None}, {}, "wrong-password"),
    ],
)
def test_every_refusal_is_an_empty_answer_and_only_we_learn_why(
    account: dict[str, Any], request_: dict[str, Any], reason: str
) -> None:
    door = Door(**account)

    assert door.ask(**request_) == {}
    assert door.reasons == [reason]


@pytest.mark.parametrize(
    ("account", "request_", "reason"),
    [
        ({}, {}, "wrong-authentication"),
        ({"password_hash": "hashed:terces"}, {}, "wrong-authentication"),
        ({"public_keys": ()}, {"password": None}, "no-usable-key"),
        ({"enabled": False}, {"password": None}, "account-switched-off"),
        ({"networks": ("198.51.100.0/24",)}, {"password": None}, "network-not-allowed"),
        ({}, {"password": None, "username": "nobody"}, "unknown-user"),
    ],
)
def test_an_account_with_keys_is_refused_alike(account: dict[str, Any], request_: dict[str, Any], reason: str) -> None:
    door = by_key(**account)

    assert door.ask(**request_) == {}
    assert door.reasons == [reason]


@pytest.mark.parametrize(
    ("network", "source"),
    [
        ("192.0.2.0/24", "192.0.2.7"),
        ("192.0.2.7/32", "192.0.2.7"),
        ("192.0.2.0/24", "::ffff:192.0.2.7"),
        ("2001:db8::/32", "2001:db8::1"),
    ],
)
def test_an_allowed_network_may_come_in(network: str, source: str) -> None:
    assert Door(networks=("203.0.113.0/24", network)).ask(sourceIp=source)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"password": "wrong"},
        {"username": "nobody"},
        {"protocol": "FTP"},
        {"sourceIp": "no address"},
    ],
)
@pytest.mark.parametrize("door", [Door(enabled=False), Door(), by_key()])
def test_each_password_costs_one_comparison_whoever_comes(door: Door, changes: dict[str, Any]) -> None:
    door.hasher.compared.clear()

    door.ask(**changes)

    assert len(door.hasher.compared) == 1


def test_a_stranger_is_compared_with_nobodys_hash() -> None:
    door = Door()

    door.ask(username="nobody")

    assert door.hasher.compared == [None]


def test_the_session_is_confined_to_its_home() -> None:
    door = Door()
    prefix = f"home/{door.account.id}"

    policy = json.loads(door.ask()["Policy"])

    resources = {json.dumps(statement["Action"]): statement["Resource"] for statement in policy["Statement"]}
    assert all(statement["Effect"] == "Allow" for statement in policy["Statement"])
    assert resources == {
        '"s3:ListBucket"': "arn:aws:s3:::homes",
        '["s3:PutObject", "s3:GetObject", "s3:DeleteObject"]': f"arn:aws:s3:::homes/{prefix}/*",
        '["kms:Decrypt", "kms:GenerateDataKey"]': HOME.key_arn,
    }
    (listing,) = (statement for statement in policy["Statement"] if statement["Action"] == "s3:ListBucket")
    assert listing["Condition"] == {"StringLike": {"s3:prefix": [prefix, f"{prefix}/*"]}}


def test_the_session_policy_fits_into_what_transfer_family_takes() -> None:
    # the longest that AWS allows: a bucket of 63 characters, a key's ARN of 12 + 36
    longest = HOME.model_copy(update={"bucket": "b" * 63, "key_arn": HOME.key_arn + "0" * 40})

    assert len(session_policy("home/" + "f" * 60, longest)) <= 2048
    with pytest.raises(ValueError, match="characters"):
        session_policy("home/" + "f" * 2000, longest)


def test_neither_request_nor_account_nor_error_shows_a_secret() -> None:
    with pytest.raises(ValidationError) as refused:
        SignInRequest.model_validate({"username": ["planted-name"], "password": {"planted": "secret"}})
    request = SignInRequest(username="district", password="planted", protocol="SFTP", serverId="s", sourceIp="::1")
    account: FileAccount = flows.file_account(password_hash="planted")

    assert "planted" not in f"{refused.value} {refused.value!r} {request} {request!r} {account} {account!r}"
