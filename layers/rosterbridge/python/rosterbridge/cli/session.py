"""Who is signed in where: tokens in the system's keyring, or in a file of mode 0600 where there is none."""

from __future__ import annotations

import base64
import json
import os
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rosterbridge.cli.deployment import Pool

KEYRING_SERVICE = "rosterbridge"
EARLY_SECONDS = 60  # a token that ends within this time is renewed before it is used


@dataclass(frozen=True)
class Tokens:
    """What Cognito gives: the ID token for the API, and the refresh token for the next ID token."""

    id_token: str = field(repr=False)
    refresh_token: str = field(repr=False)

    @property
    def claims(self) -> dict[str, Any]:
        """What the ID token says; the API checks its signature, not we."""
        payload = self.id_token.split(".")[1]
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return claims

    @property
    def ending(self) -> bool:
        """Whether the ID token is over, or nearly."""
        return float(self.claims["exp"]) - time.time() < EARLY_SECONDS


@dataclass(frozen=True)
class Session:
    """A user who is signed in to an API; an operator has no organization."""

    api: str
    pool: Pool
    username: str
    tokens: Tokens
    role: str = ""
    organization_id: str | None = None


class SessionStore:
    """The sessions of this person on this machine, one an API, and which API was used last."""

    def __init__(self, folder: Path | None = None) -> None:
        self._path = (folder or _config_folder()) / "sessions.json"

    @property
    def last(self) -> str | None:
        """The API that was signed in to last."""
        last: str | None = self._read()["last"]
        return last

    def load(self, api: str) -> Session | None:
        """Return the session of an API; None also where the keyring has lost its part."""
        kept = self._read()["sessions"].get(api)
        secret = kept and (kept["tokens"] or _from_keyring(api))
        if not secret:
            return None
        pool, tokens = Pool(**kept["pool"]), Tokens(**secret)
        return Session(api, pool, kept["username"], tokens, kept["role"], kept["organization_id"])

    def save(self, session: Session, *, chosen: bool = False) -> None:
        """Keep the session; its tokens are in the file only where no keyring takes them.

        ``chosen`` makes its API the one that is meant wherever nothing else says so.
        """
        content, secret = self._read(), asdict(session.tokens)
        known = {name: value for name, value in asdict(session).items() if name not in {"api", "tokens"}}
        in_keyring = _to_keyring(session.api, secret)
        content["sessions"][session.api] = {**known, "tokens": None if in_keyring else secret}
        self._write({**content, "last": session.api} if chosen else content)

    def forget(self, api: str) -> None:
        """Remove the session and its tokens."""
        content = self._read()
        kept = content["sessions"].pop(api, None)
        if kept is None:
            return
        if not kept["tokens"]:
            _out_of_keyring(api)
        self._write({**content, "last": None if content["last"] == api else content["last"]})

    def _read(self) -> dict[str, Any]:
        try:
            content = json.loads(self._path.read_bytes())
        except (FileNotFoundError, ValueError):  # nobody has signed in, or the file is damaged: sign in again
            content = None
        return content if isinstance(content, dict) and {"last", "sessions"} <= set(content) else _nothing()

    def _write(self, content: dict[str, Any]) -> None:
        """Replace the file whole; ``mkstemp`` makes it readable by its owner alone from the first byte on."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, made = tempfile.mkstemp(dir=self._path.parent, prefix=".sessions-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(content, file, indent=1)
            Path(made).replace(self._path)
        except BaseException:
            Path(made).unlink(missing_ok=True)
            raise


def _nothing() -> dict[str, Any]:
    return {"last": None, "sessions": {}}


def _config_folder() -> Path:
    base = os.environ.get("XDG_CONFIG_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".config") / "rosterbridge"


def _from_keyring(api: str) -> dict[str, str] | None:
    import keyring
    from keyring.errors import KeyringError

    try:
        text = keyring.get_password(KEYRING_SERVICE, api)
    except KeyringError:
        return None
    kept: dict[str, str] | None = json.loads(text) if text else None
    return kept


def _to_keyring(api: str, secret: dict[str, str]) -> bool:
    """Say whether the keyring took it: one that keeps nothing raises nothing either."""
    import keyring
    from keyring.errors import KeyringError

    text = json.dumps(secret)
    try:
        keyring.set_password(KEYRING_SERVICE, api, text)
        return keyring.get_password(KEYRING_SERVICE, api) == text
    except KeyringError:
        return False


def _out_of_keyring(api: str) -> None:
    import keyring
    from keyring.errors import KeyringError

    try:
        keyring.delete_password(KEYRING_SERVICE, api)
    except KeyringError:
        return  # it is gone already, or the keyring is
