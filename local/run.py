"""Start everything, upload a roster, show how it reaches Apple's stand-in, and stay up: ``make run``, ``make demo``.

``--once`` ends after the first run: 0 when it succeeded, 1 when not.
"""

from __future__ import annotations

import argparse
import signal
import time
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.markup import escape

from infra.build import ConsoleBuildError
from local.deploy import DeployError
from local.following import follow, known_runs, outcome, wait_for_new_run
from local.processes import LOOPBACK, LocalStackError
from local.sample import write_sample
from local.stack import STATE, Account, LocalStack, Ports
from local.upload import Server, UploadError, find_client, upload
from rosterbridge.flows.forwarding import remote_name
from rosterbridge.flows.models import Run, RunStatus

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
CHECK_SECONDS = 0.5
INTERRUPTED = 130


class _Stopped(BaseException):
    """Somebody asked to stop; not an error, and nothing that an ``except Exception`` may catch."""


def main() -> int:
    """Run and return the exit code."""
    arguments = _arguments()
    console = Console(highlight=False, soft_wrap=True)
    for number in SIGNALS:
        signal.signal(number, _stop)
    try:
        return _run(arguments, console)
    except (LocalStackError, DeployError, ConsoleBuildError, UploadError) as error:
        console.print(f"[red]{escape(str(error))}[/]")
        return 1
    except _Stopped:
        console.print("stopped")
        return INTERRUPTED if arguments.once else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--once", action="store_true", help="end after the first run")
    parser.add_argument(
        "--zip", type=lambda text: Path(text).expanduser(), help="upload this file instead of the sample"
    )
    parser.add_argument("--state", type=Path, default=STATE, help="where everything is kept (.local)")
    return parser.parse_args()


def _stop(_number: int, _frame: FrameType | None) -> None:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)  # stopping itself is not interrupted
    raise _Stopped


def _run(arguments: argparse.Namespace, console: Console) -> int:
    if arguments.zip and not arguments.zip.is_file():
        raise LocalStackError(f"there is no file {arguments.zip}")
    client = find_client(console.print)
    stack = LocalStack(arguments.state.resolve(), Ports.choose())
    try:
        with console.status("starting the embedded AWS and deploying the stacks ..."):
            started = time.monotonic()
            stack.start()
            account = Account(stack)
        console.print(
            f"Embedded AWS, SFTP server, console and Apple's stand-in are up ({time.monotonic() - started:.1f} s)."
        )
        run = _upload_and_follow(
            stack, account, arguments.zip or write_sample(stack.state / "sample.zip"), client, console
        )
        if arguments.once:
            return 0 if run.status is RunStatus.SUCCEEDED else 1
        _tell_how_to_use(stack, account, console)
        while True:
            stack.processes.check()
            time.sleep(CHECK_SECONDS)
    finally:
        stack.stop()


def _upload_and_follow(stack: LocalStack, account: Account, path: Path, client: str | None, console: Console) -> Run:
    """Upload the file, show its run and how that ended."""
    known = known_runs(stack, account.project_id)
    console.print(f"Uploading {escape(str(path))} ({path.stat().st_size:,} bytes) with {client or 'paramiko'} ...")
    upload(path, _server(stack, account), client)
    uploaded_at = time.time()
    run = follow(stack, wait_for_new_run(stack, account.project_id, known), console)
    for line in outcome(stack, run):
        console.print(line)
    if run.status is RunStatus.SUCCEEDED:
        landed_at = (stack.received / remote_name(run.id)).stat().st_mtime
        console.print(f"It was there {max(0.0, landed_at - uploaded_at):.1f} s after the upload's last byte.")
    return run


def _server(stack: LocalStack, account: Account) -> Server:
    return Server(LOOPBACK, stack.ports.sftp, stack.host_key("sftp"), account.username, account.password)


def _tell_how_to_use(stack: LocalStack, account: Account, console: Console) -> None:
    administrator, api = account.users["administrator"], stack.api["url"]
    console.print(
        f"""
Console, and who may sign in ({stack.state / "stack.json"} has an operator too):
  address    {stack.console}/
  user name  {administrator["username"]}
  password   {administrator["password"]}

Upload your own roster with any SFTP client:
  host       {LOOPBACK}
  port       {stack.ports.sftp}
  user name  {account.username}
  password   {account.password}

  sftp -P {stack.ports.sftp} {account.username}@{LOOPBACK}

The same user on the command line, over the API at {api}:
  .venv/bin/rosterbridge sign-in

History:
  .venv/bin/rosterbridge runs list
  .venv/bin/rosterbridge runs show RUN

Logs are in {stack.state / "logs"}. Ctrl-C stops everything; the next `make run` goes on from here.""",
        markup=False,
    )


if __name__ == "__main__":
    raise SystemExit(main())
