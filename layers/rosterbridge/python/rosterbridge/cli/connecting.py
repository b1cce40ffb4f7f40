"""The connection test to Apple's server, and the acceptance of the host key that it shows."""

from __future__ import annotations

from typing import Annotated

import typer

from rosterbridge.cli.api_client import Json
from rosterbridge.cli.output import REJECTED, SERVICE_FAILED, print_object, print_values
from rosterbridge.cli.signing_in import ask_secret, read_secret
from rosterbridge.cli.terminal import errors, fail, say
from rosterbridge.cli.verbs import Call

UNKNOWN_KEY = "host-key-unknown"
AWAY = frozenset({"asm-unreachable", "asm-connection-lost", "asm-timed-out", "asm-storage-refused"})
STAGES = {
    "reached": "the server answers",
    "accepted": "its host key is accepted",
    "signed_in": "user name and password are right",
    "folder_found": "the folder is there",
}

AcceptOption = Annotated[
    list[str] | None,
    typer.Option(
        "--accept-host-key",
        metavar="SHA256:…",
        help="Accept this host key without asking, if the server shows it; may be given again.",
    ),
]
HostOption = Annotated[str | None, typer.Option("--host", help="Apple's server, unless it has moved.")]
PortOption = Annotated[int | None, typer.Option("--port", min=1, max=65535, help="22 unless Apple says so.")]
FolderOption = Annotated[str | None, typer.Option("--folder", help="Where uploads go; dropbox unless Apple says so.")]


def asm_password(*, from_stdin: bool) -> str:
    """Return the password that Apple School Manager showed."""
    return read_secret() if from_stdin else ask_secret("Password from Apple School Manager")


def connect(call: Call, connection: Json, accepted: list[str] | None) -> Json:
    """Test a connection and return it with the host key that was accepted; ends the command where it cannot work."""
    tests = call.path("asm-account-tests")
    shown = call.api.post(tests, connection).content
    if shown["code"] != UNKNOWN_KEY:
        raise _refused(call, shown)
    accept_key(shown, accepted)
    known = {**connection, "host_keys": [shown["host_key"]]}
    probe = call.api.post(tests, known).content
    if not probe["folder_found"]:
        raise _refused(call, probe)
    return known


def accept_key(shown: Json, accepted: list[str] | None) -> None:
    """Have the host key accepted that a server showed; ends the command where it is not."""
    if accepted:
        if shown["fingerprint"] not in accepted:
            fail(f"host-key-unknown: the server shows another host key, {shown['fingerprint']}")
            raise typer.Exit(REJECTED)
        return
    errors.print(f"The server's host key is {shown['fingerprint']}", markup=False, highlight=False, soft_wrap=True)
    errors.print(
        "Whoever shows another server's key gets the password: compare it with what Apple or your operator says.",
        markup=False,
    )
    if not typer.confirm("Accept it?", err=True):
        errors.print("nothing was changed", highlight=False)
        raise typer.Exit(REJECTED)


def print_probe(probe: Json) -> None:
    """Print how far a connection test came."""
    print_values({"server": probe["server"], "host key": probe["fingerprint"]})
    for stage, text in STAGES.items():
        say(f"{'✓' if probe[stage] else '✗'} {text}")
    if probe["code"]:
        fail(sentence(probe["code"]))


def sentence(code: str) -> str:
    """Return what a test's code means and what to do."""
    if code == UNKNOWN_KEY:
        return f"{code}: nobody has accepted the host key that the server shows"
    from rosterbridge.flows.messages import message

    return f"{code}: {message(code)}"


def exit_code(probe: Json) -> int:
    """Return 0 for a connection that works, 3 where the other side is away, 1 where something must be corrected."""
    if probe["folder_found"]:
        return 0
    return SERVICE_FAILED if probe["code"] in AWAY else REJECTED


def _refused(call: Call, probe: Json) -> typer.Exit:
    if call.as_json:
        print_object(probe)
    else:
        print_probe(probe)
    return typer.Exit(exit_code(probe))
