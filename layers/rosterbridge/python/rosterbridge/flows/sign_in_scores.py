"""Who guesses passwords is kept out for a while: refusals count against the source address and the user name."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Protocol

from rosterbridge.errors import RosterbridgeError

LONGEST_BAN = timedelta(hours=24)
KNOWN_FOR = timedelta(days=30)  # so long a sign-in keeps its address free of what strangers do to the account
NOTED_AGAIN = timedelta(days=1)
ADDRESS_BANNED, ACCOUNT_BANNED = "address-banned", "account-banned"
UNKNOWN_USER_POINTS = 2  # who knows no name guesses more than who mistypes a password
IPV6_SITE = 64  # bits: one customer has at least as many addresses as this leaves


@dataclass(frozen=True)
class ScoreRules:
    """From how many points within ``window`` on somebody is banned, and for how long at first."""

    threshold: int
    window: timedelta
    ban: timedelta


@dataclass(frozen=True)
class Board:
    """What points are kept for: an ``address``, or an ``account`` by the digest of its user name."""

    kind: str
    key: str


@dataclass(frozen=True)
class Standing:
    """Until when a client's address and account are banned, and the account knows the address; None for never."""

    address_until: datetime | None = None
    account_until: datetime | None = None
    known_until: datetime | None = None


class ScoreStore(Protocol):
    """Keeps points and bans; each change is right however many clients come at once."""

    def look(self, address: Board, account: Board | None) -> Standing:
        """Return what is known, possibly a moment behind; ends may be over already."""

    def add(self, board: Board, points: int, now: datetime, window: timedelta) -> int:
        """Count points and return their sum since the first one, which begins anew when ``window`` is over."""

    def ban(self, board: Board, now: datetime, until: datetime) -> None:
        """Ban, and count from nothing afterwards; a longer ban stays."""

    def prolong(self, board: Board, by: timedelta, now: datetime, latest: datetime) -> None:
        """Make a ban longer, unless it is over or would end after ``latest``."""

    def know(self, account: Board, address: Board, until: datetime) -> None:
        """Keep that the account was signed in to from the address."""


@dataclass(frozen=True)
class Client:
    """Who asks to come in: boards of its address and, if it brings a password, of the account; and since when."""

    address: Board
    account: Board | None
    at: datetime


@dataclass(frozen=True)
class SignInScores:
    """The two boards of a sign-in; ``troubled`` is told the code of a fault of the store, which keeps nobody out.

    Only passwords are scored: no key can be guessed, and clients with keys for other servers offer them to us first.
    """

    store: ScoreStore
    rules: ScoreRules
    troubled: Callable[[str], None]

    def look(self, client: Client) -> Standing:
        """Return how the client stands; of a store that fails: without any fault."""
        with self._open_to_all():
            return self.store.look(client.address, client.account)
        return Standing()

    def refuse_banned_address(self, client: Client, standing: Standing) -> bool:
        """Tell whether the address is banned, and make its ban longer by half of the first one."""
        if not _lasts(standing.address_until, client.at):
            return False
        with self._open_to_all():
            self._prolong(client.address, client.at)
        return True

    def is_banned_account(self, client: Client, standing: Standing) -> bool:
        """Tell whether the account is banned for this address: not for one that the account knows."""
        return _lasts(standing.account_until, client.at) and not _lasts(standing.known_until, client.at)

    def count(self, client: Client, standing: Standing, *, unknown_user: bool) -> None:
        """Count a refused password against the address, and against the account if it does not know the address."""
        points = UNKNOWN_USER_POINTS if unknown_user else 1
        if client.account is None:
            return
        with self._open_to_all():
            self._add(client.address, points, client.at)
            if self.is_banned_account(client, standing):
                self._prolong(client.account, client.at)
            elif not _lasts(standing.known_until, client.at):
                self._add(client.account, points, client.at)

    def know(self, client: Client, standing: Standing) -> None:
        """Note that a password was right from this address; once a day is enough.

        Nothing is taken back: or whoever has one account could wipe an address clean while guessing at the others.
        """
        until = client.at + KNOWN_FOR
        if client.account is None or _lasts(standing.known_until, until - NOTED_AGAIN):
            return
        with self._open_to_all():
            self.store.know(client.account, client.address, until)

    def _add(self, board: Board, points: int, at: datetime) -> None:
        if self.store.add(board, points, at, self.rules.window) >= self.rules.threshold:
            self.store.ban(board, at, at + self.rules.ban)

    def _prolong(self, board: Board, at: datetime) -> None:
        self.store.prolong(board, self.rules.ban / 2, at, at + LONGEST_BAN)

    @contextmanager
    def _open_to_all(self) -> Iterator[None]:
        try:
            yield
        except RosterbridgeError:
            self.troubled("sign-in-scores-unavailable")


def client_of(source_ip: str, username: str, at: datetime, *, by_key: bool) -> Client:
    """Return the boards that a client is scored on."""
    return Client(Board("address", _address(source_ip)), None if by_key else account_board(username), at)


def account_board(username: str) -> Board:
    """Return the board of an account, which may be none: whatever name a client says."""
    return Board("account", hashlib.sha256(username.encode(errors="replace")).hexdigest())


def source_address(source_ip: str) -> IPv4Address | IPv6Address | None:
    """Return the address that a client comes from, also one of IPv4 that is written as one of IPv6."""
    try:
        address = ip_address(source_ip)
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def _address(source_ip: str) -> str:
    address = source_address(source_ip)
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address.packed, IPV6_SITE), strict=False).network_address)
    return str(address) if address else "unknown"


def _lasts(until: datetime | None, at: datetime) -> bool:
    return until is not None and until > at
