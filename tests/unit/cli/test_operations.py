"""What an operator reads after a redrive, and which run an ending is about."""

from __future__ import annotations

import json

import pytest

from rosterbridge.cli.operations import print_done, run_of
from rosterbridge.flows.redriving import Redriven, Way
from tests.support import flows

RUN = "0" * 32


@pytest.mark.parametrize("letter", [{"detail": {"name": RUN, "status": "ABORTED"}}, {"run_id": RUN}])
def test_an_ending_that_was_not_delivered_names_its_run(letter: dict[str, object]) -> None:
    assert run_of(json.dumps(letter)) == RUN


def test_a_person_sees_what_goes_on_and_what_stays(capsys: pytest.CaptureFixture[str]) -> None:
    again, stays = flows.run(error="gave-up"), flows.run(error="asm-sign-in-refused")
    done = [
        Redriven(again, Way.RERUN, rerun="1" * 32),
        Redriven(stays, Way.TO_BE_MENDED, code="asm-sign-in-refused"),
    ]

    print_done([{"queue": "DeadUploads", "messages": 2}], done, as_json=False)

    shown = capsys.readouterr()
    queues, runs = shown.out.split("\n\n")
    assert "DeadUploads" in queues
    first, second = runs.strip().splitlines()[1:]
    assert all(word in first for word in (again.id, "gave-up", "rerun", "1" * 32))
    assert all(word in second for word in (stays.id, "to-be-mended"))
    assert "1 of 2 runs stay as they are" in shown.err


def test_where_all_is_well_that_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    print_done([], [], as_json=False)

    assert capsys.readouterr().out.split("\n\n") == ["no dead letters", "no run to redrive\n"]


def test_a_program_gets_everything(capsys: pytest.CaptureFixture[str]) -> None:
    run = flows.run(error="run-stopped")

    print_done([], [Redriven(run, Way.RERUN, rerun="1" * 32, closed=True)], as_json=True)

    assert json.loads(capsys.readouterr().out) == {
        "dead_letters": [],
        "runs": [
            {
                "run": run.id,
                "flow": run.flow_id,
                "error": "run-stopped",
                "way": "rerun",
                "rerun": "1" * 32,
                "why_not": None,
                "closed": True,
            }
        ],
    }
