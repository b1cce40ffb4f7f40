from __future__ import annotations

from typing import Any

import pytest
from argon2 import PasswordHasher, Type, extract_parameters

from rosterbridge.adapters.passwords import Argon2Hasher
from tests.support.fakes import FakeHasher


class Counting(PasswordHasher):
    """A cheap hasher that remembers what it compared."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.compared: list[str | bytes] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:
        self.compared.append(hash)
        return super().verify(hash, password)


@pytest.fixture
def argon2() -> Counting:
    return Counting()


@pytest.fixture(params=["fake", "argon2"])
def hasher(request: pytest.FixtureRequest, argon2: Counting) -> Any:
    return FakeHasher() if request.param == "fake" else Argon2Hasher(argon2)


def test_a_password_matches_its_own_hash_only(hasher: Any) -> None:
    kept = hasher.hash("right")

    assert hasher.matches("right", kept)
    for wrong in ("wrong", "Right", "right ", "", "planted\ud800"):
        assert not hasher.matches(wrong, kept)
    assert not hasher.matches("right", None)
    assert "right" not in kept


def test_each_hash_has_a_salt_of_its_own(argon2: Counting) -> None:
    hasher = Argon2Hasher(argon2)

    assert hasher.hash("right") != hasher.hash("right")


def test_without_a_hash_the_same_work_is_done_and_nothing_matches(argon2: Counting) -> None:
    hasher = Argon2Hasher(argon2)
    kept = hasher.hash("right")

    assert not hasher.matches("right", None)

    (nobodys,) = argon2.compared
    assert extract_parameters(str(nobodys)) == extract_parameters(kept)


@pytest.mark.parametrize("damaged", ["no hash", "$argon2id$v=19$m=8,t=1,p=1$", "$argon2id$", "hashed:terces"])
def test_a_damaged_hash_matches_nothing(hasher: Any, damaged: str) -> None:
    assert not hasher.matches("right", damaged)


def test_by_default_it_is_argon2id_at_the_cost_that_rfc_9106_recommends() -> None:
    parameters = extract_parameters(Argon2Hasher()._nobodys_hash)

    assert parameters.type is Type.ID
    assert (parameters.memory_cost, parameters.time_cost, parameters.parallelism) == (64 * 1024, 3, 4)
