from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from local.apple import AppleStandIn
from tests.support.apple import ED25519, PASSWORD, USERNAME
from tests.support.sftp import running


@pytest.fixture
def apple(tmp_path: Path) -> Callable[..., Any]:
    """Starts Apple's stand-in with the faults that are named."""

    def start(*, keys: tuple[asyncssh.SSHKey, ...] = (ED25519,), **options: Any) -> Any:
        return running(AppleStandIn(tmp_path / "apple", USERNAME, PASSWORD, keys, **options))

    return start
