"""What the console's pages are called, and what a browser is told with each, on AWS and on this machine."""

from __future__ import annotations

from collections.abc import Iterable

START, CONFIG = "index.html", "config.json"
HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY"}


def policy(connect: Iterable[str]) -> str:
    """Return the content security policy; ``connect`` are the other addresses that the pages may call."""
    rules = {
        "default-src": "'none'",
        **{f"{kind}-src": "'self'" for kind in ("script", "style", "img", "font")},
        "connect-src": " ".join(("'self'", *connect)),
        **dict.fromkeys(("base-uri", "form-action", "frame-ancestors"), "'none'"),
    }
    return "; ".join(f"{name} {allowed}" for name, allowed in rules.items())
