"""An in-memory fake of the store of points and bans."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from rosterbridge.flows.sign_in_scores import Board, Standing


@dataclass
class Mark:
    points: int = 0
    counted_until: datetime | None = None
    banned_until: datetime | None = None


class FakeScoreStore:
    def __init__(self) -> None:
        self.marks: dict[Board, Mark] = {}
        self.known: dict[tuple[Board, Board], datetime] = {}

    def look(self, address: Board, account: Board | None) -> Standing:
        if account is None:
            return Standing(self._mark(address).banned_until)
        known = self.known.get((account, address))
        return Standing(self._mark(address).banned_until, self._mark(account).banned_until, known)

    def add(self, board: Board, points: int, now: datetime, window: timedelta) -> int:
        mark = self.marks.setdefault(board, Mark())
        if mark.counted_until is None or mark.counted_until <= now:
            mark.points, mark.counted_until = 0, now + window
        mark.points += points
        return mark.points

    def ban(self, board: Board, now: datetime, until: datetime) -> None:  # noqa: ARG002
        mark = self.marks.setdefault(board, Mark())
        if mark.banned_until is None or mark.banned_until < until:
            self.marks[board] = Mark(banned_until=until)

    def prolong(self, board: Board, by: timedelta, now: datetime, latest: datetime) -> None:
        mark = self._mark(board)
        if mark.banned_until and now < mark.banned_until <= latest - by:
            mark.banned_until += by

    def know(self, account: Board, address: Board, until: datetime) -> None:
        self.known[account, address] = until

    def _mark(self, board: Board) -> Mark:
        return self.marks.get(board, Mark())
