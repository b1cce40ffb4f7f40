"""The kept state of a local stack goes on after a restart, elsewhere too, and after worse."""

from __future__ import annotations

from pathlib import Path

from local.following import known_runs, wait_for_new_run
from local.sample import write_sample
from local.stack import Account, LocalStack, Ports
from local.upload import Server, upload
from rosterbridge.flows.models import Run, RunStatus
from tests.support import recovery
from tests.support.openssh import any_client
from tests.support.stack import CONTEXT, free_port, wait_for


def _start(state: Path) -> LocalStack:
    return LocalStack(state, Ports(free_port(), free_port(), free_port()), CONTEXT)


def _server(stack: LocalStack, account: Account) -> Server:
    return Server("127.0.0.1", stack.ports.sftp, stack.host_key("sftp"), account.username, account.password)


def _send(stack: LocalStack, account: Account, path: Path) -> Run:
    known = known_runs(stack, account.project_id)
    upload(path, _server(stack, account), any_client())
    return wait_for_new_run(stack, account.project_id, known)


def _ended(stack: LocalStack, run_id: str) -> Run:
    def ended() -> Run | None:
        run = stack.stores.runs.get(run_id)
        return run if run and run.status.final else None

    return wait_for(ended, "the run ends")


def test_accounts_history_and_uploads_survive_a_restart_on_other_ports(tmp_path: Path) -> None:
    roster = write_sample(tmp_path / "roster.zip")
    with _start(tmp_path / "state") as stack:
        before = Account(stack)
        first = _ended(stack, _send(stack, before, roster).id)
        # cut off while Apple cannot be reached
        stack.processes.stop("apple")
        cut = _send(stack, before, roster)
        wait_for(lambda: stack.stores.runs.get(cut.id).status is RunStatus.FORWARDING, "forwarding")

    with _start(tmp_path / "state") as stack:
        after = Account(stack)
        assert (after.username, after.password, after.flow_id) == (before.username, before.password, before.flow_id)
        assert stack.stores.runs.get(first.id) == first
        assert first.status is RunStatus.SUCCEEDED

        interrupted = _ended(stack, cut.id)
        assert (interrupted.status, interrupted.error) == (RunStatus.FAILED, "run-stopped")

        second = _ended(stack, _send(stack, after, roster).id)
        assert second.status is RunStatus.SUCCEEDED
        assert (stack.received / f"rosterbridge-{second.id}.zip").is_file()

        third = _roll_back_and_redrive(stack, after, roster)
        assert third.status is RunStatus.SUCCEEDED
        _rebuild_around_the_data(stack, after, roster, [first, third])


def _roll_back_and_redrive(stack: LocalStack, account: Account, roster: Path) -> Run:
    """Upload while a version is live that does not start: it waits among the dead letters until it is redriven."""
    known = known_runs(stack, account.project_id)
    dead = recovery.dead_uploads(stack)
    with recovery.bad_deploy(stack, "receive"):
        upload(roster, _server(stack, account), any_client())
        recovery.wait_for_dead_letter(stack, dead)
        assert known_runs(stack, account.project_id) == known

    assert recovery.operations(stack, "redrive")["dead_letters"] == [{"queue": dead.name, "messages": 1}]
    return _ended(stack, wait_for_new_run(stack, account.project_id, known).id)


def _rebuild_around_the_data(stack: LocalStack, account: Account, roster: Path, history: list[Run]) -> None:
    """Tear everything down but the data: clients notice nothing, and what was under way goes on."""
    host_key = stack.host_key("sftp")
    stack.processes.stop("apple")
    cut = _send(stack, account, roster)
    wait_for(lambda: stack.stores.runs.get(cut.id).status is RunStatus.FORWARDING, "forwarding")
    recovery.stop_run(stack, cut.id)
    assert _ended(stack, cut.id).error == "run-stopped"

    recovery.rebuild(stack)
    recovery.restore_accounts(stack)
    stack.start_apple()
    stack.wait_until_listening("apple", stack.ports.apple)

    (done,) = [run for run in recovery.operations(stack, "redrive")["runs"] if run["run"] == cut.id]
    assert done["way"] == "rerun"
    assert _ended(stack, done["rerun"]).status is RunStatus.SUCCEEDED
    assert [stack.stores.runs.get(run.id) for run in history] == history
    assert {run.id for run in history} <= recovery.listed_runs(stack)
    assert stack.host_key("sftp") == host_key
    assert _ended(stack, _send(stack, account, roster).id).status is RunStatus.SUCCEEDED
