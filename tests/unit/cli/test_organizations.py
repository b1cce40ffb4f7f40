"""``organizations``, ``users``, ``projects`` and ``audit``, and what all verbs have in common."""

from __future__ import annotations

import json

import httpx
import pytest

from rosterbridge.flows.models import Flow
from tests.support.api import belongings
from tests.support.command_line import API, Line, call, done, told

ORGANIZATION, PROJECT = "organization-of-north", "project-of-north"


def test_an_administrator_sees_their_own_organization(north: Line) -> None:
    assert [found["id"] for found in told("organizations", "list")["items"]] == [ORGANIZATION]
    assert "Schools of north" in done("organizations", "list")
    assert "Schools of north" in done("organizations", "show")


def test_an_organization_is_renamed(north: Line) -> None:
    assert told("organizations", "rename", "Springfield")["name"] == "Springfield"
    assert "Springfield" in done("organizations", "show")


def test_an_organization_chooses_who_is_told(north: Line) -> None:
    assert "nobody" in done("organizations", "show")
    chosen = told("organizations", "notify", "rosters@example.org", "it@example.org")
    assert chosen["notify"] == ["rosters@example.org", "it@example.org"]
    assert "rosters@example.org, it@example.org" in done("organizations", "show")
    assert told("organizations", "notify", "--nobody")["notify"] == []


def test_who_is_told_is_never_left_open(north: Line) -> None:
    for words in ((), ("rosters@example.org", "--nobody")):
        result = call("organizations", "notify", *words)
        assert (result.exit_code, "--nobody" in result.stderr) == (2, True)


def test_an_address_that_is_none_is_refused_by_its_place(north: Line) -> None:
    result = call("organizations", "notify", "rosters@example.org", "nobody")

    assert result.exit_code == 2
    assert "notify.1" in result.stderr


def test_only_operators_create_organizations(north: Line) -> None:
    result = call("organizations", "create", "Springfield")
    assert result.exit_code == 2
    assert "operators-only: Only an operator may do this." in result.stderr


def test_an_operator_creates_an_organization_and_invites_its_administrator(operator: Line) -> None:
    made = told("organizations", "create", "Springfield")
    invited = told("users", "invite", "someone@springfield.example", "--organization", made["id"])
    assert invited["role"] == "administrator"
    assert "someone@springfield.example" in done("users", "list", "--organization", made["id"])


def test_an_operator_must_name_one_of_several_organizations(operator: Line) -> None:
    result = call("projects", "list")
    assert result.exit_code == 2
    assert "--organization" in result.stderr
    assert "Schools of north (organization-of-north)" in result.stderr
    assert [one["id"] for one in told("projects", "list", "--organization", ORGANIZATION)["items"]] == [PROJECT]


def test_the_only_organization_needs_no_name(operator: Line) -> None:
    operator.world.accounts.__init__()  # type: ignore[misc]
    made = told("organizations", "create", "Springfield")
    assert told("organizations", "show")["id"] == made["id"]


def test_a_user_is_removed_only_if_it_is_meant(operator: Line) -> None:
    user = belongings("north")["user_id"]
    words = ("users", "remove", user, "--organization", ORGANIZATION)
    assert "nothing was changed" in call(*words, typed="n\n").stderr
    assert user in operator.world.users.known
    assert call(*words, typed="y\n").exit_code == 0
    assert user not in operator.world.users.known


def test_another_organization_is_none(north: Line) -> None:
    result = call("projects", "list", "--organization", "organization-of-south")
    assert result.exit_code == 2
    assert "organization-missing" in result.stderr


def test_a_project_is_created_and_its_saving_switched(north: Line) -> None:
    made = told("projects", "create", "Rosters")
    assert made["save_data"] is False
    output = done("projects", "update", made["id"], "--name", "Autumn", "--save-data")
    assert "Autumn" in output
    assert told("projects", "show", made["id"])["save_data"] is True
    assert told("projects", "update", made["id"], "--no-save-data")["save_data"] is False
    assert "saves data" in done("projects", "list")


def test_an_update_without_a_change_is_wrong_usage(north: Line) -> None:
    result = call("projects", "update", PROJECT)
    assert result.exit_code == 2
    assert "name something to change" in result.stderr
    assert not north.requests


def test_a_change_names_the_version_that_was_read(north: Line) -> None:
    done("projects", "update", PROJECT, "--name", "Autumn")
    read, changed = north.requests
    assert (read.method, changed.method, changed.headers["If-Match"]) == ("GET", "PATCH", '"1"')


def test_each_creation_has_an_idempotency_key_of_its_own(north: Line) -> None:
    done("projects", "create", "Autumn")
    done("projects", "create", "Spring")
    assert len({request.headers["Idempotency-Key"] for request in north.requests}) == 2


def test_a_refusal_names_the_field_and_how_to_mend_it(north: Line) -> None:
    result = call("projects", "create", " ")
    assert result.exit_code == 2
    assert "invalid-request" in result.stderr
    assert "name: " in result.stderr


def test_programs_get_the_refusal_as_json_too(north: Line) -> None:
    result = call("projects", "show", "project-1", "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["code"] == "project-missing"


@pytest.mark.parametrize(("status", "code"), [(502, 3), (404, 2)])
def test_an_answer_that_is_not_of_the_api_is_told(
    north: Line, status: int, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(north, "_of_api", lambda _: httpx.Response(status, text="<html>"))
    result = call("projects", "list")
    assert result.exit_code == code
    assert "<html>" not in result.output


def test_an_id_reaches_no_other_address(north: Line) -> None:
    assert call("projects", "show", "x/../../flows").exit_code == 2
    assert north.requests[0].url.raw_path.endswith(b"/projects/x%2F..%2F..%2Fflows")


def test_no_name_commands_the_terminal(north: Line) -> None:
    north.world.accounts.put(
        north.world.accounts.organizations()[0].model_copy(update={"name": "North\x1b[2J[red]Schools"})
    )
    for words in (("organizations", "list"), ("organizations", "show")):
        output = done(*words)
        assert "\x1b" not in output
        assert "[red]Schools" in output


def test_no_name_in_a_refusal_commands_the_terminal(operator: Line) -> None:
    accounts = operator.world.accounts
    flow = accounts.get(Flow, ORGANIZATION, belongings("north")["flow_id"])
    assert flow is not None
    accounts.put(
        flow.model_copy(update={"name": "\x9b2JFlow\u202e"}),
        accounts.organizations()[0].model_copy(update={"name": "\x9b2JNorth\u202e"}),
    )
    account = belongings("north")["file_account_id"]
    for words, name in (
        (("projects", "list"), "North"),
        (("accounts", "delete", account, "--yes", "--organization", ORGANIZATION), "Flow"),
    ):
        said = call(*words).stderr
        assert name in said
        assert not {"\x9b", "\u202e"} & set(said)


@pytest.mark.parametrize("letter", ["\x1b", "\x7f", "\x85", "\x9b", "\u2028", "\u2029", "\u202e", "\u2066", "\u2069"])
def test_a_name_that_could_command_a_terminal_or_turn_the_text_around_is_refused(north: Line, letter: str) -> None:
    result = call("projects", "create", f"Aut{letter}umn")
    assert result.exit_code == 2
    assert "name: " in result.stderr


@pytest.mark.parametrize("name", ["Übergröße – 学校", "مدرسة", "Family 👩‍👧"])
def test_a_name_may_be_of_any_language(north: Line, name: str) -> None:
    assert told("projects", "create", name)["name"] == name


def test_the_audit_trail_shows_what_was_done(north: Line) -> None:
    done("projects", "create", "Rosters")
    lines = done("audit", "list").splitlines()
    assert "create" in lines[1]
    assert "192.0.2.7" in lines[1]


def test_a_long_list_goes_on_where_it_stopped(north: Line) -> None:
    for number in range(3):
        done("projects", "create", f"Project {number}")
    first = told("audit", "list", "--limit", "2")
    assert len(first["items"]) == 2
    assert f"--cursor {first['cursor']}" in done("audit", "list", "--limit", "2")
    rest = told("audit", "list", "--cursor", first["cursor"], "--all")
    assert len(rest["items"]) == 2
    assert rest["cursor"] is None


def test_the_api_can_be_named_with_each_verb(north: Line) -> None:
    assert told("projects", "list", "--api", API)["items"]
