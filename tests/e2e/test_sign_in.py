"""Who may not come in is refused, and cannot tell why."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from local.sample import write_sample
from local.upload import Server, UploadError, upload
from tests.support.openssh import openssh_client
from tests.support.stack import StackUnderTest


def wrong_password(stack: StackUnderTest) -> Server:
    return dataclasses.replace(stack.create_flow().server, password="not-the-password")


def unknown_user(stack: StackUnderTest) -> Server:
    return dataclasses.replace(stack.create_flow().server, username="nobody-at-all")


def no_password(stack: StackUnderTest) -> Server:
    return dataclasses.replace(stack.create_flow().server, password="")


def switched_off_account(stack: StackUnderTest) -> Server:
    sender = stack.create_flow()
    stack.switch_off(sender.created.file_account)
    return sender.server


def network_that_is_not_allowed(stack: StackUnderTest) -> Server:
    return stack.create_flow(networks=("10.0.0.0/8", "2001:db8::/32")).server


def account_with_public_keys(stack: StackUnderTest) -> Server:
    return dataclasses.replace(stack.create_flow(public_keys=(stack.sftp_host_key,)).server, password="any-password")


REFUSED = [
    wrong_password,
    unknown_user,
    no_password,
    switched_off_account,
    network_that_is_not_allowed,
    account_with_public_keys,
]


@pytest.mark.parametrize("client", [openssh_client, lambda: None], ids=["openssh", "paramiko"])
def test_every_refusal_looks_alike(stack: StackUnderTest, tmp_path: Path, client: Callable[[], str | None]) -> None:
    path = write_sample(tmp_path / "roster.zip")

    answers = {refused.__name__: _answer(path, refused, stack, client()) for refused in REFUSED}

    assert len(set(answers.values())) == 1, answers
    assert ("denied" in answers["wrong_password"]) or ("Authentication failed" in answers["wrong_password"])


def _answer(path: Path, refused: Callable[[StackUnderTest], Server], stack: StackUnderTest, client: str | None) -> str:
    server = refused(stack)
    with pytest.raises(UploadError) as caught:
        upload(path, server, client)
    return str(caught.value).replace(server.username, "USER")


def test_an_allowed_network_comes_in(stack: StackUnderTest, tmp_path: Path) -> None:
    sender = stack.create_flow(networks=("127.0.0.0/8",))

    stack.upload(write_sample(tmp_path / "roster.zip"), sender)

    assert stack.wait_for_run(sender).status == "succeeded"


def test_a_server_with_another_host_key_gets_no_password(stack: StackUnderTest, tmp_path: Path) -> None:
    server = dataclasses.replace(stack.create_flow().server, host_key=stack.local.host_key("apple"))

    with pytest.raises(UploadError, match=r"(?i)host key"):
        upload(write_sample(tmp_path / "roster.zip"), server, openssh_client())
