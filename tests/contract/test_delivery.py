"""The delivery: the fake does what a delivery over SFTP does when nothing goes wrong; ``tests/faults`` has the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from local.apple import AppleStandIn
from rosterbridge.adapters.sftp import SftpDelivery
from rosterbridge.flows.models import AsmAccount
from tests.support import flows
from tests.support.fakes import FakeDelivery
from tests.support.sftp import running

CONTENT = bytes(range(256)) * 500
PASSWORD = "apple-secret"


class Partner:
    """A delivery, the account that it signs in with, and what arrived at the other side."""

    def __init__(self, delivery: Any, account: AsmAccount, password: str, arrived: Callable[[str], bytes]) -> None:
        self.delivery, self.account, self.password, self.arrived = delivery, account, password, arrived

    def send(self, path: Path, name: str) -> dict[str, object]:
        answer: dict[str, object] = self.delivery.send(path, self.account, self.password, name)
        return answer


@pytest.fixture(params=["fake", "sftp"])
def partner(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Partner]:
    if request.param == "fake":
        fake = FakeDelivery()
        yield Partner(fake, flows.asm_account(), PASSWORD, fake.received.__getitem__)
        return
    key = asyncssh.generate_private_key("ssh-ed25519")
    username = flows.asm_account().username
    with running(AppleStandIn(tmp_path / "apple", username, PASSWORD, [key])) as apple:
        account = flows.asm_account(host="127.0.0.1", port=apple.port, host_keys=apple.host_keys)
        yield Partner(SftpDelivery(lambda: 60), account, PASSWORD, lambda name: (apple.received / name).read_bytes())


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


def test_a_connection_test_comes_to_the_folder(partner: Partner) -> None:
    found = partner.delivery.probe(partner.account, partner.password)

    assert (found.reached, found.accepted, found.signed_in, found.folder_found) == (True, True, True, True)
    assert (found.host_key, found.code) == (partner.account.host_keys[0], None)


def test_a_connection_test_without_an_accepted_host_key_only_shows_it(partner: Partner) -> None:
    unknown = partner.account.model_copy(update={"host_keys": ()})

    found = partner.delivery.probe(unknown, partner.password)

    assert (found.reached, found.accepted, found.signed_in, found.code) == (True, False, False, "host-key-unknown")
    assert found.fingerprint.startswith("SHA256:")
