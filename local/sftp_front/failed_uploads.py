"""Transfer Family's event of an upload that broke off."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from botocore.exceptions import BotoCoreError, ClientError

from local.sftp_front.home import Place
from local.sftp_front.identity import TransferServer
from local.sftp_front.store import logger

FAILED = "SFTP Server File Upload Failed"


class FailedUploads:
    """Tells EventBridge of the failed uploads of one session, if there is an EventBridge; at most once, as AWS does."""

    def __init__(self, events: Any, server: TransferServer, username: str, source_ip: str) -> None:
        self._events = events
        self._about = {"server-id": server.id, "username": username, "client-ip": source_ip, "session-id": uuid4().hex}
        self._began = _now()

    def tell(self, place: Place, size: int, etag: str) -> None:
        """Tell of an upload that its client left unfinished; one that cannot be told is logged."""
        if self._events is None:
            return
        detail = {
            "status-code": "FAILED",
            "failure-code": "PARTIAL_UPLOAD",
            "failure-message": "File was partially uploaded.",
            "protocol": "SFTP",
            "bytes": size,
            "etag": etag,
            "file-path": f"/{place.bucket}/{place.key}",
            "start-timestamp": self._began,
            "end-timestamp": _now(),
            **self._about,
        }
        entry = {"Source": "aws.transfer", "DetailType": FAILED, "Detail": json.dumps(detail)}
        try:
            answer = self._events.put_events(Entries=[entry])
        except (BotoCoreError, ClientError) as error:
            logger.warning("a failed upload was not told: %s", type(error).__name__)
            return
        if answer["FailedEntryCount"]:
            logger.warning("a failed upload was not told: %s", answer["Entries"][0].get("ErrorCode"))


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")
