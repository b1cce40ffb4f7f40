"""Start the front: ``python -m local.sftp_front --endpoint URL --region R --port P --host-key FILE``."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
from pathlib import Path

import asyncssh

from local.clients import Aws
from local.host_key import host_key
from local.sftp_front.identity import FrontError, ask_function, find_server
from local.sftp_front.role import storage_by_role
from local.sftp_front.server import SftpFront
from local.sftp_listener import HOST


async def _serve(arguments: argparse.Namespace) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    aws = Aws(arguments.endpoint, arguments.region, arguments.ca)
    server = find_server(aws.client("transfer"))
    provider = ask_function(aws.client("lambda"), server.function)
    key = host_key(arguments.host_key)
    events, storage = aws.client("events"), storage_by_role(aws) if arguments.ca else None
    s3 = aws.client("s3")
    async with SftpFront(provider, s3, server, key, port=arguments.port, events=events, storage=storage) as front:
        print(f"listening {HOST}:{front.port}", flush=True)  # noqa: T201 - whoever started it waits for this line
        await stopped.wait()


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="local.sftp_front", description="Transfer Family on this machine.")
    parser.add_argument("--endpoint", required=True, help="of the embedded AWS")
    parser.add_argument("--region", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host-key", type=Path, required=True)
    parser.add_argument("--ca", type=Path, help="file by which the certificate of an AWS that enforces IAM is checked")
    arguments = parser.parse_args()
    logging.basicConfig(format="%(asctime)s %(name)s %(message)s", level=logging.WARNING)
    logging.getLogger("rosterbridge").setLevel(logging.INFO)
    asyncssh.set_log_level("WARNING")
    try:
        asyncio.run(_serve(arguments))
    except FrontError as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
