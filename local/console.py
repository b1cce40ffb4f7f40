"""Serves the console's pages on loopback: ``python -m local.console``; on AWS CloudFront does.

The headers are those of AWS, and so is the answer to an address that is no file: the start page, which knows its views.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from infra.console_headers import CONFIG, HEADERS, START, policy
from local.processes import LOOPBACK
from rosterbridge.flows.pages import CONTENT_TYPES, cache_control


class _Pages(SimpleHTTPRequestHandler):
    """Answers GET and HEAD by the built files; ``config`` is the file that stands at ``/config.json``."""

    protocol_version = "HTTP/1.1"
    extensions_map = CONTENT_TYPES

    def __init__(self, *given: Any, config: Path, connect: str, **options: Any) -> None:
        self._config, self._connect = config, connect
        super().__init__(*given, **options)

    def send_head(self) -> Any:
        """Send the headers; an address without a dot in its last part is a view's."""
        self.path = self.path.partition("?")[0].partition("#")[0]
        if "." not in self.path.rpartition("/")[2]:
            self.path = f"/{START}"
        if not Path(self.translate_path(self.path)).is_file():
            return self.send_error(HTTPStatus.NOT_FOUND)
        return super().send_head()

    def translate_path(self, path: str) -> str:
        """Return the file of an address."""
        return str(self._config) if path == f"/{CONFIG}" else super().translate_path(path)

    def send_response(self, code: int, message: str | None = None) -> None:
        """Begin an answer, with what CloudFront adds to each."""
        super().send_response(code, message)
        found = code in (HTTPStatus.OK, HTTPStatus.NOT_MODIFIED)
        self.send_header("Cache-Control", cache_control(self.path.removeprefix("/")) if found else "no-store")
        self.send_header("Content-Security-Policy", policy([self._connect]))
        for name, value in HEADERS.items():
            self.send_header(name, value)

    def log_message(self, *_: Any) -> None:
        """Say nothing: the address at the end of a sign-in holds its code."""


def main() -> None:
    """Serve until somebody ends the process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pages", type=Path, required=True, help="the folder of the built pages")
    parser.add_argument("--config", type=Path, required=True, help="the file that is /config.json")
    parser.add_argument("--connect", required=True, help="the address of the embedded AWS, which the pages may call")
    given = parser.parse_args()
    handler = partial(_Pages, directory=str(given.pages), config=given.config, connect=given.connect)
    with ThreadingHTTPServer((LOOPBACK, given.port), handler) as server:
        sys.stdout.write(f"listening {LOOPBACK}:{given.port}\n")
        sys.stdout.flush()
        server.serve_forever()


if __name__ == "__main__":
    main()
