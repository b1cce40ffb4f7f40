"""The box for secrets: the fake does what KMS does."""

from __future__ import annotations

import base64

import pytest

from rosterbridge.errors import PermanentError
from rosterbridge.flows.ports import SecretBox
from tests.support.fakes import FakeSecretBox
from tests.support.stack import StackUnderTest

SECRET = "geheim & 秘密 " * 20


@pytest.fixture(params=["fake", "kms"])
def box(request: pytest.FixtureRequest) -> SecretBox:
    if request.param == "fake":
        return FakeSecretBox()
    stack: StackUnderTest = request.getfixturevalue("stack")
    return stack.local.stores.secrets


def test_a_secret_opens_for_its_organization(box: SecretBox) -> None:
    ciphertext = box.encrypt(SECRET, organization_id="district-1")

    assert box.decrypt(ciphertext, organization_id="district-1") == SECRET


def test_a_ciphertext_is_text_that_does_not_show_the_secret(box: SecretBox) -> None:
    ciphertext = box.encrypt("plain-secret", organization_id="district-1")

    assert ciphertext.isascii()
    assert "plain-secret" not in ciphertext
    assert b"plain-secret" not in base64.b64decode(ciphertext)


def test_a_ciphertext_that_was_moved_to_another_organization_does_not_open(box: SecretBox) -> None:
    ciphertext = box.encrypt(SECRET, organization_id="district-1")

    with pytest.raises(PermanentError, match=r"^secret-unreadable$"):
        box.decrypt(ciphertext, organization_id="district-2")


@pytest.mark.parametrize("damaged", ["", "no base64!", base64.b64encode(b"nothing that was encrypted").decode()])
def test_a_damaged_ciphertext_does_not_open(box: SecretBox, damaged: str) -> None:
    with pytest.raises(PermanentError, match=r"^secret-unreadable$"):
        box.decrypt(damaged, organization_id="district-1")
