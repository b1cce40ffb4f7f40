"""The store of runs: the fake records and lists what DynamoDB does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta, timezone
from typing import Any

import pytest

from local.clients import environment
from rosterbridge.adapters.dynamodb import DynamoRunStore
from rosterbridge.errors import InvalidRequestError, NotFoundError, PermanentError
from rosterbridge.flows.models import ObjectRef, Run, RunStatus, RunSummary, Step
from rosterbridge.flows.ports import RunFilter, RunStore
from tests.support import flows
from tests.support.fakes import FakeRunStore
from tests.support.stack import StackUnderTest

SUBJECTS = ["fake", "dynamodb"]
REF = ObjectRef(bucket="runs", key="runs/1/report.json")
VALIDATE = Step(name="validate", started_at=flows.AT)


class Runs:
    """A store of runs, and how the state machine closes a record in it."""

    def __init__(self, stack: StackUnderTest | None) -> None:
        self._stack = stack
        self.store: Any = FakeRunStore()
        if stack:
            with environment(stack.endpoint, stack.region):
                self.store = DynamoRunStore(stack.outputs["RunTable"])

    def close(self, run: Run) -> None:
        if self._stack is None:
            self.store.end(run.id, status=RunStatus.FAILED, ended_at=flows.AT, error="run-stopped", summary="Stopped.")
            return
        self._stack.client("dynamodb").update_item(
            TableName=self._stack.outputs["RunTable"],
            Key={"id": {"S": run.id}},
            UpdateExpression="SET #status = :status, ended_at = :now, #error = :error, summary = :summary, "
            "project_status = status_keys.#status_now",
            ExpressionAttributeNames={"#status": "status", "#error": "error", "#status_now": "failed"},
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


def test_a_line_of_the_history_has_the_rows_that_apple_gets_once_there_are_some(runs: RunStore) -> None:
    run = runs.create(flows.run(project_id=flows.unique("project")))
    wanted = RunFilter(run.organization_id, run.project_id)
    assert [line.rows for line in runs.page(wanted, limit=1).items] == [None]

    runs.end_step(run.id, VALIDATE, rows={"students.csv": 3})

    assert [line.rows for line in runs.page(wanted, limit=1).items] == [{"students.csv": 3}]


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


def history(runs: RunStore, *steps: float, **changes: Any) -> tuple[RunFilter, list[Run]]:
    """Store runs of one project, these many seconds after a time, and return them newest first, with their filter."""
    owner = {"organization_id": flows.unique("org"), "project_id": flows.unique("project"), **changes}
    created = [
        runs.create(flows.run(**owner, received_at=flows.AT + timedelta(seconds=step), file_name=f"{step}.zip"))
        for step in steps
    ]
    wanted = RunFilter(owner["organization_id"], owner["project_id"])
    return wanted, sorted(created, key=lambda run: run.received_at, reverse=True)


def summary(run: Run) -> RunSummary:
    return RunSummary(**{name: getattr(run, name) for name in RunSummary.model_fields})


def walk(runs: RunStore, wanted: RunFilter, limit: int) -> list[list[str]]:
    """Return the ids of all pages."""
    pages, cursor = [], None
    while True:
        page = runs.page(wanted, limit=limit, cursor=cursor)
        pages.append([run.id for run in page.items])
        cursor = page.cursor
        if cursor is None:
            return pages


def test_a_look_at_a_run_shows_all_but_its_steps(runs: RunStore) -> None:
    run = runs.create(flows.run(rerun_of="run-1", summary="3 students."))

    assert runs.peek(run.id) == summary(run)


@pytest.mark.parametrize("text", ["", "#", "x" * 3000, "a b", "unknown"])
def test_a_run_that_is_not_there_is_not_shown(runs: RunStore, text: str) -> None:
    assert (runs.get(text), runs.peek(text)) == (None, None)


def test_the_history_is_listed_newest_first_and_told_apart_to_the_microsecond(runs: RunStore) -> None:
    wanted, created = history(runs, 0, 0.000001, 0.5, 1, 0.999, -0.001)

    page = runs.page(wanted, limit=50)

    assert list(page.items) == [summary(run) for run in created]
    assert page.cursor is None


def test_a_history_is_read_in_pages_of_which_the_last_one_knows_that_it_is_the_last(runs: RunStore) -> None:
    wanted, created = history(runs, *range(6))
    ids = [run.id for run in created]

    assert walk(runs, wanted, 4) == [ids[:4], ids[4:]]
    assert walk(runs, wanted, 3) == [ids[:3], ids[3:]]
    assert walk(runs, wanted, 6) == [ids]
    assert walk(runs, wanted, 1) == [[identity] for identity in ids]


def test_runs_of_one_moment_are_each_on_one_page(runs: RunStore) -> None:
    wanted, created = history(runs, *[0] * 7)

    pages = walk(runs, wanted, 2)

    assert sorted(identity for page in pages for identity in page) == sorted(run.id for run in created)
    assert [len(page) for page in pages] == [2, 2, 2, 1]


def test_runs_that_come_meanwhile_do_not_move_the_next_page(runs: RunStore) -> None:
    wanted, created = history(runs, 0, 1, 2)
    first = runs.page(wanted, limit=2)
    runs.create(created[0].model_copy(update={"id": flows.unique("run"), "received_at": flows.AT + timedelta(9)}))

    second = runs.page(wanted, limit=2, cursor=first.cursor)

    assert [run.id for run in second.items] == [created[2].id]


def test_the_history_is_filtered_by_flow(runs: RunStore) -> None:
    wanted, created = history(runs, 0, 1, 2, 3, flow_id="flow-a")
    same = {"organization_id": wanted.organization_id, "project_id": wanted.project_id}
    history(runs, 0.5, 2.5, **same, flow_id="flow-b")

    by_flow = RunFilter(**same, flow_id="flow-a")

    assert walk(runs, by_flow, 3) == [[run.id for run in created[:3]], [created[3].id]]
    assert walk(runs, RunFilter(**same, flow_id="flow-c"), 3) == [[]]
    assert len(runs.page(wanted, limit=50).items) == 6


def test_the_history_is_filtered_by_status_as_it_changes(closable: Runs) -> None:
    runs = closable.store
    wanted, created = history(runs, 0, 1, 2, 3)

    def ids(status: RunStatus, **more: Any) -> list[str]:
        by_status = RunFilter(wanted.organization_id, wanted.project_id, status=status, **more)
        return [identity for page in walk(runs, by_status, 2) for identity in page]

    assert ids(RunStatus.RECEIVED) == [run.id for run in created]
    runs.start_step(created[1].id, RunStatus.VALIDATING, VALIDATE)
    closable.close(created[3])

    assert ids(RunStatus.RECEIVED) == [created[0].id, created[2].id]
    assert ids(RunStatus.VALIDATING) == [created[1].id]
    assert ids(RunStatus.FAILED) == [created[3].id]
    assert ids(RunStatus.FAILED, flow_id="flow-1") == [created[3].id]
    assert ids(RunStatus.FAILED, flow_id="flow-2") == []
    assert ids(RunStatus.SUCCEEDED) == []


def test_the_history_is_filtered_by_time_from_the_first_moment_to_before_the_last(runs: RunStore) -> None:
    wanted, created = history(runs, 0, 1, 2, 3)
    same = {"organization_id": wanted.organization_id, "project_id": wanted.project_id}
    west = timezone(timedelta(hours=-7))

    def files(since: float | None, until: float | None, **more: Any) -> list[str]:
        span = {
            name: (flows.AT + timedelta(seconds=step)).astimezone(west)
            for name, step in (("since", since), ("until", until))
            if step is not None
        }
        return [run.file_name for run in runs.page(RunFilter(**same, **span, **more), limit=50).items]

    for more in ({}, {"flow_id": "flow-1"}, {"status": RunStatus.RECEIVED}):
        assert files(1, 3, **more) == ["2.zip", "1.zip"]
        assert files(1, None, **more) == ["3.zip", "2.zip", "1.zip"]
        assert files(None, 1, **more) == ["0.zip"]
        assert files(1.5, 1.5, **more) == []
        assert files(3, 1, **more) == []
    assert walk(runs, RunFilter(**same, since=flows.AT, until=flows.AT + timedelta(seconds=3)), 2) == [
        [created[1].id, created[2].id],
        [created[3].id],
    ]


def test_a_status_among_many_runs_of_a_flow_is_found_on_full_pages(runs: RunStore, monkeypatch: Any) -> None:
    monkeypatch.setattr("rosterbridge.adapters.dynamodb_runs.FILTERED_ROWS", 3)
    wanted, created = history(runs, *range(20))
    for run in created[::4]:
        runs.start_step(run.id, RunStatus.VALIDATING, VALIDATE)
    by_both = RunFilter(wanted.organization_id, wanted.project_id, flow_id="flow-1", status=RunStatus.VALIDATING)

    ids = [run.id for run in created[::4]]
    assert walk(runs, by_both, 2) == [ids[:2], ids[2:4], ids[4:]]
    assert walk(runs, by_both, 5) == [ids]


def test_no_run_of_another_organization_is_listed(runs: RunStore) -> None:
    wanted, created = history(runs, 0, 1)
    other = flows.unique("org")

    for more in ({}, {"flow_id": created[0].flow_id}, {"status": RunStatus.RECEIVED}):
        assert runs.page(RunFilter(other, wanted.project_id, **more), limit=5).items == ()
    page = runs.page(wanted, limit=1)
    assert runs.page(RunFilter(other, wanted.project_id), limit=5, cursor=page.cursor).items == ()


@pytest.mark.parametrize("text", ["", "#", "x" * 3000])
def test_what_is_no_id_has_no_history(runs: RunStore, text: str) -> None:
    for wanted in (RunFilter(text, "project-1"), RunFilter("org-1", text), RunFilter("org-1", "project-1", text)):
        assert runs.page(wanted, limit=5).items == ()


@pytest.mark.parametrize(
    "forge",
    [
        lambda _cursor: "",
        lambda _cursor: "none",
        lambda _cursor: "名簿",
        lambda _cursor: "x" * 5000,
        lambda _cursor: "W10",  # []
        lambda _cursor: "bnVsbA",  # null
        lambda _cursor: "WzEsMl0",  # [1,2]
        lambda _cursor: "W1tbW1tbW1tbW1tbW1tbW1tbW1s",  # [[[[…
        lambda cursor: cursor[:-3],
        lambda cursor: cursor + cursor,
    ],
)
def test_a_cursor_that_is_none_of_ours_is_refused(runs: RunStore, forge: Callable[[str], str]) -> None:
    wanted, _ = history(runs, 0, 1)
    cursor = runs.page(wanted, limit=1).cursor
    assert cursor is not None

    with pytest.raises(InvalidRequestError, match=r"^cursor-invalid$") as refused:
        runs.page(wanted, limit=1, cursor=forge(cursor))

    assert refused.value.field == "cursor"


def test_a_cursor_from_outside_the_time_asked_for_is_refused(runs: RunStore) -> None:
    wanted, _ = history(runs, 0, 1, 2)
    cursor = runs.page(wanted, limit=1).cursor  # at 2 seconds
    same = {"organization_id": wanted.organization_id, "project_id": wanted.project_id}
    after, before = flows.AT + timedelta(seconds=3), flows.AT + timedelta(seconds=1)

    for span in ({"since": after}, {"until": before}, {"since": flows.AT, "until": before}):
        with pytest.raises(InvalidRequestError, match=r"^cursor-invalid$"):
            runs.page(RunFilter(**same, **span), limit=1, cursor=cursor)


def test_the_neighbours_of_a_run_are_the_ones_before_and_after_it_in_its_project(runs: RunStore) -> None:
    wanted, created = history(runs, 0, 1, 1, 2)
    same = {"organization_id": wanted.organization_id, "project_id": wanted.project_id}
    history(runs, 0.5, organization_id=wanted.organization_id)
    order = [run.id for run in reversed(runs.page(RunFilter(**same), limit=9).items)]
    by_id = {run.id: run for run in created}

    found = [runs.neighbours(by_id[identity]) for identity in order]

    assert found == [
        (None, order[1]),
        (order[0], order[2]),
        (order[1], order[3]),
        (order[2], None),
    ]


def test_a_store_without_its_table_says_what_was_refused_and_no_more(stack: StackUnderTest) -> None:
    with environment(stack.endpoint, stack.region):
        store = DynamoRunStore("no-such-table")

    with pytest.raises(PermanentError) as refused:
        store.create(flows.run(file_name="planted.zip"))

    assert str(refused.value) == "aws-refused: dynamodb PutItem ResourceNotFoundException"


@pytest.mark.parametrize("status", [None, RunStatus.VALIDATING, RunStatus.CONVERTING])
def test_a_run_whose_file_broke_off_is_rejected_while_nothing_of_it_is_sent(
    runs: RunStore, status: RunStatus | None
) -> None:
    run = runs.create(flows.run(steps=(Step(name="receive", started_at=flows.AT, outcome="succeeded"),)))
    if status:
        runs.start_step(run.id, status, VALIDATE)

    ended = runs.reject(run.id, "upload-incomplete", "It broke off.", flows.AT)

    assert ended == runs.get(run.id)
    assert ended is not None
    assert (ended.status, ended.ended_at, ended.error) == (RunStatus.REJECTED, flows.AT, "upload-incomplete")
    assert (ended.summary, ended.steps[0].outcome, ended.steps[0].code) == (
        "It broke off.",
        "rejected",
        "upload-incomplete",
    )
    rejected = RunFilter(run.organization_id, run.project_id, status=RunStatus.REJECTED)
    assert run.id in [found.id for found in runs.page(rejected, limit=100).items]
    assert runs.reject(run.id, "upload-incomplete", "It broke off.", flows.AT) is None


def test_a_run_that_is_sent_or_has_ended_or_is_unknown_is_not_rejected(closable: Runs) -> None:
    runs: RunStore = closable.store
    sent, ended = (runs.create(flows.run()) for _ in range(2))
    runs.start_step(sent.id, RunStatus.FORWARDING, Step(name="forward", started_at=flows.AT))
    closable.close(ended)
    before = [runs.get(run.id) for run in (sent, ended)]

    assert [runs.reject(run, "upload-incomplete", "No.", flows.AT) for run in (sent.id, ended.id, "none")] == [None] * 3
    assert [runs.get(run.id) for run in (sent, ended)] == before
