"""A user at the command line's sign-in, with an authenticator app."""

from __future__ import annotations

import base64
import hmac
import time
from dataclasses import dataclass, field

PERIOD, ENDING = 30, 3  # seconds


def code(secret: str, step: int = 0) -> str:
    """Return the six digits of RFC 6238 for the period that is ``step`` away from now; waits for one that ends."""
    left = PERIOD - time.time() % PERIOD
    if left < ENDING:  # or what is allowed now may not be when it arrives
        time.sleep(left)
    counter = int(time.time() // PERIOD) + step
    digest = hmac.digest(base64.b32decode(secret), counter.to_bytes(8), "sha1")
    offset = digest[-1] & 0xF
    return f"{(int.from_bytes(digest[offset : offset + 4]) & 0x7FFFFFFF) % 10**6:06}"


@dataclass
class Person:
    """Answers what the sign-in asks, and notes it in ``asked``, and the last code in ``given``.

    Each code is of one period later than the one before, since none counts twice; ``guess`` is given instead of it.
    """

    known: str
    chosen: str = "a passphrase of one's own"
    secret: str = ""
    guess: str = ""
    given: str = ""
    asked: list[str] = field(default_factory=list)
    step: int = -2

    def password(self) -> str:
        return self.known

    def new_password(self, complaint: str) -> str:
        self.asked.append(f"new password: {complaint}" if complaint else "new password")
        self.known = self.chosen
        return self.known

    def code(self, complaint: str) -> str:
        self.asked.append(f"code: {complaint}" if complaint else "code")
        self.step += 1
        self.given = self.guess or code(self.secret, self.step)
        return self.given

    def show_secret(self, secret: str, uri: str) -> None:
        assert secret in uri
        self.asked.append("enrol")
        self.secret = secret
