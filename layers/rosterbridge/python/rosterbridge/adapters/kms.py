"""Secrets that must be read again, encrypted by KMS and bound to their organization."""

from __future__ import annotations

import base64

from rosterbridge.adapters.clients import client, translated


class KmsSecretBox:
    """The organization is the encryption context: a ciphertext moved to another organization does not open."""

    def __init__(self, key_id: str) -> None:
        self._key_id = key_id
        self._client = client("kms")

    def encrypt(self, secret: str, *, organization_id: str) -> str:
        """Return the ciphertext as text."""
        with translated("kms"):
            answer = self._client.encrypt(
                KeyId=self._key_id, Plaintext=secret.encode(), EncryptionContext={"organization_id": organization_id}
            )
        return base64.b64encode(answer["CiphertextBlob"]).decode()

    def decrypt(self, ciphertext: str, *, organization_id: str) -> str:
        """Return the secret."""
        with translated("kms"):
            answer = self._client.decrypt(
                KeyId=self._key_id,
                CiphertextBlob=base64.b64decode(ciphertext),
                EncryptionContext={"organization_id": organization_id},
            )
        plaintext: bytes = answer["Plaintext"]
        return plaintext.decode()
