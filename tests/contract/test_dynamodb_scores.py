"""Points and bans of sign-ins: the fake counts as DynamoDB counts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from local.clients import environment
from rosterbridge.adapters.dynamodb_scores import DynamoScoreStore
from rosterbridge.flows.sign_in_scores import Board, ScoreStore, Standing
from tests.support import flows
from tests.support.fakes import FakeScoreStore
from tests.support.stack import StackUnderTest

NOW, WINDOW = flows.AT, timedelta(minutes=30)
HALF, DAY = timedelta(minutes=15), timedelta(days=1)


@pytest.fixture(params=["fake", "dynamodb"])
def scores(request: pytest.FixtureRequest) -> ScoreStore:
    if request.param == "fake":
        return FakeScoreStore()
    stack: StackUnderTest = request.getfixturevalue("stack")
    with environment(stack.endpoint, stack.region):
        return DynamoScoreStore(stack.outputs["AccountTable"])


@pytest.fixture
def board() -> Board:
    return Board("address", flows.unique("address"))


def test_of_whom_nothing_is_known_may_come(scores: ScoreStore, board: Board) -> None:
    assert scores.look(board, Board("account", flows.unique("account"))) == Standing()
    assert scores.look(board, None) == Standing()


def test_points_add_up_until_the_window_is_over(scores: ScoreStore, board: Board) -> None:
    assert [scores.add(board, points, NOW, WINDOW) for points in (1, 2, 1)] == [1, 3, 4]
    assert scores.add(board, 1, NOW + WINDOW - timedelta(seconds=1), WINDOW) == 5
    assert scores.add(board, 2, NOW + WINDOW, WINDOW) == 2


def test_a_ban_stands_and_points_begin_anew(scores: ScoreStore, board: Board) -> None:
    scores.add(board, 9, NOW, WINDOW)
    scores.ban(board, NOW, NOW + WINDOW)
    scores.ban(board, NOW, NOW + HALF)

    assert scores.look(board, None).address_until == NOW + WINDOW
    assert scores.add(board, 1, NOW, WINDOW) == 1


def test_a_ban_grows_while_it_lasts_and_not_beyond_the_latest_end(scores: ScoreStore, board: Board) -> None:
    scores.prolong(board, HALF, NOW, NOW + DAY)
    assert scores.look(board, None) == Standing()

    scores.ban(board, NOW, NOW + WINDOW)
    scores.prolong(board, HALF, NOW, NOW + DAY)
    scores.prolong(board, HALF, NOW, NOW + WINDOW + HALF)
    scores.prolong(board, HALF, NOW + WINDOW + HALF, NOW + DAY)

    assert scores.look(board, None).address_until == NOW + WINDOW + HALF


def test_an_account_knows_the_addresses_that_signed_in_to_it(scores: ScoreStore, board: Board) -> None:
    account, stranger = (Board(kind, flows.unique(kind)) for kind in ("account", "address"))
    scores.ban(account, NOW, NOW + WINDOW)
    scores.know(account, board, NOW + DAY)
    scores.know(account, board, NOW + 2 * DAY)

    assert scores.look(board, account) == Standing(None, NOW + WINDOW, NOW + 2 * DAY)
    assert scores.look(stranger, account) == Standing(None, NOW + WINDOW, None)


def test_no_point_is_lost_when_many_come_at_once(scores: ScoreStore, board: Board) -> None:
    if isinstance(scores, FakeScoreStore):
        pytest.skip("counts in one thread")
    with ThreadPoolExecutor(8) as pool:
        sums = list(pool.map(lambda _: scores.add(board, 1, NOW, WINDOW), range(40)))

    assert sorted(sums) == list(range(1, 41))
