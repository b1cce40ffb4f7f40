"""``flows``: the wizard in one command, all of it or nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rosterbridge.errors import PermanentError
from tests.support import flows
from tests.support.api import belongings
from tests.support.command_line import Line, call, done, told
from tests.support.flows import HOST_KEY, KEY

FLOW = belongings("north")["flow_id"]
ACCOUNT, ASM_ACCOUNT = belongings("north")["file_account_id"], belongings("north")["asm_account_id"]
NEW_ASM = ("--asm-username", "district@sftp.apple.example", "--password-stdin")
SECRET = "apple-secret\n"
APPLE_FINGERPRINT = "SHA256:VzTtZsG0PKOQMC4HwMDe7Py1jIQQtIwpJkJBFSKKRak"  # of HOST_KEY, by ssh-keygen -lf


@pytest.fixture(autouse=True)
def fingerprint(north: Line) -> str:
    """The fingerprint of the key that Apple's server shows."""
    north.world.delivery.host_key = HOST_KEY
    return str(north.world.delivery.probe(flows.asm_account(host_keys=()), "").fingerprint)


def create(*words: str | Path) -> tuple[str | Path, ...]:
    return ("flows", "create", "Roster", "--template", "oneroster-csv", *words)


def test_the_templates_say_what_is_needed_beforehand(north: Line) -> None:
    output = done("flows", "templates")
    assert "oneroster-csv  OneRoster CSV" in output
    assert "asm-csv" in output
    assert "  - " in output
    assert "users.csv" in output


def test_a_flow_is_created_with_both_accounts_in_one_command(north: Line, fingerprint: str) -> None:
    words = create("--new-account", "springfield-sis", *NEW_ASM, "--accept-host-key", fingerprint)
    output = done(*words, typed=SECRET)
    assert "What the SIS needs to upload:" in output
    for expected in ("sftp.example.org", "springfield-sis", "SHA256:fake", "not shown again", APPLE_FINGERPRINT):
        assert expected in output
    assert "apple-secret" not in output
    made = next(flow for flow in told("flows", "list")["items"] if flow["name"] == "Roster")
    assert (made["template"], made["enabled"]) == ("oneroster-csv", True)


def test_a_flow_with_a_key_and_options_from_files(north: Line, fingerprint: str, home: Path) -> None:
    (home / "sis.pub").write_text(KEY)
    (home / "options.json").write_text('{"grades": ["KG"]}')
    words = create("--new-account", "springfield-sis", "--public-key", home / "sis.pub", "--network", "192.0.2.0/24")
    more = ("--options", home / "options.json", "--off", "--accept-host-key", fingerprint, "--asm-name", "Apple 2")
    made = told(*words, *NEW_ASM, *more, typed=SECRET)
    assert made["flow"]["options"]["grades"] == ["KG"]
    assert made["flow"]["enabled"] is False
    assert made["file_account"]["authentication"] == "public_key"
    assert made["file_account"]["networks"] == ["192.0.2.0/24"]
    assert made["asm_account"]["name"] == "Apple 2"
    assert ["grades", "KG"] in [line.split() for line in done("flows", "show", made["flow"]["id"]).splitlines()]


def test_a_flow_of_accounts_that_exist(north: Line) -> None:
    made = told(*create("--account", ACCOUNT, "--asm-account", ASM_ACCOUNT))
    assert (made["file_account"]["id"], made["asm_account"]["id"]) == (ACCOUNT, ASM_ACCOUNT)
    assert made["file_account"]["password"] is None


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--account", ACCOUNT),
        ("--account", ACCOUNT, "--new-account", "springfield-sis", "--asm-account", ASM_ACCOUNT),
        ("--account", ACCOUNT, "--asm-account", ASM_ACCOUNT, "--asm-username", "district"),
        ("--account", ACCOUNT, "--network", "192.0.2.0/24", "--asm-account", ASM_ACCOUNT),
    ],
)
def test_each_account_is_an_old_or_a_new_one(north: Line, words: tuple[str, ...]) -> None:
    assert call(*create(*words)).exit_code == 2
    assert not north.requests


def test_a_connection_that_does_not_work_creates_nothing(north: Line) -> None:
    north.world.delivery.error = PermanentError("asm-sign-in-refused")
    words = create("--new-account", "springfield-sis", *NEW_ASM, "--accept-host-key", "SHA256:x")
    assert call(*words, typed=SECRET).exit_code == 1
    assert len(told("flows", "list")["items"]) == len(told("accounts", "list")["items"]) == 1


def test_the_project_is_named_where_there_are_several(north: Line) -> None:
    other = told("projects", "create", "Autumn")["id"]
    words = create("--account", ACCOUNT, "--asm-account", ASM_ACCOUNT)
    assert "Autumn" in call(*words).stderr
    assert told(*words, "--project", other)["flow"]["project_id"] == other
    assert [flow["id"] for flow in told("flows", "list", "--project", "project-of-north")["items"]] == [FLOW]


def test_wrong_options_are_named(north: Line, home: Path) -> None:
    (home / "options.json").write_text('{"max_dropped": 7}')
    result = call("flows", "update", FLOW, "--options", home / "options.json")
    assert result.exit_code == 2
    assert "max_dropped" in result.stderr
    (home / "options.json").write_text("{")
    assert "holds no JSON" in call("flows", "update", FLOW, "--options", home / "options.json").stderr


def test_a_flow_is_renamed_and_switched_off(north: Line) -> None:
    changed = told("flows", "update", FLOW, "--name", "Autumn", "--off")
    assert (changed["name"], changed["enabled"]) == ("Autumn", False)
    assert "Autumn" in done("flows", "list")


def test_a_flow_is_deleted_only_if_it_is_meant(north: Line) -> None:
    assert "nothing was changed" in call("flows", "delete", FLOW, typed="n\n").stderr
    assert f"deleted {FLOW}" in done("flows", "delete", FLOW, "--yes")
    assert told("flows", "list")["items"] == []


def test_json_of_a_flow_is_the_api_s(north: Line) -> None:
    shown = told("flows", "show", FLOW)
    assert json.dumps(shown["options"])
    assert shown["id"] == FLOW


def test_the_guard_is_shown_and_changed_by_percent_and_days(north: Line) -> None:
    assert "held above 10% of a file" in done("flows", "guard", FLOW)

    days = ("--blackout", "2026-12-20..2027-01-05", "--blackout", "2027-02-01")
    rules = told("flows", "guard", FLOW, "--max-removed", "20", *days)

    assert (rules["removed_share"], rules["changed_share"]) == (0.2, 0.75)
    assert rules["blackouts"] == [
        {"first": "2026-12-20", "last": "2027-01-05"},
        {"first": "2027-02-01", "last": "2027-02-01"},
    ]
    assert told("flows", "guard", FLOW, "--blackout", "")["blackouts"] == []
    assert told("flows", "guard", FLOW)["removed_share"] == 0.2


def test_the_guard_is_replaced_from_a_file(north: Line, home: Path) -> None:
    (home / "guard.json").write_text('{"least_rows": 5}')
    told("flows", "guard", FLOW, "--max-removed", "20")

    rules = told("flows", "guard", FLOW, "--guard", home / "guard.json")

    assert (rules["least_rows"], rules["removed_share"]) == (5, 0.1)


def test_an_upload_is_missed_by_a_time_of_day_in_a_zone(north: Line) -> None:
    done("flows", "update", FLOW, "--time-zone", "Europe/Berlin", "--expected-by", "06:00")

    assert "06:00" in done("flows", "show", FLOW)
    assert told("flows", "update", FLOW, "--expected-by", "")["expected_by"] is None
    assert call("flows", "update", FLOW, "--time-zone", "Mars/Olympus").exit_code == 2
