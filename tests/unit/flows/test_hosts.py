from __future__ import annotations

from typing import Any

import pytest

from rosterbridge.errors import InvalidRequestError
from rosterbridge.flows import hosts
from rosterbridge.flows.hosts import HostCheck


def check(host: str, *addresses: str, private_allowed: bool = False) -> str:
    return HostCheck(private_allowed, lambda _host: addresses).check(host)


def refusal(host: str, *addresses: str, private_allowed: bool = False) -> str:
    with pytest.raises(InvalidRequestError) as refused:
        check(host, *addresses, private_allowed=private_allowed)
    assert refused.value.field == "host"
    assert host not in str(refused.value)
    return refused.value.code


def test_a_name_is_connected_to_by_the_address_that_was_looked_at() -> None:
    assert check("upload.appleschoolcontent.com", "17.0.0.1") == "17.0.0.1"


def test_an_ipv4_address_is_preferred_since_a_function_may_have_no_other_way_out() -> None:
    assert check("apple.example", "2620:149::1", "17.0.0.1") == "17.0.0.1"
    assert check("apple.example", "2620:149::1") == "2620:149::1"


@pytest.mark.parametrize("address", ["17.0.0.1", "2620:149::1"])
def test_a_public_address_needs_no_look_up(address: str) -> None:
    assert check(address, "127.0.0.1") == address


NOT_PUBLIC = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",  # noqa: S104
    "224.0.0.1",
    "255.255.255.255",
    "192.0.2.1",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fd00:ec2::254",
    "ff02::1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert refusal(address) == "host-not-public"


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_a_name_of_an_address_that_is_not_public_is_refused_also_beside_a_public_one(address: str) -> None:
    assert refusal("inside.example", address) == "host-not-public"
    assert refusal("inside.example", "17.0.0.1", address) == "host-not-public"


@pytest.mark.parametrize(
    "host",
    [
        "",
        " ",
        "apple example",
        "apple.example/",
        "user@apple.example",
        "apple.example:22",
        "-apple.example",
        "apple-.example",
        "apple..example",
        ".example",
        "apple.example.",
        "a" * 64,
        ".".join(["a" * 60] * 5),
        "größe.example",
        "127.1",
        "0x7f.1",
        "0x7f000001",
        "2130706433",
        "017700000001",
        "apple\n.example",
        "apple.example\n",
        "[::1]",
    ],
)
@pytest.mark.parametrize("private_allowed", [False, True])
def test_what_is_neither_a_name_nor_an_address_is_refused_everywhere(host: str, private_allowed: bool) -> None:
    with pytest.raises(InvalidRequestError, match="host-malformed"):
        check(host, "17.0.0.1", private_allowed=private_allowed)


@pytest.mark.parametrize("host", ["localhost", "xn--gre-6ka8i.example", "a.b-c.d1", "1.example", "a" * 63])
def test_a_name_of_letters_digits_and_hyphens_is_looked_up(host: str) -> None:
    assert check(host, "17.0.0.1") == "17.0.0.1"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "10.0.0.1", "apple.example"])
def test_where_private_hosts_are_allowed_any_host_is_connected_to_as_it_is_named(host: str) -> None:
    assert check(host, private_allowed=True) == host


def test_a_name_that_nobody_knows_is_refused() -> None:
    def unknown(_host: str) -> list[str]:
        raise OSError

    with pytest.raises(InvalidRequestError, match="asm-host-unresolved"):
        HostCheck(resolve=unknown).check("nowhere.example")
    assert refusal("nowhere.example") == "asm-host-unresolved"
    assert refusal("nowhere.example", "no address") == "asm-host-unresolved"


def test_the_look_up_gives_each_address_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def found(host: str, port: object, **_: Any) -> list[tuple[Any, ...]]:
        assert (host, port) == ("apple.example", None)
        return [(0, 0, 0, "", ("17.0.0.1", 0)), (0, 0, 0, "", ("17.0.0.1", 0)), (0, 0, 0, "", ("::1", 0, 0, 0))]

    monkeypatch.setattr(hosts.socket, "getaddrinfo", found)

    assert hosts.resolve("apple.example") == ["17.0.0.1", "::1"]
