"""The console's pages: what each file is, and how long a browser may keep it."""

from __future__ import annotations

from pathlib import PurePosixPath

# Their names change with their content
LASTING = "assets/"
FOR_EVER = "public, max-age=31536000, immutable"
ASK_EACH_TIME = "no-cache"
CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".zip": "application/zip",
}


def content_type(name: str) -> str:
    """Return what a browser is told of a file, which it must not guess."""
    return CONTENT_TYPES.get(PurePosixPath(name).suffix, "application/octet-stream")


def cache_control(name: str) -> str:
    """Return how long a browser may keep a file."""
    return FOR_EVER if name.startswith(LASTING) else ASK_EACH_TIME
