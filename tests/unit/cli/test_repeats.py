"""A service that is busy, or gives no answer, is asked again; what was refused is not."""

from __future__ import annotations

import httpx
import pytest

from tests.support.api import belongings
from tests.support.command_line import FINE, Line, call, done, told

PROJECT, ACCOUNT = belongings("north")["project_id"], belongings("north")["file_account_id"]
NO_ANSWERS = [httpx.ConnectError("refused"), httpx.ReadTimeout("slow"), httpx.RemoteProtocolError("broken")]
CREATE = ("projects", "create", "Autumn")


def busy(status: int = 503, **headers: str) -> httpx.Response:
    return httpx.Response(status, headers={name.replace("_", "-"): value for name, value in headers.items()})


def names(line: Line) -> list[str]:
    return sorted(project["name"] for project in told("projects", "list")["items"])


@pytest.mark.parametrize("failure", [*NO_ANSWERS, busy(), busy(429)])
def test_what_is_away_for_a_moment_is_asked_again_and_that_is_told(
    north: Line, failure: httpx.Response | Exception
) -> None:
    north.failures += [failure] * 3
    result = call("projects", "list")
    assert result.exit_code == 0
    assert "Project of north" in result.stdout
    assert "again" not in result.stdout
    assert result.stderr.count("asking again in") == 3
    assert north.pauses == [1, 2, 4]


@pytest.mark.parametrize("failure", NO_ANSWERS)
def test_a_service_that_gives_no_answer_exits_3_after_three_repeats(north: Line, failure: Exception) -> None:
    north.failures += [failure] * 9
    result = call("projects", "list")
    assert result.exit_code == 3
    assert "gives no answer" in result.stderr.splitlines()[-1]
    assert len(north.requests) == 4


def test_the_service_says_how_long_to_wait(north: Line) -> None:
    north.failures += [
        busy(Retry_After="7"),
        busy(429, Retry_After="10"),
        busy(Retry_After="Wed, 21 Oct 2026 07:28:00 GMT"),
    ]
    done("projects", "list")
    assert north.pauses == [7, 10, 4]


def test_too_many_changes_exit_3_and_say_when_to_go_on(north: Line) -> None:
    north.world.throttle.seconds = 42
    result = call(*CREATE)
    assert result.exit_code == 3
    assert "too-many-requests" in result.stderr
    assert "try again in 42 s" in result.stderr
    assert (len(north.requests), north.pauses) == (1, [])


@pytest.mark.parametrize("status", [400, 403, 404, 409, 412, 422, 500, 502])
def test_a_refusal_and_a_fault_are_final(north: Line, status: int) -> None:
    north.failures += [busy(status, Retry_After="1"), FINE]
    assert call("projects", "list").exit_code in {2, 3}
    assert (len(north.requests), north.pauses) == (1, [])


@pytest.mark.parametrize("failure", [httpx.ReadTimeout("slow"), busy()])
def test_a_creation_whose_answer_was_lost_is_done_once(north: Line, failure: httpx.Response | Exception) -> None:
    north.late = True
    north.failures += [failure] * 2
    done(*CREATE)
    assert len({request.headers["Idempotency-Key"] for request in north.requests}) == 1
    assert len(north.requests) == 3
    assert names(north) == ["Autumn", "Project of north"]


@pytest.mark.parametrize(
    "words",
    [
        ("accounts", "create", "new-sis"),
        (
            *("flows", "create", "Autumn", "--template", "asm-csv", "--new-account", "new-sis"),
            *("--asm-account", belongings("north")["asm_account_id"]),
        ),
    ],
)
def test_a_password_whose_answer_was_lost_is_made_anew(north: Line, words: tuple[str, ...]) -> None:
    north.late = True
    lists = 1 if words[0] == "flows" else 0  # the project is looked for first
    north.failures += [*[FINE] * lists, httpx.ReadTimeout("slow")]
    output = done(*words)
    assert "shown again" not in output
    _, _, command = output.partition("lost on the way: rosterbridge ")
    assert "Copy it now" in done(*command.split(), "--yes")


def test_what_a_creation_names_and_is_not_there_is_told_also_after_a_lost_answer(north: Line) -> None:
    words = ("flows", "create", "Autumn", "--template", "asm-csv", "--account", ACCOUNT, "--asm-account", "asm-1")
    north.failures += [FINE, httpx.ReadTimeout("slow")]
    result = call(*words)
    assert result.exit_code == 2
    assert "asm-account-missing" in result.stderr


def test_a_flow_of_an_account_that_was_there_tells_of_no_lost_password(north: Line) -> None:
    ids = belongings("north")
    words = ("flows", "create", "Autumn", "--template", "asm-csv", "--account", ids["file_account_id"])
    assert "lost on the way" not in done(*words, "--asm-account", ids["asm_account_id"])


@pytest.mark.parametrize(
    "words",
    [
        ("projects", "update", PROJECT, "--name", "Autumn"),
        ("accounts", "password", ACCOUNT, "--yes"),
        ("flows", "delete", belongings("north")["flow_id"], "--yes"),
    ],
)
def test_a_change_whose_answer_was_lost_is_not_called_somebody_elses(north: Line, words: tuple[str, ...]) -> None:
    north.late = True
    north.failures += [FINE, httpx.ReadTimeout("slow")]
    result = call(*words)
    assert result.exit_code == 3
    assert "outcome-unknown" in result.stderr
    assert "version-changed" not in result.stderr


def test_a_change_that_never_left_is_made(north: Line) -> None:
    north.failures += [FINE, httpx.ConnectError("refused")]
    assert told("projects", "update", PROJECT, "--name", "Autumn")["name"] == "Autumn"


def test_a_change_that_somebody_else_overtook_is_refused_by_its_name(north: Line) -> None:
    changed = httpx.Response(412, json={"code": "version-changed"})
    north.failures += [FINE, busy(429), httpx.ConnectError("refused"), changed]
    result = call("projects", "update", PROJECT, "--name", "Autumn")
    assert result.exit_code == 2
    assert "version-changed" in result.stderr
