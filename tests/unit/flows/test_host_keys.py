from __future__ import annotations

from collections.abc import Sequence

import asyncssh
import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from rosterbridge.errors import ConfigurationError, TransientError
from rosterbridge.flows import host_keys
from rosterbridge.flows.host_key_ports import ServerKey
from rosterbridge.flows.host_keys import HostKeys, generate_keys, parse_keys


def text_of(key: host_keys.Key, form: PrivateFormat = PrivateFormat.OpenSSH) -> str:
    return key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()


def ed25519_key() -> str:
    return text_of(ed25519.Ed25519PrivateKey.generate())


def ecdsa_key(curve: ec.EllipticCurve | None = None) -> str:
    return text_of(ec.generate_private_key(curve or ec.SECP256R1()), PrivateFormat.TraditionalOpenSSL)


def fingerprints(text: str) -> list[str]:
    return [key.fingerprint for key in parse_keys(text)]


class Secret:
    def __init__(self, kept: str | None = None, *, faster: str | None = None) -> None:
        self.kept, self._faster = kept, faster

    def read(self) -> str | None:
        return self.kept

    def keep(self, keys: str) -> str:
        self.kept = self._faster or keys
        return self.kept


class Server:
    """Keeps what it is given, the oldest first, and notes whether it was ever without a key after its first."""

    def __init__(self, *texts: str) -> None:
        self._texts = dict(enumerate(texts))
        self.calls: list[str] = []
        self.fails_on = ""

    def host_keys(self) -> Sequence[ServerKey]:
        return [ServerKey(f"hostkey-{number}", *fingerprints(text)) for number, text in self._texts.items()]

    def import_key(self, private: str) -> None:
        self._call("import")
        self._texts[max(self._texts, default=-1) + 1] = private

    def delete_key(self, key_id: str) -> None:
        self._call("delete")
        del self._texts[int(key_id.removeprefix("hostkey-"))]
        assert self._texts

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if name == self.fails_on:
            raise TransientError("aws-unreachable")

    def shown(self) -> set[str]:
        return {key.fingerprint for key in self.host_keys()}


def test_the_first_server_gets_new_keys_which_are_kept() -> None:
    secret, server = Secret(), Server()

    installed = HostKeys(secret, server, lambda: ed25519_key() + ecdsa_key()).install()

    assert secret.kept is not None
    assert server.shown() == {key.fingerprint for key in installed} == set(fingerprints(secret.kept))
    assert [key.kind for key in installed] == ["ed25519", "ecdsa"]


def test_a_server_that_is_built_anew_shows_the_same_keys() -> None:
    secret, first, second = Secret(), Server(), Server()
    HostKeys(secret, first, ed25519_key).install()

    HostKeys(secret, second, ed25519_key).install()

    assert second.shown() == first.shown()


def test_of_two_who_make_the_first_keys_both_bring_those_that_were_stored() -> None:
    theirs, server = ed25519_key(), Server()

    HostKeys(Secret(faster=theirs), server, ed25519_key).install()

    assert server.shown() == set(fingerprints(theirs))


def test_to_install_again_changes_nothing() -> None:
    secret, server = Secret(ed25519_key() + ecdsa_key()), Server()
    HostKeys(secret, server).install()
    server.calls.clear()

    HostKeys(secret, server).install()

    assert server.calls == []


def test_a_key_of_the_servers_own_goes_once_ours_are_there() -> None:
    kept, server = ed25519_key(), Server(ed25519_key(), ecdsa_key())

    HostKeys(Secret(kept), server).install()

    assert server.shown() == set(fingerprints(kept))
    assert server.calls == ["import", "delete", "delete"]


def test_an_installation_that_broke_off_is_finished_by_the_next_one() -> None:
    secret, server = Secret(ed25519_key()), Server(ecdsa_key())
    server.fails_on = "delete"
    with pytest.raises(TransientError):
        HostKeys(secret, server).install()
    server.fails_on = ""

    HostKeys(secret, server).install()

    assert server.shown() == set(fingerprints(secret.kept or ""))
    assert server.calls == ["import", "delete", "delete"]


@pytest.mark.parametrize(
    "kept", ["", "no key at all", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_a_secret_without_readable_keys_changes_nothing_and_is_not_overwritten(kept: str) -> None:
    secret, server = Secret(kept), Server(ed25519_key())

    with pytest.raises(ConfigurationError, match=r"^host-keys-unreadable$"):
        HostKeys(secret, server).install()

    assert (secret.kept, server.calls) == (kept, [])


def locked() -> str:
    key = ed25519.Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"passphrase")).decode()


def locked_by_openssh() -> str:
    key = ed25519.Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, BestAvailableEncryption(b"passphrase")).decode()


def dsa_key() -> str:
    key = dsa.generate_private_key(1024)  # noqa: S505 what is refused
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


@pytest.mark.parametrize(
    "make",
    [
        locked,
        locked_by_openssh,
        dsa_key,
        lambda: text_of(rsa.generate_private_key(65537, 1024)),  # noqa: S505 what is refused
        lambda: ecdsa_key(ec.SECP256K1()),
        lambda: f"{ed25519_key()}and something else",
    ],
)
def test_a_key_that_transfer_family_does_not_take_is_refused_without_its_text(make) -> None:
    with pytest.raises(ConfigurationError) as refused:
        parse_keys(ecdsa_key() + make())

    assert str(refused.value) == "host-keys-unreadable"


def test_two_keys_of_a_kind_are_refused_since_a_server_shows_one() -> None:
    with pytest.raises(ConfigurationError, match=r"^host-key-repeated$"):
        parse_keys(ecdsa_key() + ed25519_key() + ecdsa_key(ec.SECP384R1()))


def test_new_keys_are_of_each_kind_and_others_know_them_by_the_same_fingerprints() -> None:
    keys = parse_keys(generate_keys())

    assert [key.kind for key in keys] == ["ed25519", "ecdsa", "rsa"]
    assert [asyncssh.import_private_key(key.private).get_fingerprint() for key in keys] == [
        key.fingerprint for key in keys
    ]
    assert max(len(key.private) for key in keys) <= 4096  # what Transfer Family takes


def test_a_key_never_shows_in_what_python_prints_of_it() -> None:
    (key,) = parse_keys(ed25519_key())

    assert key.fingerprint in repr(key)
    assert "PRIVATE" not in repr(key)
