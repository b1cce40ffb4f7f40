"""``organizations erase``: only if it is meant, followed to its end, with a certificate."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from rosterbridge.cli import erasing
from tests.support.api import NOW
from tests.support.command_line import Line, call, done, told
from tests.support.fakes import FakeErasureJob, FakeErasureStore

ORGANIZATION, NAME = "organization-of-north", "Schools of north"
ERASE = ("organizations", "erase", ORGANIZATION)


class QuickJob(FakeErasureJob):
    """Has erased everything as soon as it is asked."""

    def __init__(self, store: FakeErasureStore) -> None:
        super().__init__()
        self._store = store

    def start(self, organization_id: str, at: datetime) -> None:
        super().start(organization_id, at)
        self._store.count(organization_id, {"run_files": 7, "runs": 2})
        self._store.quiet(organization_id, at)
        until = {"backups": NOW + timedelta(days=35), "certificate": NOW + timedelta(days=400)}
        self._store.end(organization_id, NOW, until, until["certificate"])


@pytest.fixture(autouse=True)
def _quick(operator: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    operator.world.erasing = QuickJob(operator.world.erasures)
    monkeypatch.setattr(erasing, "POLL_SECONDS", 0.0)


def test_an_organization_is_erased_when_its_name_is_typed(operator: Line) -> None:
    result = call(*ERASE, typed=f"{NAME}\n")

    assert result.exit_code == 0
    assert "Nobody can bring it back" in result.stderr
    assert ORGANIZATION in result.stdout
    assert "run files" in result.stdout
    assert "backups" in result.stdout
    assert operator.world.erasing.started == [ORGANIZATION]


def test_another_name_erases_nothing(operator: Line) -> None:
    result = call(*ERASE, typed="Schools of south\n")

    assert "nothing was changed" in result.stderr
    assert call(*ERASE, "--yes", "Schools of south").exit_code == 2
    assert operator.world.erasing.started == []


def test_a_script_names_it_and_gets_the_certificate(operator: Line) -> None:
    certificate = told(*ERASE, "--yes", NAME)

    assert certificate["counts"] == {"run_files": 7, "runs": 2}
    assert certificate["ended_at"]
    assert told(*ERASE, "--yes", NAME) == told("organizations", "erasures")["items"][0] == certificate
    assert operator.world.erasing.started == [ORGANIZATION]


def test_nobody_else_erases(north: Line) -> None:
    assert "operators-only" in call(*ERASE, "--yes", NAME).stderr
    assert "no organization was erased" in done("organizations", "erasures")


def test_what_is_being_erased_is_refused_and_can_be_gone_on_with(
    operator: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operator.world, "erasing", FakeErasureJob())
    monkeypatch.setattr(erasing, "STALLED_SECONDS", 0.05)

    stalled = call(*ERASE, "--yes", NAME)

    assert stalled.exit_code == 3
    assert "erasure-stalled" in stalled.stderr
    refused = call("projects", "list", "--organization", ORGANIZATION)
    assert (refused.exit_code, "organization-erasing" in refused.stderr) == (2, True)
    operator.world.erasing = QuickJob(operator.world.erasures)
    assert told(*ERASE, "--yes", NAME)["ended_at"]
