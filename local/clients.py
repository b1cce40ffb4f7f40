"""How the local stack's own tools reach the embedded AWS: its endpoint, and nothing of the machine's AWS settings."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from rosterbridge.adapters.clients import client as shared_client

ACCOUNT = "000000000000"
REGION = "eu-west-1"
CONFIG = Config(connect_timeout=5, read_timeout=60, retries={"mode": "standard", "total_max_attempts": 3}, proxies={})


@dataclass(frozen=True)
class Aws:
    """The embedded AWS as boto3 clients, each made once; ``ca`` is the file that its certificate is checked by."""

    endpoint: str
    region: str = REGION
    ca: Path | None = None
    _clients: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def client(self, service: str) -> Any:
        """Return the client of a service."""
        if service not in self._clients:
            with environment(self.endpoint, self.region, self.ca):
                session = boto3.session.Session()
                self._clients[service] = session.client(service, endpoint_url=self.endpoint, config=CONFIG)
        return self._clients[service]


def variables(endpoint: str, region: str, ca: Path | None = None) -> dict[str, str]:
    """Return the environment in which AWS's SDK speaks to the embedded AWS only."""
    return {
        **({"AWS_CA_BUNDLE": str(ca)} if ca else {}),
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",  # what the embedded AWS takes; no secret
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


def clean(environ: dict[str, str]) -> dict[str, str]:
    """Return ``environ`` without what would point AWS's SDK or Python somewhere else."""
    return {name: value for name, value in environ.items() if not name.startswith(("AWS_", "PYTHON"))}


@contextmanager
def environment(endpoint: str, region: str = REGION, ca: Path | None = None) -> Iterator[None]:
    """Let everything that is made inside speak to the embedded AWS, Rosterbridge's adapters included."""
    before = dict(os.environ)
    shared_client.cache_clear()
    for name in before:
        if name.startswith("AWS_"):
            del os.environ[name]
    os.environ.update(variables(endpoint, region, ca))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        shared_client.cache_clear()
