"""``check-apple``: can this machine reach Apple's SFTP server, and which host key does it show?"""

from __future__ import annotations

import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from rosterbridge.cli.connecting import UNKNOWN_KEY, exit_code, sentence
from rosterbridge.cli.output import REJECTED, print_object, print_values
from rosterbridge.cli.terminal import JsonOption, errors, fail

SECONDS = 20.0


def check_apple_command(
    host: Annotated[str, typer.Argument(metavar="HOST", help="Apple's server: upload.appleschoolcontent.com.")],
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Where it listens.")] = 22,
    expected: Annotated[
        str | None, typer.Option("--expect-host-key", metavar="SHA256:…", help="Exit 1 if it shows another host key.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Connect to Apple's server from here, agree on keys and show its host key; nothing is sent."""
    from rosterbridge.adapters.sftp import SftpDelivery
    from rosterbridge.flows.models import AsmAccount

    asked = AsmAccount(
        id="asm",
        organization_id="org",
        created_at=datetime.now(UTC),
        name="check",
        host=host,
        port=port,
        username="nobody",
        encrypted_password="",
        host_keys=(),
    )
    until = time.monotonic() + SECONDS
    with errors.status(f"connecting to {host} ..."):
        probe = asdict(SftpDelivery(lambda: until - time.monotonic()).probe(asked, ""))
    if as_json:
        print_object(probe)
    else:
        print_values({name: probe[key] for name, key in (("server", "server"), ("host key", "fingerprint"))})
        print_values({"key": probe["host_key"]})
    if probe["code"] != UNKNOWN_KEY:
        fail(sentence(probe["code"]))
        raise typer.Exit(exit_code(probe))
    if expected and probe["fingerprint"] != expected:
        fail(f"this is not the host key {expected}")
        raise typer.Exit(REJECTED)
