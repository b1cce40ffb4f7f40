"""Sends a file in a process of its own, which a test may kill."""

from __future__ import annotations

import sys
from pathlib import Path

from rosterbridge.adapters.sftp import SftpDelivery
from tests.support.apple import PASSWORD, PATIENT, account

if __name__ == "__main__":
    port, host_key, path, name = sys.argv[1:]
    SftpDelivery(lambda: PATIENT).send(Path(path), account(int(port), host_key), PASSWORD, name)
