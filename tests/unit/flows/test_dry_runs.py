"""Dry runs: what somebody is told of a file, while nothing else in the world changes."""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import Any

import pytest

from rosterbridge.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    PermanentError,
    RosterbridgeError,
    TransientError,
)
from rosterbridge.flows.dry_running import DryRunner
from rosterbridge.flows.dry_runs import REPORT, UPLOAD_SECONDS
from rosterbridge.flows.guarding import FIRST, UNHARMED
from rosterbridge.flows.messages import message
from rosterbridge.flows.models import DryRun, Flow, GuardRules, ObjectRef, RunStatus, Window
from rosterbridge.flows.run_files import DRY_RUN_SOURCE, dry_run_object, dry_run_of
from rosterbridge.roster.documents import report_from_json
from tests.support import flows
from tests.support.fakes import FakeDryRunStore, FakeObjectStore
from tests.support.pipeline import GOOD, Pipeline
from tests.support.rosters import zip_bytes
from tests.support.use_cases import DRY_RUN_LIMITS, MOST_BYTES, OTHER, UseCases, request
from tests.unit.flows.test_guarding import STUDENTS, asm, held, pipeline
from tests.unit.roster.test_delta import delta, user

CALLER = flows.caller()
DELTA = zip_bytes(delta(user("p9")))


def deposit(world: Pipeline, content: bytes) -> tuple[DryRun, ObjectRef]:
    """Return a dry run whose file has come."""
    dry_run = flows.dry_run()
    world.accounts.put(dry_run)
    place = dry_run_object("runs", dry_run.organization_id, dry_run.id, DRY_RUN_SOURCE)
    return dry_run, world.objects.put(place, content)


def runner(world: Pipeline, **changes: Any) -> DryRunner:
    return DryRunner(**{**world.ports(), "dry_runs": FakeDryRunStore(world.accounts), **changes})


def look(world: Pipeline, content: bytes) -> DryRun:
    """Return what a dry run of a file has found."""
    dry_run, source = deposit(world, content)
    runner(world).look(dry_run.organization_id, dry_run.id, source)
    return found(world, dry_run)


def found(world: Pipeline, dry_run: DryRun) -> DryRun:
    stored = world.accounts.get(DryRun, dry_run.organization_id, dry_run.id)
    assert stored is not None
    return stored


def left(world: Pipeline) -> list[Any]:
    """Return all that a run would change."""
    files = [key for key in world.objects.keys("runs") if not key.startswith("dry-runs/")]
    return copy.deepcopy([world.runs.runs, world.lanes.get("flow-1"), files, list(world.delivery.received)])


def test_the_first_file_of_a_flow_would_be_sent() -> None:
    world = Pipeline()

    seen = look(world, GOOD)

    assert (seen.status, seen.verdict, seen.summary, seen.error) == ("done", "send", FIRST, None)
    assert seen.counts["students_added"] > 0
    assert not [name for name in seen.counts if name.endswith("_removed")]


def test_what_a_file_would_change_is_told_and_sent_is_what_harms_nobody() -> None:
    world = pipeline()

    same, fewer = look(world, asm()), look(world, asm(STUDENTS - 1))

    assert (same.verdict, same.summary) == ("send", UNHARMED)
    assert fewer.verdict == "send"
    assert fewer.summary.startswith("1 student would be deactivated")
    assert fewer.counts["students_removed"] == 1


def test_a_mass_removal_would_be_held_and_is_told_in_apples_terms() -> None:
    seen = look(pipeline(), asm(9))

    assert (seen.status, seen.verdict) == ("done", "hold")
    assert seen.summary.startswith("31 students would be deactivated; 31 students taken out of classes. More rows of")
    assert "pprove or reject it" not in seen.summary
    assert seen.counts["students_removed"] == 31


def test_on_a_day_on_which_nothing_may_be_sent_it_would_be_held() -> None:
    world = pipeline()
    flow = world.accounts.get(Flow, flows.ORGANIZATION, "flow-1")
    assert flow is not None
    closed = GuardRules(blackouts=(Window(first=flows.AT.date(), last=flows.AT.date()),))
    world.accounts.put(flow.model_copy(update={"guard": closed}))

    seen = look(world, asm())

    assert (seen.verdict, seen.summary) == ("hold", message("blackout"))


def test_a_broken_file_would_be_rejected_with_its_report() -> None:
    world = Pipeline()
    dry_run, source = deposit(world, b"no ZIP at all")

    runner(world).look(dry_run.organization_id, dry_run.id, source)

    seen = found(world, dry_run)
    assert (seen.status, seen.verdict, seen.error, seen.counts) == ("done", "reject", "not-a-zip", {})
    place = dry_run_object("runs", dry_run.organization_id, dry_run.id, REPORT)
    assert report_from_json(world.objects.get_text(place)).summary == seen.summary


@pytest.mark.parametrize("content", [asm(), asm(9), b"no ZIP at all"], ids=["sent", "held", "rejected"])
def test_nothing_that_a_run_would_change_is_changed(content: bytes) -> None:
    world = pipeline()
    before = left(world)

    assert look(world, content).status == "done"

    assert left(world) == before


def test_it_says_what_a_run_of_the_same_file_comes_to() -> None:
    world = pipeline()
    seen = look(world, asm(9))

    run = held(world, asm(9))

    step = run.step("guard")
    assert step is not None
    assert step.counts == seen.counts
    assert run.hold is not None
    assert seen.summary in run.hold.sentence


def test_a_delta_package_is_looked_at_with_the_full_set_that_the_flow_has() -> None:
    world = Pipeline()
    world.prepare()
    world.check()
    world.forward()
    before = left(world)

    seen = look(world, DELTA)

    assert (seen.status, seen.verdict) == ("done", "send")
    assert left(world) == before
    assert look(Pipeline(), DELTA).error == "delta-without-state"


def test_the_full_set_of_a_run_that_was_turned_down_does_not_count_and_stays_where_it_is() -> None:
    world = Pipeline()
    world.prepare()
    world.runs.end(world.received.id, status=RunStatus.REJECTED)
    before = left(world)

    assert look(world, DELTA).error == "delta-without-state"
    assert left(world) == before


def test_a_file_is_looked_at_once() -> None:
    world = Pipeline()
    dry_run, source = deposit(world, GOOD)

    assert runner(world).look(dry_run.organization_id, dry_run.id, source) is not None
    assert runner(world).look(dry_run.organization_id, dry_run.id, source) is None
    assert runner(world).look(OTHER, dry_run.id, source) is None
    assert runner(world).look(dry_run.organization_id, "dry-run-of-nobody", source) is None


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (TransientError("aws-unreachable"), "dry-run-interrupted"),
        (PermanentError("aws-refused"), "aws-refused"),
        (ValueError("planted row"), "unexpected-error"),
    ],
)
def test_what_goes_wrong_is_told_in_one_sentence_and_raised(error: Exception, code: str) -> None:
    world = Pipeline()
    dry_run, source = deposit(world, GOOD)

    class Away(FakeObjectStore):
        def download(self, *_: Any) -> None:
            raise error

    with pytest.raises(type(error)):
        runner(world, objects=Away()).look(dry_run.organization_id, dry_run.id, source)

    seen = found(world, dry_run)
    assert (seen.status, seen.verdict, seen.error) == ("failed", None, code)
    assert "planted" not in seen.summary


def test_a_flow_that_is_gone_is_told() -> None:
    world = Pipeline()
    dry_run, source = deposit(world, GOOD)
    world.lose(Flow, "flow-1")

    with pytest.raises(RosterbridgeError, match="flow-missing"):
        runner(world).look(dry_run.organization_id, dry_run.id, source)

    assert found(world, dry_run).error == "flow-missing"


@pytest.fixture
def use_cases() -> UseCases:
    cases = UseCases()
    cases.accounts.put(flows.flow(id="flow-1"))
    return cases


def ask(cases: UseCases, **changes: Any) -> tuple[DryRun, Any]:
    values = {"flow_id": "flow-1", "file_name": "roster.zip", "file_bytes": 4711}
    return cases.dry_runs.create(CALLER, flows.ORGANIZATION, **{**values, **changes})


def test_a_dry_run_waits_for_its_file_at_a_place_of_its_own_for_ten_minutes(use_cases: UseCases) -> None:
    made, upload = ask(use_cases)

    assert (made.status, made.expires_at) == ("waiting", flows.AT + timedelta(days=1))
    assert dry_run_of(upload.form.fields["key"]) == (flows.ORGANIZATION, made.id)
    assert str(MOST_BYTES) in upload.form.fields["policy"]
    assert upload.expires_at == flows.AT + timedelta(seconds=UPLOAD_SECONDS)
    assert use_cases.told == [("create", "dry-run", ())]
    assert use_cases.dry_runs.get(CALLER, flows.ORGANIZATION, made.id) == (made, None)


def test_a_repeated_request_is_the_same_dry_run_whose_form_ends_with_the_waiting(use_cases: UseCases) -> None:
    first, _ = ask(use_cases, request=request())

    again, upload = ask(use_cases, request=request())
    assert (again, upload is None) == (first, False)
    FakeDryRunStore(use_cases.accounts).begin(first)
    assert ask(use_cases, request=request())[1] is None
    with pytest.raises(ConflictError, match="idempotency-key-reused"):
        ask(use_cases, request=request(fingerprint="other"))


def test_a_file_that_one_function_cannot_take_is_refused(use_cases: UseCases) -> None:
    assert ask(use_cases, file_bytes=MOST_BYTES)[1] is not None
    with pytest.raises(InvalidRequestError, match="file-too-large"):
        ask(use_cases, file_bytes=MOST_BYTES + 1)


def test_an_organization_has_so_many_dry_runs_a_day(use_cases: UseCases) -> None:
    for key in range(DRY_RUN_LIMITS.uploads_per_day):
        ask(use_cases, request=request(key=f"key-{key}"))

    with pytest.raises(ConflictError, match="too-many-dry-runs"):
        ask(use_cases)
    assert ask(use_cases, request=request(key="key-0"))[1] is not None  # it was counted
    use_cases.wait(days=1)
    assert ask(use_cases)[1] is not None


def test_neither_flow_nor_dry_run_of_another_organization_is_found(use_cases: UseCases) -> None:
    use_cases.accounts.put(flows.flow(id="flow-2", organization_id=OTHER))
    made, _ = ask(use_cases)

    with pytest.raises(NotFoundError, match="flow-missing"):
        ask(use_cases, flow_id="flow-2")
    with pytest.raises(NotFoundError, match="dry-run-missing"):
        use_cases.dry_runs.get(flows.caller(organization_id=OTHER), OTHER, made.id)


def test_one_that_nothing_is_heard_of_has_failed_and_after_a_day_it_is_gone(use_cases: UseCases) -> None:
    made, _ = ask(use_cases)
    use_cases.wait(minutes=31)

    seen, _ = use_cases.dry_runs.get(CALLER, flows.ORGANIZATION, made.id)
    assert (seen.status, seen.error) == ("failed", "dry-run-interrupted")
    use_cases.wait(days=1)
    with pytest.raises(NotFoundError, match="dry-run-missing"):
        use_cases.dry_runs.get(CALLER, flows.ORGANIZATION, made.id)


def test_a_report_that_has_ended_before_its_record_is_left_out(use_cases: UseCases) -> None:
    done = flows.dry_run(status="done", verdict="send")
    use_cases.accounts.put(done)

    assert use_cases.dry_runs.get(CALLER, flows.ORGANIZATION, done.id) == (done, None)


@pytest.mark.parametrize(
    "key", ["dry-runs/org-1/dry-run-1/report.json", "dry-runs/org-1/source.zip", "home/x/source.zip"]
)
def test_nothing_else_is_taken_for_the_file_of_a_dry_run(key: str) -> None:
    assert dry_run_of(key) is None
