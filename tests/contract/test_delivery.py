"""The delivery: the fake does what a delivery over SFTP does when nothing goes wrong; ``tests/faults`` has the rest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rosterbridge.adapters.sftp import SftpDelivery
from rosterbridge.flows.models import AsmAccount
from tests.support import flows
from tests.support.fakes import FakeDelivery
from tests.support.stack import StackUnderTest, wait_for

CONTENT = bytes(range(256)) * 500


class Partner:
    """A delivery, the account that it signs in with, and what arrived at the other side."""

    def __init__(self, delivery: Any, account: AsmAccount, password: str, arrived: Callable[[str], bytes]) -> None:
        self.delivery, self.account, self.password, self.arrived = delivery, account, password, arrived

    def send(self, path: Path, name: str) -> dict[str, object]:
        answer: dict[str, object] = self.delivery.send(path, self.account, self.password, name)
        return answer


def _over_sftp(stack: StackUnderTest) -> Partner:
    def arrived(name: str) -> bytes:
        landed = stack.received / name
        wait_for(lambda: landed.is_file() and landed.stat().st_size == len(CONTENT), "the file lands")
        return landed.read_bytes()

    account = stack.create_flow().created.asm_account
    return Partner(SftpDelivery(lambda: 60), account, stack.local.apple_password, arrived)


@pytest.fixture(params=["fake", "sftp"])
def partner(request: pytest.FixtureRequest) -> Partner:
    if request.param == "sftp":
        return _over_sftp(request.getfixturevalue("stack"))
    fake = FakeDelivery()
    return Partner(fake, flows.asm_account(), "apple-secret", fake.received.__getitem__)


def test_a_file_arrives_whole_and_the_answer_tells_where_but_no_credentials(partner: Partner, tmp_path: Path) -> None:
    path, name = tmp_path / "result.zip", f"{flows.unique('contract')}.zip"
    path.write_bytes(CONTENT)

    answer = partner.send(path, name)

    assert partner.arrived(name) == CONTENT
    expected = {"method": "put", "remote_path": f"dropbox/{name}", "bytes": len(CONTENT)}
    assert expected.items() <= answer.items()
    assert partner.password not in str(answer)
    assert partner.account.username not in str(answer)


def test_the_same_name_may_be_sent_again(partner: Partner, tmp_path: Path) -> None:
    path, name = tmp_path / "result.zip", f"{flows.unique('contract')}.zip"
    path.write_bytes(CONTENT)

    assert partner.send(path, name) == partner.send(path, name)
    assert partner.arrived(name) == CONTENT
