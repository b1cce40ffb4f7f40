"""Which deployment a command speaks to: ``--api``, ROSTERBRIDGE_API, the local stack, or the last sign-in."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from rosterbridge.cli.terminal import refuse_usage

LOCAL_STACK = Path(".local/stack.json")  # written by `make run`
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

ApiOption = Annotated[
    str | None,
    typer.Option(
        "--api",
        envvar="ROSTERBRIDGE_API",
        metavar="URL",
        help="The deployment's API; without it the local stack of `make run`, or where you signed in last.",
    ),
]


@dataclass(frozen=True)
class Pool:
    """Where a deployment's users sign in: a Cognito user pool; ``endpoint`` only where it is not AWS's own."""

    region: str
    user_pool_id: str
    client_id: str
    endpoint: str | None = None

    @property
    def url(self) -> str:
        """The address of Cognito's API."""
        ending = ".cn" if self.region.startswith("cn-") else ""
        return self.endpoint or f"https://cognito-idp.{self.region}.amazonaws.com{ending}"


@dataclass(frozen=True)
class Deployment:
    """An API; where it is the local stack also its pool, its organization and project, and passwords by user name."""

    api: str
    pool: Pool | None = None
    organization_id: str | None = None
    project_id: str | None = None
    passwords: Mapping[str, str] = field(default_factory=dict, repr=False)


def find_deployment(api: str | None, last: str | None) -> Deployment:
    """Return the deployment that is meant; ``last`` is the API of the last sign-in."""
    local = _local_stack()
    if api is None:
        if local:
            return local
        if last is None:
            raise refuse_usage("no deployment: start the local stack with `make run`, or `sign-in --api URL`")
    api = _checked(api or last or "")
    return local if local and local.api == api else Deployment(api)


def is_loopback(url: str) -> bool:
    """Whether an address is on this machine."""
    return urlsplit(url).hostname in LOOPBACK


def pool_of(told: Mapping[str, Any], api: str) -> Pool:
    """Return the pool that an API tells of; for an API on this machine it is there too, never at AWS."""
    endpoint = None
    if is_loopback(api):
        parts = urlsplit(api)
        endpoint = str(told.get("cognito_endpoint") or f"{parts.scheme}://{parts.netloc}")
    return Pool(str(told["region"]), str(told["user_pool_id"]), str(told["client_id"]), endpoint)


def _local_stack() -> Deployment | None:
    named = os.environ.get("ROSTERBRIDGE_STACK")
    path = Path(named or LOCAL_STACK)
    if not path.is_file():
        if named:
            raise refuse_usage(f"no local stack at {path}: start it with `make run`")
        return None
    stack = json.loads(path.read_bytes())
    if "api" not in stack:
        raise refuse_usage(f"{path} is of an earlier version: start the local stack again with `make run`")
    api = stack["api"]
    users = [stack[role] for role in ("administrator", "operator") if role in stack]
    return Deployment(
        api=api["url"].rstrip("/"),
        pool=pool_of({"region": stack["region"], **api}, api["url"]),
        organization_id=stack.get("organization_id"),
        project_id=stack.get("project_id"),
        passwords={user["username"]: user["password"] for user in users},
    )


def _checked(api: str) -> str:
    """Refuse an address over which a token would travel in the clear."""
    import httpx

    try:
        url = httpx.URL(api)
    except httpx.InvalidURL:
        raise refuse_usage("this is no address of an API") from None
    if not url.host or not (url.scheme == "https" or (url.scheme == "http" and is_loopback(api))):
        raise refuse_usage("an API's address begins with https://")
    return api.rstrip("/")
