"""The secret that holds the SFTP endpoint's host keys."""

from __future__ import annotations

from botocore.exceptions import ClientError

from rosterbridge.adapters.clients import client, error_code, translated
from rosterbridge.errors import TransientError

# Of two that store the first keys at once only one can: the same token is refused with other keys
FIRST = "rosterbridge-first-host-keys-000"


class HostKeySecret:
    """Private keys as text, one after another; empty until the first are stored."""

    def __init__(self, secret_id: str) -> None:
        self._secret_id = secret_id
        self._client = client("secretsmanager")

    def read(self) -> str | None:
        """Return the keys, or None as long as there are none."""
        with translated("secretsmanager"):
            try:
                answer = self._client.get_secret_value(SecretId=self._secret_id)
            except ClientError as error:
                if error_code(error) == "ResourceNotFoundException":
                    return None
                raise
        return str(answer.get("SecretString", ""))

    def keep(self, keys: str) -> str:
        """Store the first keys and return what is stored, which are others if somebody was faster."""
        with translated("secretsmanager"):
            try:
                self._client.put_secret_value(SecretId=self._secret_id, SecretString=keys, ClientRequestToken=FIRST)
            except ClientError as error:
                if error_code(error) != "ResourceExistsException":
                    raise
        stored = self.read()
        if stored is None:
            raise TransientError("aws-unreachable", "secretsmanager has not stored the keys yet")
        return stored
