"""Nothing that the local stack starts can be reached from another machine."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

import psutil

from local.sample import write_sample
from tests.support.stack import StackUnderTest


def _processes(stack: StackUnderTest) -> list[psutil.Process]:
    own = [psutil.Process(stack.local.processes.pid(name)) for name in ("emulator", "sftp", "apple", "console")]
    return own + [child for process in own for child in process.children(recursive=True)]


def test_every_listener_is_on_loopback(stack: StackUnderTest, tmp_path: Path) -> None:
    # a whole run first, so that each function has its environment, whose Runtime API listens too
    stack.upload(write_sample(tmp_path / "sample.zip"))
    stack.wait_for_run()

    sockets = [socket for process in _processes(stack) for socket in process.net_connections("inet")]
    listening = {socket.laddr for socket in sockets if socket.status == psutil.CONN_LISTEN}
    datagrams = {socket.laddr for socket in sockets if socket.type.name == "SOCK_DGRAM" and socket.laddr}

    ports = {address.port for address in listening}
    assert {
        *(stack.local.ports.emulator, stack.local.ports.sftp, stack.local.ports.apple, stack.local.ports.console)
    } < ports
    assert [address for address in listening | datagrams if not ip_address(address.ip).is_loopback] == []
