"""``rosterbridge sign-in`` and ``sign-out``, and what of it lasts until the next command."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import httpx
import keyring
import pytest
from keyring.backends import null

from rosterbridge.cli.deployment import pool_of
from rosterbridge.cli.signing_in import Asked
from tests.support.api import claims
from tests.support.command_line import (
    API,
    FINE,
    NORTH,
    NORTH_PASSWORD,
    OPERATOR,
    OPERATOR_PASSWORD,
    Line,
    MemoryKeyring,
    call,
    done,
    told,
)
from tests.support.sign_in import CLIENT_ID, CODE, POOL_ID, REGION

SIGN_IN = ("sign-in", "--api", API, "--username", NORTH)
CHOSEN = "another long passphrase"


def test_a_password_signs_in_and_the_next_command_needs_no_more(line: Line) -> None:
    result = call(*SIGN_IN, typed=f"{NORTH_PASSWORD}\n")

    assert result.exit_code == 0
    assert "administrator of organization-of-north" in result.stdout
    assert NORTH_PASSWORD not in result.output
    assert "Project of north" in done("projects", "list")


def test_the_user_name_is_asked_for_where_none_is_given(line: Line) -> None:
    assert call("sign-in", "--api", API, typed=f"{NORTH}\n{NORTH_PASSWORD}\n").exit_code == 0


@pytest.mark.parametrize(("user", "password"), [(NORTH, "wrong"), ("nobody@example.org", NORTH_PASSWORD)])
def test_a_wrong_user_name_or_password_is_refused(line: Line, user: str, password: str, sessions: Path) -> None:
    result = call("sign-in", "--api", API, "--username", user, typed=f"{password}\n")
    assert result.exit_code == 2
    assert "Incorrect username or password" in result.stderr
    assert not sessions.exists()


def test_the_first_password_is_changed_at_the_first_sign_in(line: Line) -> None:
    line.pool.add("new@example.org", "temporary-1", claims(organization="organization-of-north"), must_change=True)
    answers = ["temporary-1", "short", "short", CHOSEN, CHOSEN]

    result = call("sign-in", "--api", API, "--username", "new@example.org", typed="\n".join([*answers, ""]))

    assert result.exit_code == 0, result.output
    assert "Password not long enough" in result.stderr
    assert CHOSEN not in result.output
    assert line.pool.users["new@example.org"].password == CHOSEN


def test_the_code_of_the_app_is_asked_for_and_may_be_mistyped(line: Line) -> None:
    line.pool.users[NORTH].secret = "SECRET"
    result = call(*SIGN_IN, typed=f"{NORTH_PASSWORD}\n000000\n{CODE[:3]} {CODE[3:]}\n")
    assert result.exit_code == 0, result.output
    assert "the code is wrong" in result.stderr


def test_codes_that_are_wrong_three_times_end_the_sign_in(line: Line) -> None:
    line.pool.users[NORTH].secret = "SECRET"
    result = call(*SIGN_IN, typed=f"{NORTH_PASSWORD}\n1\n2\n3\n")
    assert result.exit_code == 2
    assert "the code is wrong" in result.stderr


def test_a_pool_that_wants_a_second_factor_has_it_set_up(line: Line) -> None:
    line.pool.users[NORTH].must_enrol = True
    result = call(*SIGN_IN, typed=f"{NORTH_PASSWORD}\n000000\n{CODE}\n")
    assert result.exit_code == 0, result.output
    assert "JBSWY3DPEHPK3PXP" in result.stderr
    assert "JBSWY3DPEHPK3PXP" not in result.stdout
    assert line.pool.users[NORTH].secret


def test_somebody_who_looks_sees_the_secret_as_a_qr_code(monkeypatch: pytest.MonkeyPatch) -> None:
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stderr", screen := Screen())
    Asked(None).show_secret("JBSWY3DPEHPK3PXP", "otpauth://totp/Rosterbridge:x?secret=JBSWY3DPEHPK3PXP")
    assert "▀" in screen.getvalue()
    assert "JBSWY3DPEHPK3PXP" in screen.getvalue()


def test_a_second_factor_can_be_set_up_where_the_pool_does_not_ask_for_it(line: Line) -> None:
    result = call(*SIGN_IN, "--second-factor", typed=f"{NORTH_PASSWORD}\n{CODE}\n")
    assert result.exit_code == 0, result.output
    assert "JBSWY3DPEHPK3PXP" in result.stderr
    assert "SetUserMFAPreference" in line.pool.calls


def test_a_first_password_and_a_second_factor_in_one_go(line: Line) -> None:
    line.pool.add("new@example.org", "temporary-1", claims(organization="organization-of-north"), must_change=True)
    answers = ["temporary-1", CHOSEN, CHOSEN, CODE, ""]
    words = ("sign-in", "--api", API, "--username", "new@example.org", "--second-factor")
    assert call(*words, typed="\n".join(answers)).exit_code == 0
    assert line.pool.users["new@example.org"].secret


def test_a_sign_in_without_answers_ends(line: Line) -> None:
    result = call(*SIGN_IN, typed="")
    assert result.exit_code == 2
    assert "no answer" in result.stderr


def test_an_unknown_step_of_the_sign_in_is_named(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line.pool, "_next", lambda user: line.pool._challenge("SMS_MFA", user))
    result = call(*SIGN_IN, typed=f"{NORTH_PASSWORD}\n")
    assert result.exit_code == 2
    assert "SMS_MFA" in result.stderr


def test_a_user_pool_that_is_away_is_a_service_that_failed(line: Line) -> None:
    line.pool.away = True
    assert call(*SIGN_IN, typed=f"{NORTH_PASSWORD}\n").exit_code == 3


def test_a_user_without_a_role_is_told_so(line: Line, sessions: Path) -> None:
    line.pool.add("new@example.org", NORTH_PASSWORD, {})
    result = call("sign-in", "--api", API, "--username", "new@example.org", typed=f"{NORTH_PASSWORD}\n")
    assert result.exit_code == 2
    assert "no-role" in result.stderr
    assert not sessions.exists()


def test_tokens_lie_in_the_keyring_and_nowhere_else(
    line: Line, keyring_of_this_machine: MemoryKeyring, sessions: Path
) -> None:
    done(*SIGN_IN, typed=f"{NORTH_PASSWORD}\n")
    kept = json.loads(keyring_of_this_machine.kept["rosterbridge", API])
    assert kept["id_token"]
    for secret in (kept["id_token"], kept["refresh_token"], NORTH_PASSWORD):
        assert secret not in sessions.read_text()


def test_without_a_keyring_tokens_lie_in_a_file_of_the_user_alone(line: Line, no_keyring: None, sessions: Path) -> None:
    done(*SIGN_IN, typed=f"{NORTH_PASSWORD}\n")
    assert sessions.stat().st_mode & 0o777 == 0o600
    assert sessions.parent.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in sessions.parent.iterdir()] == [sessions.name]
    assert NORTH_PASSWORD not in sessions.read_text()
    assert told("projects", "list")["items"]


def test_a_keyring_that_keeps_nothing_is_none(line: Line, sessions: Path) -> None:
    keyring.set_keyring(null.Keyring())
    done(*SIGN_IN, typed=f"{NORTH_PASSWORD}\n")
    assert sessions.stat().st_mode & 0o777 == 0o600
    assert told("projects", "list")["items"]


def test_a_token_that_has_ended_is_renewed_unseen(line: Line) -> None:
    line.pool.lifetime = 30
    done(*SIGN_IN, typed=f"{NORTH_PASSWORD}\n")
    line.pool.lifetime = 3600
    line.pool.calls.clear()

    assert told("projects", "list")["items"]
    assert told("projects", "list")["items"]
    assert line.pool.calls == ["GetTokensFromRefreshToken"]


def test_a_sign_in_outlives_an_api_that_is_away_for_a_moment(line: Line) -> None:
    line.failures += [httpx.ConnectError("refused"), FINE, httpx.Response(503)]
    assert call(*SIGN_IN, typed=f"{NORTH_PASSWORD}\n").exit_code == 0
    assert [request.url.path for request in line.requests] == ["/v1/sign-in"] * 2 + ["/v1/me"] * 2


def test_a_token_that_the_api_refuses_is_renewed_once(north: Line) -> None:
    north.pool._tokens.clear()
    north.pool.calls.clear()
    assert told("projects", "list")["items"]
    assert north.pool.calls == ["GetTokensFromRefreshToken"]


@pytest.mark.parametrize("content", ["", "{", "[]", "{}"])
def test_a_damaged_file_of_sessions_asks_for_a_new_sign_in(north: Line, sessions: Path, content: str) -> None:
    sessions.write_text(content)
    assert call("projects", "list", "--api", API).exit_code == 2
    assert call(*SIGN_IN, typed=f"{NORTH_PASSWORD}\n").exit_code == 0


def test_a_keyring_that_forgot_asks_for_a_new_sign_in(north: Line, keyring_of_this_machine: MemoryKeyring) -> None:
    keyring_of_this_machine.kept.clear()
    result = call("projects", "list")
    assert result.exit_code == 2
    assert "rosterbridge sign-in" in result.stderr


def test_a_session_that_is_over_asks_for_a_new_sign_in(north: Line) -> None:
    north.pool.end_sessions()
    result = call("projects", "list")
    assert result.exit_code == 2
    assert "rosterbridge sign-in" in result.stderr


def test_signing_out_ends_the_session_here_and_there(
    north: Line, keyring_of_this_machine: MemoryKeyring, sessions: Path
) -> None:
    assert API in done("sign-out")
    assert not keyring_of_this_machine.kept
    assert NORTH not in sessions.read_text()
    assert "RevokeToken" in north.pool.calls
    assert call("projects", "list", "--api", API).exit_code == 2


def test_signing_out_while_the_pool_is_away_forgets_the_session_all_the_same(north: Line, sessions: Path) -> None:
    north.pool.away = True
    result = call("sign-out")
    assert result.exit_code == 0
    assert "not ended at the user pool" in result.stderr
    assert NORTH not in sessions.read_text()


def test_without_any_deployment_the_ways_to_one_are_named(line: Line) -> None:
    result = call("projects", "list")
    assert result.exit_code == 2
    assert "make run" in result.stderr
    assert "sign-in --api URL" in result.stderr


@pytest.mark.parametrize(
    "api", ["http://api.example.org", "api.example.org", "ftp://api.example.org", "https://", "https://api:port"]
)
def test_a_token_travels_only_encrypted(line: Line, api: str) -> None:
    result = call("sign-in", "--api", api, "--username", NORTH, typed=f"{NORTH_PASSWORD}\n")
    assert result.exit_code == 2
    assert "address" in result.stderr
    assert not line.requests


def test_the_environment_names_the_deployment_too(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROSTERBRIDGE_API", f"{API}/")
    assert call("sign-in", "--username", NORTH, typed=f"{NORTH_PASSWORD}\n").exit_code == 0
    assert told("projects", "list")["items"]


@pytest.mark.parametrize(
    ("api", "named", "asked"),
    [
        ("http://127.0.0.1:4566/_aws/execute-api/1/$default", None, "http://127.0.0.1:4566"),
        ("http://127.0.0.1:4566", "http://127.0.0.1:4567", "http://127.0.0.1:4567"),
        ("https://api.example.org", "https://elsewhere.example", "https://cognito-idp.eu-west-1.amazonaws.com"),
    ],
)
def test_only_an_api_on_this_machine_says_where_its_users_prove_their_password(
    api: str, named: str | None, asked: str
) -> None:
    told = {"region": REGION, "user_pool_id": POOL_ID, "client_id": CLIENT_ID, "cognito_endpoint": named}
    assert pool_of(told, api).url == asked


def test_something_that_is_no_api_is_told(line: Line) -> None:
    line.failures += [httpx.ConnectError("refused")] * 4
    result = call(*SIGN_IN, typed=f"{NORTH_PASSWORD}\n")
    assert result.exit_code == 3
    assert "api.example.org gives no answer" in result.stderr


@pytest.fixture
def local_stack(line: Line, home: Path) -> Path:
    """What ``make run`` leaves for the command line."""
    users = {"administrator": (NORTH, NORTH_PASSWORD), "operator": (OPERATOR, OPERATOR_PASSWORD)}
    content = {
        "region": REGION,
        "organization_id": "organization-of-north",
        "project_id": "project-of-north",
        "api": {"url": API, "user_pool_id": POOL_ID, "client_id": CLIENT_ID},
        **{role: {"username": name, "password": password} for role, (name, password) in users.items()},
    }
    path = home / ".local" / "stack.json"
    path.parent.mkdir()
    path.write_text(json.dumps(content))
    return path


def test_beside_a_local_stack_every_command_works_at_once(local_stack: Path) -> None:
    assert "roster-of-north.zip" in done("runs", "list")


def test_beside_a_local_stack_its_other_user_needs_no_password_either(local_stack: Path) -> None:
    assert "operator" in done("sign-in", "--username", OPERATOR)
    assert len(told("organizations", "list")["items"]) == 2


def test_beside_a_local_stack_an_administrator_of_another_organization_means_their_own_project(
    local_stack: Path, line: Line
) -> None:
    south = {"cognito:groups": "[administrator]", "custom:organization_id": "organization-of-south"}
    line.pool.add("south@example.org", "a long passphrase of south", south)
    done("sign-in", "--username", "south@example.org", "--password-stdin", typed="a long passphrase of south\n")
    assert "roster-of-south.zip" in done("runs", "list")


def test_a_local_stack_is_meant_only_beside_it(
    local_stack: Path, north: Line, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = json.loads(local_stack.read_text())
    local_stack.write_text(json.dumps({**content, "api": {**content["api"], "url": f"{API}/local"}}))
    call("runs", "list")
    assert north.requests[-1].url.path.startswith("/local/")

    monkeypatch.chdir(home.parent)
    done("projects", "list")
    assert north.requests[-1].url.path.startswith("/v1/")


def test_a_session_of_an_earlier_local_stack_is_not_used(local_stack: Path, line: Line) -> None:
    done("sign-in", "--username", OPERATOR)
    content = json.loads(local_stack.read_text())
    local_stack.write_text(json.dumps({**content, "region": "eu-west-2"}))
    line.pool.calls.clear()
    call("runs", "list")  # the other pool is nowhere
    assert "GetTokensFromRefreshToken" not in line.pool.calls


def test_a_local_stack_of_an_earlier_version_is_told(local_stack: Path) -> None:
    local_stack.write_text(json.dumps({"region": REGION, "project_id": "p"}))
    result = call("runs", "list")
    assert result.exit_code == 2
    assert "make run" in result.stderr


def test_a_local_stack_that_is_named_but_missing_is_told(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROSTERBRIDGE_STACK", str(tmp_path / "stack.json"))
    result = call("runs", "list")
    assert result.exit_code == 2
    assert "make run" in result.stderr
