from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import permutations, product

import pytest

from rosterbridge.errors import TransientError
from rosterbridge.flows.broken_uploads import BrokenUpload, failure_id
from rosterbridge.flows.models import Accepted, ObjectRef, Run, RunStatus, Step
from rosterbridge.flows.receiving import Uploaded
from tests.support import flows
from tests.support.fakes import Calls
from tests.unit.flows.test_receiving import CONTENT, HOMES, Service, etag, on

PART = CONTENT[:10]


def failure(
    session: str = "session-1", content: bytes = PART, name: str = "roster.zip", tag: str = "same"
) -> BrokenUpload:
    ref = ObjectRef(bucket=HOMES, key=f"home/fa-1/{name}")
    return BrokenUpload(failure_id(session, "10:00"), ref, etag(content) if tag == "same" else tag, len(content))


def hear(service: Service, *failures: BrokenUpload) -> list[str]:
    return [identity for one in failures for identity in service.receiver().hear_of_failure(one)]


def assert_broken_off(service: Service, run: Run) -> None:
    assert (run.status, run.error, run.ended_at) == (RunStatus.REJECTED, "upload-incomplete", flows.AT)
    assert "upload it again" in run.summary
    assert (run.steps[0].outcome, run.steps[0].code) == ("rejected", "upload-incomplete")
    assert run.id not in service.lanes.get("flow-1").entered
    assert run.id in service.outcomes.told


def test_a_failure_that_comes_first_rejects_the_upload_at_once() -> None:
    service = Service(on())
    assert hear(service, failure()) == []

    service.receive(service.uploaded(content=PART))

    assert_broken_off(service, service.run())
    assert service.workflow.started == {}
    assert service.objects.content(service.run().source) == PART
    assert service.objects.keys(HOMES) == []


def test_a_failure_that_comes_later_ends_the_run_of_each_flow() -> None:
    service = Service(on(), flows.flow(id="flow-2", file_account_id="fa-1"))
    started = service.receive(service.uploaded(content=PART))

    assert hear(service, failure()) == started

    for identity in started:
        assert_broken_off(service, service.runs.runs[identity])


@pytest.mark.parametrize("status", [RunStatus.VALIDATING, RunStatus.CONVERTING, RunStatus.HELD])
def test_a_run_that_is_not_being_sent_yet_ends(status: RunStatus) -> None:
    service = Service(on())
    (identity,) = service.receive(service.uploaded(content=PART))
    service.runs.end(identity, status=status)
    accepted = Accepted(position="1", run_id=identity)
    service.lanes.accept("flow-1", accepted)

    hear(service, failure())

    assert_broken_off(service, service.run())
    assert service.lanes.get("flow-1").accepted is None  # the next delta does not build on it


@pytest.mark.parametrize(
    "end",
    [
        {"status": RunStatus.FORWARDING},
        {"status": RunStatus.SUCCEEDED, "ended_at": flows.AT},
        {"status": RunStatus.FAILED, "ended_at": flows.AT, "error": "gave-up"},
    ],
)
def test_a_run_that_is_being_sent_or_has_ended_stays_as_it_is(end: dict[str, object]) -> None:
    service = Service(on())
    (identity,) = service.receive(service.uploaded(content=PART))
    service.runs.end(identity, **end)
    before = service.run()

    assert hear(service, failure()) == []

    assert service.run() == before
    assert service.outcomes.told == []


def test_what_is_not_the_failed_file_is_taken() -> None:
    service = Service(on())
    hear(service, failure(), failure(name="other.zip", content=CONTENT))

    service.receive(service.uploaded())

    assert service.run().status is RunStatus.RECEIVED


def test_without_a_tag_the_size_tells() -> None:
    service = Service(on())
    hear(service, failure(tag=""))

    whole, part = (service.receive(service.uploaded(content=content))[0] for content in (CONTENT, PART))

    assert service.runs.runs[whole].status is RunStatus.RECEIVED
    assert_broken_off(service, service.runs.runs[part])


def test_a_failure_is_forgotten_after_a_day() -> None:
    service = Service(on())
    service.receiver().broken.hear(failure(), flows.AT - timedelta(days=1))

    service.receive(service.uploaded(content=PART))

    assert service.run().status is RunStatus.RECEIVED


def test_of_two_equal_files_one_failure_rejects_one() -> None:
    service = Service(on())
    broken, again = service.uploaded(content=PART), service.uploaded(content=PART)
    hear(service, failure())

    for uploaded in (broken, broken, again):
        service.receive(uploaded)
    hear(service, failure())

    assert sorted(run.status.value for run in service.runs.runs.values()) == ["received", "rejected"]


@pytest.mark.parametrize("name", ["roster.zip.filepart", ".roster.zip", "folder/"])
def test_a_failure_of_what_is_no_upload_is_passed_over(name: str) -> None:
    service = Service(on())

    assert hear(service, failure(name=name)) == []
    assert service.broken.broken(failure(name=name).ref, flows.AT) == []


Event = Callable[[Service], object]


@pytest.mark.parametrize(("notices", "failures"), [*product((1, 2), (0, 1, 2, 3))])
def test_in_whatever_order_and_however_often_the_messages_come_each_failure_rejects_one_upload(
    notices: int, failures: int
) -> None:
    """Two uploads break off at the same byte; of both, notices and failures come so often and in every order."""
    kinds = sorted({*permutations("nNfF"[: 4 if failures else 2])})
    for order in kinds:
        service = Service(on())
        uploads: dict[str, Uploaded] = {name: service.uploaded(content=PART) for name in "nN"}
        told = {"f": failure("session-1"), "F": failure("session-2")}
        for kind in order:
            for _ in range(notices if kind in "nN" else failures):
                if kind in "nN":
                    service.receive(uploads[kind])
                else:
                    hear(service, told[kind])
        statuses = [run.status for run in service.runs.runs.values()]
        assert statuses == [RunStatus.REJECTED if failures else RunStatus.RECEIVED] * 2, order


def calls_of(service: Service, act: Callable[[Calls], object]) -> int:
    calls = Calls(None, TransientError("away"))
    act(calls)
    return len(calls.names)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("first", ["failure", "notice"])
def test_a_crash_at_any_point_and_the_repeated_message_end_the_run_all_the_same(first: str, after: bool) -> None:
    def play(calls: Calls) -> Service:
        service = Service(on())
        uploaded = service.uploaded(content=PART)
        acts = [
            lambda found: service.receiver(found).receive(uploaded),
            lambda found: service.receiver(found).hear_of_failure(failure()),
        ]
        for act in acts if first == "notice" else acts[::-1]:
            try:
                act(calls)
            except TransientError:
                act(None)
        return service

    count = Calls(None, TransientError("away"))
    play(count)
    for number in range(len(count.names)):
        service = play(Calls(number, TransientError("away"), after=after))
        assert_broken_off(service, service.run())


def test_a_step_that_was_at_work_meanwhile_does_not_open_the_run_again() -> None:
    service = Service(on())
    (identity,) = service.receive(service.uploaded(content=PART))
    service.runs.start_step(identity, RunStatus.VALIDATING, Step(name="validate", started_at=flows.AT))
    hear(service, failure())

    service.runs.end_step(identity, Step(name="validate", started_at=flows.AT, outcome="succeeded"), summary="Fine.")

    run = service.run()
    assert (run.status, run.error) == (RunStatus.REJECTED, "upload-incomplete")
    assert "upload it again" in run.summary
