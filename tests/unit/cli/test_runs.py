"""``runs``: what happened to each upload, as its sender asks for it."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console

from rosterbridge.cli.session import EARLY_SECONDS
from rosterbridge.flows.models import Hold, ObjectRef, Run, RunStatus, Step
from rosterbridge.roster.documents import report_to_json
from tests.support import flows
from tests.support.api import belongings
from tests.support.command_line import API, FINE, NORTH, NORTH_PASSWORD, Line, call, done, told
from tests.support.rosters import added, asm, process

RUN = belongings("north")["run_id"]
OWNER = {name: belongings("north")[name] for name in ("organization_id", "project_id", "flow_id")}


def add_run(line: Line, *, minutes: int = 1, **changes: Any) -> Run:
    """Give the first organization a run that is newer than its first one."""
    at = flows.AT + timedelta(minutes=minutes)
    return line.world.runs.create(flows.run(**{**OWNER, "received_at": at, **changes}))


def test_the_list_has_each_run_in_a_line_newest_first(north: Line) -> None:
    newer = add_run(north, status=RunStatus.REJECTED, file_name="bad.zip", summary="The file is not a ZIP archive.")
    _, first, second = done("runs", "list").splitlines()
    assert first.startswith(newer.id[:12])
    for expected in ("rejected", "bad.zip", "not a ZIP archive"):
        assert expected in first
    assert "roster-of-north.zip" in second


def test_the_flow_is_named_where_there_are_several(north: Line) -> None:
    assert "Flow of north" not in done("runs", "list")
    add_run(north, flow_id="flow-2", flow_name="Autumn")
    assert "Flow of north" in done("runs", "list")
    assert [run["flow_id"] for run in told("runs", "list", "--flow", "flow-2")["items"]] == ["flow-2"]


def test_runs_are_chosen_by_status_and_time(north: Line) -> None:
    newer = add_run(north, minutes=90, status=RunStatus.FAILED)
    assert [run["id"] for run in told("runs", "list", "--status", "failed")["items"]] == [newer.id]
    later = (flows.AT + timedelta(minutes=30)).isoformat()
    assert [run["id"] for run in told("runs", "list", "--since", later)["items"]] == [newer.id]
    assert [run["id"] for run in told("runs", "list", "--until", later)["items"]] == [RUN]
    assert len(told("runs", "list", "--since", "2026-01-01")["items"]) == 2
    assert call("runs", "list", "--since", "yesterday").exit_code == 2


def test_a_long_history_goes_on_where_it_stopped(north: Line) -> None:
    for minutes in range(1, 250):
        add_run(north, minutes=minutes)
    assert len(told("runs", "list")["items"]) == 20
    first = told("runs", "list", "--limit", "130")
    assert len(first["items"]) == 130
    assert f"--cursor {first['cursor']}" in done("runs", "list", "--limit", "130")
    assert len(told("runs", "list", "--cursor", first["cursor"], "--limit", "1000")["items"]) == 120
    assert len(told("runs", "list", "--all")["items"]) == 250


def test_an_empty_history_says_so(north: Line) -> None:
    other = told("projects", "create", "Autumn")["id"]
    assert "no run yet" in done("runs", "list", "--project", other)


@pytest.fixture
def reported(north: Line, tmp_path: Path) -> Run:
    """A run with a stored report and two steps."""
    report = process(tmp_path, added(asm(), "rosters.csv", "e3,c9,p1")).report
    ref = north.world.objects.put(ObjectRef(bucket="runs", key="runs/r/report.json"), report_to_json(report).encode())
    receive = Step(name="receive", started_at=flows.AT, ended_at=flows.AT + timedelta(seconds=1), outcome="succeeded")
    validate = receive.model_copy(
        update={"name": "validate", "outcome": "rejected", "code": "unknown-class", "counts": {"rows": 1234}}
    )
    source = north.world.objects.put(ObjectRef(bucket="runs", key="runs/r/source.zip"), b"the upload")
    return add_run(
        north, report=ref, source=source, steps=(receive, validate), status=RunStatus.REJECTED, file_bytes=4711
    )


def test_a_run_shows_steps_counts_and_report(reported: Run) -> None:
    output = done("runs", "show", reported.id)
    lines = {line.split()[0]: line for line in output.splitlines() if line.strip()}
    assert "validate counts: rows 1,234" in output
    assert lines["receive"].split()[3:5] == ["1.00", "s"]
    assert "source, errors, report" in lines["downloads"]
    assert "asm-unknown-reference" in output
    assert "roster.zip, 4,711 bytes" in output


def test_the_beginning_of_an_id_is_enough(reported: Run, north: Line) -> None:
    assert reported.id in done("runs", "show", reported.id[:10])
    assert "no run ffffff" in call("runs", "show", "ffffff").stderr
    add_run(north, id=f"{reported.id[:10]}{'0' * 22}")
    result = call("runs", "show", reported.id[:10])
    assert result.exit_code == 2
    assert "2 runs begin with" in result.stderr


def test_programs_get_the_run_as_the_api_tells_it(reported: Run) -> None:
    shown = told("runs", "show", reported.id)
    assert shown["steps"][1]["code"] == "unknown-class"
    assert shown["links"]["report"].endswith("/report")


def test_an_operator_is_led_to_a_run_in_the_console_of_aws(operator: Line) -> None:
    of_north = ("--organization", OWNER["organization_id"])

    name, address, *_ = done("runs", "links", RUN, "--project", OWNER["project_id"], *of_north).splitlines()

    assert name == "execution"
    assert address.startswith("https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1#/v2/executions/")
    assert address.endswith(f":{RUN}")
    assert told("runs", "links", RUN, "--project", OWNER["project_id"], *of_north).keys() == {
        "execution",
        "trace",
        "log",
    }


def test_an_administrator_sees_nothing_of_the_console_of_aws(north: Line) -> None:
    result = call("runs", "links", RUN)

    assert result.exit_code == 2
    assert "only operators see AWS's console" in result.stderr


def test_the_report_is_written_in_the_form_that_its_name_says(reported: Run, home: Path) -> None:
    assert call("runs", "show", reported.id, "--report", home / "r.txt", "--report", home / "r.csv").exit_code == 0
    assert (home / "r.txt").read_text(encoding="utf-8") == (
        "rosters.csv:4 - class_id = 'c9' does not reference any class_id in classes.csv\n"
    )
    with (home / "r.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [row["line"] for row in csv.DictReader(file)][:1] == ["4"]


def test_a_report_that_is_gone_is_not_written(reported: Run, north: Line, home: Path) -> None:
    assert reported.report is not None
    north.world.objects.delete(reported.report)
    result = call("runs", "show", reported.id, "--report", home / "r.txt")
    assert result.exit_code == 2
    assert "no report" in result.stderr
    assert not (home / "r.txt").exists()
    assert reported.id in done("runs", "show", reported.id)


def test_a_step_shows_request_and_response_only_where_they_are_saved(north: Line) -> None:
    forward = Step(
        name="forward",
        started_at=flows.AT,
        request={"method": "put", "remote_path": "dropbox/x.zip"},
        response={"bytes": 4711},
    )
    run = add_run(north, steps=(forward, Step(name="convert", started_at=flows.AT)))
    output = done("runs", "show", run.id, "--step", "forward")
    assert "method put" in output
    assert "bytes 4711" in output
    assert "the project does not save it" in done("runs", "show", run.id, "--step", "convert")
    assert told("runs", "show", run.id, "--step", "forward")["response"] == {"bytes": 4711}
    assert "no step validate" in call("runs", "show", run.id, "--step", "validate").stderr


@pytest.mark.parametrize(("what", "name"), [("result", "zip"), ("provenance", "csv.gz"), ("source", "zip")])
def test_a_file_is_downloaded_under_the_run_s_name(north: Line, home: Path, what: str, name: str) -> None:
    assert f"{RUN[:12]}-{what}.{name}" in done("runs", "download", RUN, what)
    assert (home / f"{RUN[:12]}-{what}.{name}").read_bytes() == what.encode()
    assert [path.name for path in home.iterdir()] == [f"{RUN[:12]}-{what}.{name}"]


def test_the_errors_are_downloaded_as_csv(reported: Run, home: Path) -> None:
    done("runs", "download", reported.id, "errors", "--output", home / "errors.csv")
    assert "asm-unknown-reference" in (home / "errors.csv").read_text(encoding="utf-8-sig")


def test_a_download_overwrites_nothing(north: Line, home: Path) -> None:
    (home / "mine.zip").write_text("mine")
    assert call("runs", "download", RUN, "result", "--output", home / "mine.zip").exit_code == 2
    assert (home / "mine.zip").read_text() == "mine"
    assert call("runs", "download", RUN, "result", "--output", home / "nowhere" / "x.zip").exit_code == 2


def test_a_download_that_breaks_off_leaves_nothing(north: Line, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Breaking(httpx.SyncByteStream):
        def __iter__(self) -> Any:
            yield b"some"
            raise httpx.ReadError("broken")

    def handle(_: Any, request: httpx.Request) -> httpx.Response:
        if request.url.host == "objects.invalid":
            return httpx.Response(200, stream=Breaking())
        answer = north.answer(request)
        return httpx.Response(answer.status_code, headers=answer.headers, stream=httpx.ByteStream(answer.read()))

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", handle)
    result = call("runs", "download", RUN, "result")
    assert result.exit_code == 3
    assert "broken-off" in result.stderr
    assert list(home.iterdir()) == []


def test_programs_get_the_link(north: Line, home: Path) -> None:
    assert told("runs", "download", RUN, "result")["url"].startswith("https://")
    assert list(home.iterdir()) == []


def test_what_a_run_does_not_have_is_refused(north: Line) -> None:
    run = add_run(north)
    result = call("runs", "download", run.id, "result")
    assert result.exit_code == 2
    assert call("runs", "download", run.id, "everything").exit_code == 2


def test_a_run_is_run_again(reported: Run, north: Line) -> None:
    made = told("runs", "rerun", reported.id)
    assert made["rerun_of"] == reported.id
    assert made["status"] == "received"
    assert f"rerun of        {reported.id}" in done("runs", "show", made["id"])


def held(north: Line) -> Run:
    """Return a run that waits for somebody."""
    hold = Hold(
        reasons=("too-many-removed",), sentence="Held: 31 students.", since=flows.AT, until=flows.AT + timedelta(days=7)
    )
    run = add_run(north, hold=hold)
    north.world.runs.wait(run.id, "token")
    return run


@pytest.mark.parametrize(("verb", "decision"), [("approve", "approved"), ("reject", "rejected")])
def test_a_held_run_is_approved_or_rejected_with_a_reason(north: Line, verb: str, decision: str) -> None:
    run = held(north)
    assert "held for        too-many-removed" in done("runs", "show", run.id)

    output = done("runs", verb, run.id[:12], "--reason", "The leavers.")

    assert "The leavers." in output
    assert north.world.waiting.resumed == {"token": decision}
    assert call("runs", verb, run.id).exit_code == 2  # without a reason


def test_watching_ends_when_the_run_is_held(north: Line) -> None:
    run = held(north)

    assert call("runs", "watch", run.id).exit_code == 1


def test_next_and_previous_lead_through_the_history(north: Line) -> None:
    newer = add_run(north)
    assert newer.id in done("runs", "next", RUN)
    assert RUN in done("runs", "previous", newer.id)
    assert "no later run" in done("runs", "next", newer.id)
    assert told("runs", "previous", RUN) is None


class Ending:
    """Lets a run go on by one status each time that the API is asked for it."""

    def __init__(self, line: Line, run: Run, *statuses: RunStatus) -> None:
        self._line, self._run, self._statuses = line, run, list(statuses)
        self._answer = line.answer
        self.asked = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/status"):
            self.asked += 1
            status = self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]
            self._line.world.runs.runs[self._run.id] = self._run.model_copy(update={"status": status})
        return self._answer(request)


def watch(line: Line, monkeypatch: pytest.MonkeyPatch, *statuses: RunStatus) -> tuple[Any, Ending]:
    run = add_run(line)
    ending = Ending(line, run, *statuses)
    monkeypatch.setattr(line, "answer", ending)
    return call("runs", "watch"), ending


@pytest.mark.parametrize(
    ("end", "exit_code"),
    [(RunStatus.SUCCEEDED, 0), (RunStatus.REJECTED, 1), (RunStatus.FAILED, 3), (RunStatus.SUPERSEDED, 0)],
)
def test_watching_the_newest_run_tells_each_status_until_its_end(
    north: Line, monkeypatch: pytest.MonkeyPatch, end: RunStatus, exit_code: int
) -> None:
    result, ending = watch(
        north, monkeypatch, RunStatus.RECEIVED, RunStatus.VALIDATING, RunStatus.VALIDATING, RunStatus.FORWARDING, end
    )
    assert result.exit_code == exit_code
    assert result.stderr.split() == ["received", "validating", "forwarding", end]
    assert ending.asked == 5
    assert end in result.stdout


def test_somebody_who_looks_sees_a_bar(north: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr("rosterbridge.cli.watching.errors", Console(file=screen, force_terminal=True, width=80))
    result, _ = watch(north, monkeypatch, RunStatus.CONVERTING, RunStatus.SUCCEEDED)
    assert result.exit_code == 0
    assert "━" in screen.getvalue()


def test_watching_survives_a_service_that_is_away_for_a_while(north: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    run = add_run(north, status=RunStatus.SUCCEEDED)
    north.failures += [FINE, *[httpx.ConnectError("refused")] * 5]
    assert call("runs", "watch", run.id).exit_code == 0


def test_watching_goes_on_past_the_end_of_a_token(north: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    north.pool.lifetime = EARLY_SECONDS - 1  # so that each is renewed before it is used
    done("sign-in", "--api", API, "--username", NORTH, typed=f"{NORTH_PASSWORD}\n")
    north.pool.calls.clear()
    north.requests.clear()
    result, ending = watch(north, monkeypatch, RunStatus.CONVERTING, RunStatus.CONVERTING, RunStatus.SUCCEEDED)
    assert result.exit_code == 0
    assert ending.asked == 3
    assert north.pool.calls == ["GetTokensFromRefreshToken"] * len(north.requests)
    assert len({request.headers["Authorization"] for request in north.requests}) == len(north.requests)


def test_watching_ends_where_the_service_stays_away(north: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rosterbridge.cli.watching.FAULTS", 3)
    run = add_run(north, status=RunStatus.SUCCEEDED)
    north.failures += [FINE, *[httpx.ConnectError("refused")] * 4]
    assert call("runs", "watch", run.id).exit_code == 3


def test_watching_where_nothing_runs_says_so(north: Line) -> None:
    other = told("projects", "create", "Autumn")["id"]
    result = call("runs", "watch", "--project", other)
    assert result.exit_code == 2
    assert "no run yet" in result.stderr


def test_no_name_of_a_file_commands_the_terminal(north: Line) -> None:
    run = add_run(north, file_name="a\x1b[2J.zip", summary="[red]x\x1b[0m")
    for words in (("runs", "list"), ("runs", "show", run.id)):
        assert "\x1b" not in done(*words)


def test_json_of_a_watched_run_is_its_end(north: Line) -> None:
    run = add_run(north, status=RunStatus.SUCCEEDED)
    assert json.loads(call("runs", "watch", run.id, "--json").stdout)["id"] == run.id
