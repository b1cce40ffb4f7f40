"""Secrets that must be read again, encrypted by KMS and bound to their organization."""

from __future__ import annotations

import base64
import binascii

from botocore.exceptions import ClientError

from rosterbridge.adapters.clients import client, error_code, translated
from rosterbridge.errors import PermanentError

UNREADABLE = frozenset({"InvalidCiphertextException", "IncorrectKeyException"})


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
        """Return the secret; raises PermanentError ``secret-unreadable`` when it is not this organization's."""
        try:
            blob = base64.b64decode(ciphertext, validate=True)
        except (binascii.Error, ValueError):
            raise PermanentError("secret-unreadable") from None
        with translated("kms"):
            try:
                answer = self._client.decrypt(
                    KeyId=self._key_id, CiphertextBlob=blob, EncryptionContext={"organization_id": organization_id}
                )
            except ClientError as error:
                if error_code(error) in UNREADABLE:
                    raise PermanentError("secret-unreadable") from None
                raise
        plaintext: bytes = answer["Plaintext"]
        return plaintext.decode()
