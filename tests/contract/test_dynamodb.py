"""The stores of accounts and runs: the fakes do what DynamoDB does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from local.clients import environment
from rosterbridge.adapters.dynamodb import DynamoRunStore
from rosterbridge.errors import ConfigurationError, NotFoundError, PermanentError
from rosterbridge.flows.models import ObjectRef, Run, RunStatus, Step
from rosterbridge.flows.ports import AccountStore, RunStore
from rosterbridge.roster.options import ConversionOptions
from tests.support import flows
from tests.support.fakes import FakeAccountStore, FakeRunStore
from tests.support.stack import StackUnderTest

SUBJECTS = ["fake", "dynamodb"]
REF = ObjectRef(bucket="runs", key="runs/1/report.json")
VALIDATE = Step(name="validate", started_at=flows.AT)


@pytest.fixture(params=SUBJECTS)
def accounts(request: pytest.FixtureRequest) -> AccountStore:
    if request.param == "fake":
        return FakeAccountStore()
    stack: StackUnderTest = request.getfixturevalue("stack")
    return stack.local.stores.accounts


class Runs:
    """A store of runs, and how the state machine closes a record in it."""

    def __init__(self, stack: StackUnderTest | None) -> None:
        self._stack = stack
        self.store: Any = stack.local.stores.runs if stack else FakeRunStore()

    def close(self, run: Run) -> None:
        if self._stack is None:
            self.store.end(run.id, status=RunStatus.FAILED, ended_at=flows.AT, error="run-stopped", summary="Stopped.")
            return
        self._stack.client("dynamodb").update_item(
            TableName=self._stack.outputs["RunTable"],
            Key={"id": {"S": run.id}},
            UpdateExpression="SET #status = :status, ended_at = :now, #error = :error, summary = :summary",
            ExpressionAttributeNames={"#status": "status", "#error": "error"},
            ExpressionAttributeValues={
                ":status": {"S": "failed"},
                ":now": {"S": flows.AT.isoformat()},
                ":error": {"S": "run-stopped"},
                ":summary": {"S": "Stopped."},
            },
        )


@pytest.fixture(params=SUBJECTS)
def closable(request: pytest.FixtureRequest) -> Runs:
    return Runs(None if request.param == "fake" else request.getfixturevalue("stack"))


@pytest.fixture
def runs(closable: Runs) -> RunStore:
    store: RunStore = closable.store
    return store


def create(accounts: AccountStore, **changes: Any) -> tuple[str, str, str]:
    """Create a flow and return the ids of flow, file account and ASM account."""
    file_account, asm_account = flows.file_account(**changes), flows.asm_account()
    flow = flows.flow(file_account_id=file_account.id, asm_account_id=asm_account.id)
    accounts.create_flow(flow, file_account, asm_account)
    return flow.id, file_account.id, asm_account.id


def test_nothing_is_found_where_nothing_is(accounts: AccountStore) -> None:
    unknown = flows.unique("unknown")

    assert accounts.file_account_by_username(unknown) is None
    assert accounts.flows_of_file_account(unknown) == []
    assert (accounts.flow(unknown), accounts.asm_account(unknown), accounts.project(unknown)) == (None, None, None)


def test_a_flow_and_its_accounts_come_back_as_they_were_stored(accounts: AccountStore) -> None:
    networks = ("192.0.2.0/24", "2001:db8::/32")
    file_account = flows.file_account(networks=networks, public_keys=("ssh-ed25519 AAAA sis",))
    asm_account = flows.asm_account(port=2222, folder="")
    flow = flows.flow(
        file_account_id=file_account.id,
        asm_account_id=asm_account.id,
        name="Größe & 名簿",
        options=ConversionOptions(max_dropped=0.25, schools=("s1", "s2")),
    )

    accounts.create_flow(flow, file_account, asm_account)

    assert accounts.flow(flow.id) == flow
    assert accounts.asm_account(asm_account.id) == asm_account
    assert accounts.file_account_by_username(file_account.username) == file_account
    assert accounts.flows_of_file_account(file_account.id) == [flow]


def test_a_user_name_is_told_apart_by_case(accounts: AccountStore) -> None:
    name = flows.unique("sis")
    create(accounts, username=name)

    assert accounts.file_account_by_username(name.upper()) is None


def test_a_taken_user_name_is_refused_and_nothing_of_the_rest_is_stored(accounts: AccountStore) -> None:
    name = flows.unique("sis")
    _, first, _ = create(accounts, username=name)
    file_account, asm_account = flows.file_account(username=name), flows.asm_account()
    flow = flows.flow(file_account_id=file_account.id)

    with pytest.raises(ConfigurationError, match=r"^username-taken$"):
        accounts.create_flow(flow, file_account, asm_account)

    assert (accounts.flow(flow.id), accounts.asm_account(asm_account.id)) == (None, None)
    assert accounts.flows_of_file_account(file_account.id) == []
    kept = accounts.file_account_by_username(name)
    assert kept is not None
    assert kept.id == first


def test_an_id_that_is_there_already_is_not_overwritten_nor_taken_for_a_user_name(accounts: AccountStore) -> None:
    _, _, asm_account_id = create(accounts)
    before = accounts.asm_account(asm_account_id)
    file_account = flows.file_account()

    with pytest.raises(PermanentError, match=r"^aws-refused") as refused:
        accounts.create_flow(flows.flow(), file_account, flows.asm_account(id=asm_account_id, host="other.example"))

    assert not isinstance(refused.value, ConfigurationError)
    assert accounts.asm_account(asm_account_id) == before
    assert accounts.file_account_by_username(file_account.username) is None


def test_a_project_is_stored_and_stored_anew(accounts: AccountStore) -> None:
    project = flows.project()

    for changed in (project, project.model_copy(update={"save_data": True})):
        accounts.put_project(changed)
        assert accounts.project(project.id) == changed


def test_a_run_comes_back_as_it_was_stored(runs: RunStore) -> None:
    run = flows.run(file_name="våre elever (1).zip")

    assert runs.create(run) == run
    assert runs.get(run.id) == run
    assert runs.get(flows.unique("unknown")) is None


def test_a_known_run_stays_as_it_is_and_is_returned(runs: RunStore) -> None:
    run = flows.run()
    runs.create(run)

    assert runs.create(run.model_copy(update={"status": RunStatus.REJECTED, "ended_at": flows.AT})) == run
    assert runs.get(run.id) == run


def test_a_step_is_recorded_when_it_starts_and_when_it_ends(runs: RunStore) -> None:
    run = runs.create(flows.run())

    runs.start_step(run.id, RunStatus.VALIDATING, VALIDATE)
    started = runs.get(run.id)
    done = VALIDATE.model_copy(
        update={
            "ended_at": flows.AT + timedelta(seconds=1.5),
            "outcome": "succeeded",
            "counts": {"students.csv": 3},
            "request": {"port": 22, "share": 0.5, "nested": {"list": [1, "x", True]}},
        }
    )
    runs.end_step(run.id, done, summary="3 students.", report=REF)

    assert started is not None
    assert (started.status, started.step("validate"), started.summary) == (RunStatus.VALIDATING, VALIDATE, "")
    ended = runs.get(run.id)
    assert ended is not None
    assert (ended.step("validate"), ended.summary, ended.report) == (done, "3 students.", REF)
    assert [step.name for step in ended.steps] == ["receive", "validate"]
    assert (ended.result, ended.delivered_to, ended.status) == (None, None, RunStatus.VALIDATING)


def test_what_a_step_did_not_produce_stays_as_it_was(runs: RunStore) -> None:
    run = runs.create(flows.run())
    runs.end_step(
        run.id, VALIDATE, summary="First.", report=REF, result=REF, provenance=REF, delivered_to="apple.example"
    )

    runs.end_step(run.id, VALIDATE.model_copy(update={"attempts": 2}))

    kept = runs.get(run.id)
    assert kept is not None
    assert (kept.summary, kept.report, kept.result, kept.delivered_to) == ("First.", REF, REF, "apple.example")
    assert kept.provenance == REF


def test_steps_stand_in_the_order_of_a_run_however_they_came(runs: RunStore) -> None:
    run = runs.create(flows.run())
    for name in ("forward", "convert", "validate"):
        runs.start_step(run.id, RunStatus.FORWARDING, Step(name=name, started_at=flows.AT))

    kept = runs.get(run.id)
    assert kept is not None
    assert [step.name for step in kept.steps] == ["receive", "validate", "convert", "forward"]


def test_an_ended_run_is_not_opened_again(closable: Runs) -> None:
    run = closable.store.create(flows.run())
    closable.close(run)
    before = closable.store.get(run.id)

    with pytest.raises(PermanentError, match=f"^run-ended: {run.id}$"):
        closable.store.start_step(run.id, RunStatus.FORWARDING, VALIDATE)

    assert closable.store.get(run.id) == before


def test_a_step_that_ends_after_its_run_is_recorded_but_the_runs_summary_stays(closable: Runs) -> None:
    run = closable.store.create(flows.run())
    closable.store.start_step(run.id, RunStatus.FORWARDING, VALIDATE)
    closable.close(run)
    done = VALIDATE.model_copy(update={"outcome": "succeeded", "ended_at": flows.AT})

    closable.store.end_step(run.id, done, summary="Sent.", delivered_to="apple.example")

    kept = closable.store.get(run.id)
    assert (kept.status, kept.error, kept.summary) == (RunStatus.FAILED, "run-stopped", "Stopped.")
    assert (kept.step("validate"), kept.delivered_to) == (done, "apple.example")


def test_a_step_of_an_unknown_run_makes_no_run(runs: RunStore) -> None:
    unknown = flows.unique("unknown")

    with pytest.raises(NotFoundError, match=f"^run-missing: {unknown}$"):
        runs.start_step(unknown, RunStatus.VALIDATING, VALIDATE)
    with pytest.raises(NotFoundError, match=f"^run-missing: {unknown}$"):
        runs.end_step(unknown, VALIDATE, summary="Done.")

    assert runs.get(unknown) is None


def test_a_projects_runs_are_listed_newest_first_up_to_a_limit(runs: RunStore) -> None:
    project_id = flows.unique("project")
    milliseconds = (0, 1, 500, 1000, 999, -1)
    for step in milliseconds:
        runs.create(flows.run(project_id=project_id, received_at=flows.AT + timedelta(milliseconds=step)))
    runs.create(flows.run(project_id=flows.unique("project")))

    listed = runs.list(project_id, limit=50)

    times = [flows.AT + timedelta(milliseconds=step) for step in sorted(milliseconds, reverse=True)]
    assert [run.received_at for run in listed] == times
    assert list(runs.list(project_id, limit=2)) == list(listed[:2])
    assert runs.list(flows.unique("project"), limit=5) == []


def test_a_long_history_is_listed_over_several_pages(runs: RunStore) -> None:
    project_id = flows.unique("project")
    # DynamoDB answers at most 1 MB at once
    bulky = Step(name="receive", started_at=flows.AT, response={"text": "x" * 200_000})
    for second in range(8):
        received = flows.AT + timedelta(seconds=second)
        runs.create(flows.run(project_id=project_id, received_at=received, steps=(bulky,)))

    assert len(runs.list(project_id, limit=50)) == 8
    assert len(runs.list(project_id, limit=7)) == 7


def test_a_store_without_its_table_says_what_was_refused_and_no_more(stack: StackUnderTest) -> None:
    with environment(stack.endpoint, stack.region):
        store = DynamoRunStore("no-such-table")

    with pytest.raises(PermanentError) as refused:
        store.create(flows.run(file_name="planted.zip"))

    assert str(refused.value) == "aws-refused: dynamodb PutItem ResourceNotFoundException"
