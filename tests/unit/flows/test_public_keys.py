from __future__ import annotations

import base64
import hashlib
from datetime import datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from pydantic import ValidationError

from rosterbridge.errors import ConflictError, InvalidRequestError
from rosterbridge.flows.models import PublicKey
from rosterbridge.flows.public_keys import NewPublicKey, accept_host_key, accept_key
from tests.support import flows

PRIVATE = ed25519.Ed25519PrivateKey.generate()


def line(key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


RSA = {bits: line(rsa.generate_private_key(65537, bits)) for bits in (1024, 2048, 3071, 3072)}
ED25519 = line(PRIVATE)


def accept(text: str, *known: PublicKey, expires_at: datetime | None = None) -> PublicKey:
    return accept_key(NewPublicKey(text=text, label="SIS", expires_at=expires_at), known, flows.AT)


@pytest.mark.parametrize(
    "text",
    [
        *(ED25519, RSA[3072]),
        *(line(ec.generate_private_key(curve())) for curve in (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)),
    ],
    ids=["ed25519", "rsa", "p256", "p384", "p521"],  # the keys are others in each process
)
def test_each_accepted_type_is_kept_without_its_comment_and_named_by_the_fingerprint_that_ssh_keygen_shows(
    text: str,
) -> None:
    key = accept(f"  {text} somebody@somewhere \n")

    digest = base64.b64encode(hashlib.sha256(base64.b64decode(text.split()[1])).digest()).decode().rstrip("=")
    assert (key.text, key.fingerprint) == (text, f"SHA256:{digest}")
    assert (key.label, key.added_at, key.expires_at) == ("SIS", flows.AT, None)
    assert key.id.startswith("key-")


def refusal(text: str) -> str:
    with pytest.raises(InvalidRequestError) as refused:
        accept(text)
    assert refused.value.field == "text"
    assert "somebody" not in f"{refused.value} {refused.value!r}"
    return refused.value.code


@pytest.mark.parametrize("form", [PrivateFormat.OpenSSH, PrivateFormat.PKCS8])
def test_a_private_key_is_refused_by_its_name(form: PrivateFormat) -> None:
    assert refusal(PRIVATE.private_bytes(Encoding.PEM, form, NoEncryption()).decode()) == "private-key-given"


def test_a_private_key_of_putty_is_refused_by_its_name() -> None:
    assert refusal("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n") == "private-key-given"


@pytest.mark.parametrize(
    "text",
    [
        "ssh-dss AAAAB3NzaC1kc3MAAACBAP somebody",
        "sk-ssh-ed25519@openssh.com AAAA somebody",
        "sk-ecdsa-sha2-nistp256@openssh.com AAAA",
        "ssh-ed25519-cert-v01@openssh.com AAAA",
        "ecdsa-sha2-nistp224 AAAA",
    ],
)
def test_another_type_is_refused(text: str) -> None:
    assert refusal(text) == "key-type-refused"


@pytest.mark.parametrize("bits", [1024, 2048, 3071])
def test_a_short_rsa_key_is_refused(bits: int) -> None:
    assert refusal(RSA[bits]) == "key-too-short"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "somebody",
        "ssh-ed25519",
        "ssh-ed25519 somebody",
        "ssh-ed25519 AAAA",
        ED25519.replace("ssh-ed25519 ", "ssh-rsa "),
        ED25519[:-8],
        f"{ED25519}\n{ED25519}",
        f"{ED25519}\r\nssh-rsa AAAA",
        f'from="192.0.2.1" {ED25519}',
        ED25519.split()[1],
        "ssh-ed25519 größe",
        "\x00",
        "---- BEGIN SSH2 PUBLIC KEY ----",
    ],
    ids=map(str, range(14)),
)
def test_what_is_no_single_line_of_openssh_is_refused(text: str) -> None:
    assert refusal(text) == "key-malformed"


def test_a_known_key_is_refused_under_another_comment_too() -> None:
    with pytest.raises(ConflictError, match="key-known"):
        accept(f"{ED25519} another comment", accept(ED25519))


def test_an_account_has_at_most_ten_keys() -> None:
    nine = [flows.public_key() for _ in range(9)]

    assert accept(ED25519, *nine)
    with pytest.raises(ConflictError, match="too-many-keys"):
        accept(ED25519, *nine, flows.public_key())


def test_a_key_that_has_expired_already_is_refused() -> None:
    assert accept(ED25519, expires_at=flows.AT + timedelta(seconds=1)).expires_at == flows.AT + timedelta(seconds=1)
    with pytest.raises(InvalidRequestError, match="key-expired") as refused:
        accept(ED25519, expires_at=flows.AT)
    assert refused.value.field == "expires_at"


def test_a_time_without_a_zone_is_no_expiry() -> None:
    with pytest.raises(ValidationError, match="timezone"):
        NewPublicKey.model_validate({"text": ED25519, "expires_at": "2027-01-01T00:00:00"})


def test_a_servers_rsa_key_may_be_as_short_as_apples() -> None:
    assert accept_host_key(f"{RSA[2048]} apple") == RSA[2048]
    with pytest.raises(InvalidRequestError, match="key-too-short"):
        accept_host_key(RSA[1024])
