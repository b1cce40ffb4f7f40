from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from rosterbridge.errors import PermanentError, RosterbridgeError, TransientError
from rosterbridge.flows.sign_in_scores import ScoreRules, SignInScores, client_of
from rosterbridge.flows.signing_in import HomeSettings, SignInRequest, sign_in
from tests.support import flows
from tests.support.fakes import FakeAccountStore, FakeHasher, FakeScoreStore

SECRET = "terces"[::-1]
RULES = ScoreRules(threshold=15, window=timedelta(minutes=30), ban=timedelta(minutes=30))
HOME = HomeSettings(
    role_arn="arn:aws:iam::111122223333:role/home", bucket="homes", key_arn="arn:aws:kms:eu-west-1:111122223333:key/1"
)
SIS, STRANGER = "192.0.2.7", "198.51.100.66"


class Door:
    """Two accounts, one of which signs in by key, and whoever comes."""

    def __init__(self, store: Any = None) -> None:
        self.hasher = FakeHasher()
        self.accounts = FakeAccountStore()
        self.accounts.put(
            flows.file_account(id="fa-1", username="district", password_hash=self.hasher.hash(SECRET)),
            flows.file_account(
                id="fa-2", username="by-key", authentication="public_key", public_keys=(flows.public_key(),)
            ),
        )
        self.reasons: list[str] = []
        self.troubles: list[str] = []
        self.scores = SignInScores(store or FakeScoreStore(), RULES, self.troubles.append)
        self.now = flows.AT

    def come(self, address: str, *, username: str = "district", password: str = SECRET) -> bool:
        request = {"username": username, "password": password, "protocol": "SFTP", "serverId": "s", "sourceIp": address}
        asked = SignInRequest.model_validate(request)
        answer = sign_in(asked, self.accounts, self.hasher, self.scores, HOME, self.reasons.append, lambda: self.now)
        assert answer == {} or answer["Role"] == HOME.role_arn
        return bool(answer)

    def guess(self, times: int, address: str = STRANGER, username: str = "district") -> None:
        for number in range(times):
            assert not self.come(address, username=username, password=f"guess {number}")


def other(number: int) -> str:
    return f"203.0.113.{number}"


@pytest.mark.parametrize(("username", "tries"), [("district", 15), ("nobody", 8)])
def test_so_many_wrong_passwords_or_unknown_users_ban_an_address(username: str, tries: int) -> None:
    door = Door()
    # its own account may be used until then, so that only guesses count
    door.guess(tries - 1, username=username)
    assert door.come(STRANGER)
    door.guess(1, username=username)

    assert not door.come(STRANGER)
    assert not door.come(STRANGER, username="by-key", password="")
    assert door.reasons[-2:] == ["address-banned"] * 2


def test_a_banned_address_costs_neither_a_hash_nor_a_look_at_an_account() -> None:
    door = Door()
    door.guess(15)
    door.hasher.compared.clear()
    door.accounts.file_account_by_username = None  # type: ignore[method-assign,assignment]

    assert not door.come(STRANGER)
    assert door.hasher.compared == []


def test_a_ban_ends() -> None:
    door = Door()
    door.guess(8, username="nobody-1")
    door.now += RULES.ban - timedelta(seconds=1)
    assert not door.come(STRANGER)

    door.now += RULES.ban / 2 + timedelta(seconds=1)
    assert door.come(STRANGER)


def test_each_try_makes_the_ban_longer_by_half_until_it_is_a_day() -> None:
    door = Door()
    door.guess(8, username="nobody-1")
    door.guess(2)
    door.now += RULES.ban * 2 - timedelta(seconds=1)
    assert not door.come(STRANGER)  # which makes it longer again

    door.guess(1000)
    door.now += timedelta(hours=24)
    assert door.come(STRANGER)


def test_points_are_forgotten_when_the_window_is_over() -> None:
    door = Door()
    door.guess(7, username="nobody-1")
    door.now += RULES.window
    door.guess(6, username="nobody-2")

    assert door.come(STRANGER)


def test_who_signs_in_to_an_own_account_does_not_wipe_the_address_clean() -> None:
    door = Door()
    for _ in range(14):
        door.guess(1)
        assert door.come(STRANGER)
    door.guess(1)

    assert not door.come(STRANGER)
    assert door.reasons[-1] == "address-banned"


def test_guesses_from_many_addresses_ban_the_account_for_strangers() -> None:
    door = Door()
    for number in range(15):
        door.guess(1, other(number))

    assert not door.come(STRANGER)
    assert door.reasons[-1] == "account-banned"
    door.now += RULES.ban * 2
    assert door.come(STRANGER)


def test_a_stranger_cannot_lock_out_the_address_from_which_the_account_signs_in() -> None:
    door = Door()
    assert door.come(SIS)
    door.now += timedelta(days=29)
    for number in range(60):
        door.guess(1, other(number))

    assert door.come(SIS)
    assert not door.come(STRANGER)


def test_an_address_that_did_not_sign_in_for_30_days_is_a_stranger_again() -> None:
    door = Door()
    assert door.come(SIS)
    door.now += timedelta(days=30)
    for number in range(15):
        door.guess(1, other(number))

    assert not door.come(SIS)


def test_mistakes_from_a_known_address_count_against_the_address_alone() -> None:
    door = Door()
    door.come(SIS)
    door.guess(15, SIS)

    assert not door.come(SIS)
    assert door.come(STRANGER)


def test_an_account_that_is_banned_costs_what_a_wrong_password_costs() -> None:
    door = Door()
    for number in range(15):
        door.guess(1, other(number))
    door.hasher.compared.clear()

    for password in (SECRET, "wrong"):
        assert not door.come(STRANGER, password=password)
    assert len(door.hasher.compared) == 2


def test_a_name_that_nobody_has_is_scored_like_one_that_somebody_has() -> None:
    class Counting(FakeScoreStore):
        calls = 0

        def __getattribute__(self, name: str) -> Any:
            if name in {"look", "add", "ban", "prolong", "know"}:
                Counting.calls += 1
            return super().__getattribute__(name)

    door = Door(Counting())
    costs = []
    for username in ("district", "nobody-1", "by-key"):
        Counting.calls = 0
        door.guess(1, username=username)
        costs.append(Counting.calls)

    assert len(set(costs)) == 1


def test_keys_are_not_scored() -> None:
    door = Door()
    for username in ("district", "nobody-1") * 30:
        door.come(STRANGER, username=username, password="")

    assert door.come(STRANGER)
    assert door.come(STRANGER, username="by-key", password="")


def test_an_account_with_keys_comes_in_whoever_guesses_at_it() -> None:
    door = Door()
    for number in range(60):
        door.guess(1, other(number), username="by-key")

    assert door.come(SIS, username="by-key", password="")


@pytest.mark.parametrize(
    ("one", "another", "same"),
    [
        ("192.0.2.7", "::ffff:192.0.2.7", True),
        ("192.0.2.7", "192.0.2.8", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("no address", "", True),
    ],
)
def test_an_address_is_one_of_ipv4_or_the_network_of_64_bits_of_ipv6(one: str, another: str, *, same: bool) -> None:
    boards = {client_of(source, "district", flows.AT, by_key=False).address for source in (one, another)}

    assert len(boards) == (1 if same else 2)


def test_no_user_name_is_kept() -> None:
    client = client_of(SIS, "planted-name", flows.AT, by_key=False)

    assert "planted" not in str(client)
    assert client_of(SIS, "planted\ud800", flows.AT, by_key=False).account != client.account


@pytest.mark.parametrize("error", [TransientError("aws-unreachable"), PermanentError("aws-refused")])
def test_a_store_that_fails_keeps_nobody_out_and_is_told(error: RosterbridgeError) -> None:
    class Away:
        def __getattr__(self, _name: str) -> Any:
            def fail(*_arguments: Any) -> Any:
                raise error

            return fail

    door = Door(Away())

    door.guess(20)
    assert door.come(STRANGER)
    assert set(door.troubles) == {"sign-in-scores-unavailable"}
    assert set(door.reasons) == {"wrong-password"}
