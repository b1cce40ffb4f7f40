"""May Rosterbridge connect to this host? Not to what only it can reach, such as its own machine or AWS's metadata."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from pathlib import Path

from rosterbridge.errors import InvalidRequestError, TransientError
from rosterbridge.flows.delivery_ports import Delivery, Probe
from rosterbridge.flows.models import AsmAccount

Address = IPv4Address | IPv6Address

LONGEST_NAME = 253
LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# the last label of a name is never a number, so that 127.1 and 0x7f.1 are no names
NAME = re.compile(rf"({LABEL}\.)*(?![0-9]+$|0[xX])({LABEL})")
NAT64 = IPv6Network("64:ff9b::/96")


def resolve(host: str) -> Sequence[str]:
    """Return the addresses of a host; raises OSError."""
    return list(dict.fromkeys(str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)))


@dataclass(frozen=True)
class HostCheck:
    """``private_allowed`` lets Rosterbridge connect to any address, for a network of one's own."""

    private_allowed: bool = False
    resolve: Callable[[str], Sequence[str]] = resolve

    def check(self, host: str) -> str:
        """Return what to connect to: the address that was looked at, since a name may have another one later.

        Raises InvalidRequestError ``host-malformed``, ``asm-host-unresolved`` or ``host-not-public``.
        """
        literal = _address(host)
        if literal is None and (len(host) > LONGEST_NAME or not NAME.fullmatch(host)):
            raise InvalidRequestError("host-malformed", field="host")
        if self.private_allowed:
            return host
        found = [literal] if literal else self._look_up(host)
        if not all(_is_public(address) for address in found):
            raise InvalidRequestError("host-not-public", field="host")
        # a function of ours may have no way out by IPv6
        return str(min(found, key=lambda address: address.version))

    def _look_up(self, host: str) -> Sequence[Address]:
        try:
            found = [_address(text) for text in self.resolve(host)]
        except (OSError, UnicodeError):
            found = []
        if not found or None in found:
            raise InvalidRequestError("asm-host-unresolved", field="host")
        return [address for address in found if address]


def _address(text: str) -> Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _is_public(address: Address) -> bool:
    inner = _carried(address) if isinstance(address, IPv6Address) else None
    if inner is not None:
        return _is_public(inner)
    return address.is_global and not address.is_multicast


def _carried(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 address leads to."""
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


@dataclass(frozen=True)
class CheckedDelivery:
    """Delivers to the address that was checked: a name may lead elsewhere by now than when the account was stored."""

    delivery: Delivery
    hosts: HostCheck

    def send(self, path: Path, account: AsmAccount, password: str, remote_name: str) -> dict[str, object]:
        """Send the file as ``delivery`` does; raises InvalidRequestError as ``HostCheck`` does."""
        checked = account.model_copy(update={"host": self._address(account.host)})
        return self.delivery.send(path, checked, password, remote_name)

    def probe(self, account: AsmAccount, password: str) -> Probe:
        """Test the connection as ``delivery`` does."""
        return self.delivery.probe(account, password)

    def _address(self, host: str) -> str:
        try:
            return self.hosts.check(host)
        except InvalidRequestError as error:
            if error.code == "asm-host-unresolved":  # names fail to resolve for a while, too
                raise TransientError("asm-unreachable", "unresolved") from None
            raise
