"""The certificate of a local server that speaks TLS: made once, kept in a file, good for this machine only."""

from __future__ import annotations

import ipaddress
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAYS = 825
ADDRESS = ipaddress.ip_address("127.0.0.1")


def certificate(path: Path) -> tuple[Path, Path]:
    """Return the files of a certificate and of its private key (mode 0600); missing ones are made."""
    key_path = path.with_suffix(".key")
    if not path.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(key_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        path.write_bytes(_signed(key).public_bytes(Encoding.PEM))
    return path, key_path


def _signed(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    """Return a certificate that the key has signed itself."""
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "rosterbridge-local")]), datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=DAYS))
    )
    subject = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    for extension, critical in (
        (x509.SubjectAlternativeName([x509.IPAddress(ADDRESS), x509.DNSName("localhost")]), False),
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
        (subject, False),
        (x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(subject), False),
    ):
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(key, SHA256())
