"""The keys by which clients know the SFTP endpoint: kept apart from the server, so that a new one shows the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_ssh_private_key,
)

from rosterbridge.errors import ConfigurationError
from rosterbridge.flows.host_key_ports import KeyedServer, KeySecret
from rosterbridge.flows.public_keys import SMALLEST_RSA_BITS_OF_A_SERVER, fingerprint_of

PRIVATE_KEY = re.compile(r"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)
RSA_BITS = 4096

Key = Ed25519PrivateKey | EllipticCurvePrivateKey | RSAPrivateKey
# Of each kind a server shows its oldest key alone
KINDS: dict[type[Key], str] = {Ed25519PrivateKey: "ed25519", EllipticCurvePrivateKey: "ecdsa", RSAPrivateKey: "rsa"}


@dataclass(frozen=True)
class HostKey:
    """A key of ours; ``private`` is its text as the secret has it."""

    kind: str
    fingerprint: str
    private: str = field(repr=False)


class HostKeys:
    """Brings the keys of the secret to the server."""

    def __init__(self, secret: KeySecret, server: KeyedServer, generate: Callable[[], str] | None = None) -> None:
        self._secret = secret
        self._server = server
        self._generate = generate or generate_keys

    def install(self) -> Sequence[HostKey]:
        """Make the secret's keys the only ones of the server and return them; an empty secret gets new ones.

        Raises ConfigurationError ``host-keys-unreadable`` or ``host-key-repeated``, before anything is changed.
        """
        kept = self._secret.read()
        keys = parse_keys(self._secret.keep(self._generate()) if kept is None else kept)
        present = self._server.host_keys()
        known = {key.fingerprint for key in present}
        for key in keys:
            if key.fingerprint not in known:
                self._server.import_key(key.private)
        # only now, so that the server is never without a key; and surely, since it would show an older one first
        wanted = {key.fingerprint for key in keys}
        for other in present:
            if other.fingerprint not in wanted:
                self._server.delete_key(other.id)
        return keys


def generate_keys() -> str:
    """Return a new key of each kind, in the forms that Transfer Family documents."""
    keys: list[tuple[Key, PrivateFormat]] = [
        (Ed25519PrivateKey.generate(), PrivateFormat.OpenSSH),
        (generate_ec(SECP256R1()), PrivateFormat.TraditionalOpenSSL),
        (generate_rsa(65537, RSA_BITS), PrivateFormat.TraditionalOpenSSL),
    ]
    return "".join(key.private_bytes(Encoding.PEM, form, NoEncryption()).decode() for key, form in keys)


def parse_keys(text: str) -> Sequence[HostKey]:
    """Return the private keys that stand one after another in ``text``, at most one of a kind.

    Raises ConfigurationError ``host-keys-unreadable`` or ``host-key-repeated``.
    """
    keys = [_parse(found.group()) for found in PRIVATE_KEY.finditer(text)]
    if not keys or PRIVATE_KEY.sub("", text).strip():
        raise ConfigurationError("host-keys-unreadable")
    if len({key.kind for key in keys}) < len(keys):
        raise ConfigurationError("host-key-repeated")
    return keys


def _parse(text: str) -> HostKey:
    load = load_ssh_private_key if "BEGIN OPENSSH" in text else load_pem_private_key
    try:
        key = load(text.encode(), None)
        small = isinstance(key, RSAPrivateKey) and key.key_size < SMALLEST_RSA_BITS_OF_A_SERVER
        if small or not isinstance(key, Key):
            raise ConfigurationError("host-keys-unreadable")
        fingerprint = fingerprint_of(key.public_key())
    except (ValueError, TypeError, UnsupportedAlgorithm):  # their text may hold some of the key
        raise ConfigurationError("host-keys-unreadable") from None
    kind = next(name for known, name in KINDS.items() if isinstance(key, known))
    return HostKey(kind, fingerprint, f"{text}\n")
