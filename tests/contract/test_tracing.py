"""What a function tells X-Ray's daemon, which listens beside it: enough to find a trace by its run, and no more."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from rosterbridge.errors import TransientError
from rosterbridge.observability import about, boundary, observed, tracer
from tests.unit.functions.conftest import Context

ROOT, PARENT = "1-5759e988-bd862e3fe1be46a994272793", "53995c3f42cd8ad8"
RUN = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def daemon(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        daemon.settimeout(5)
        monkeypatch.setenv("AWS_XRAY_DAEMON_ADDRESS", f"127.0.0.1:{daemon.getsockname()[1]}")
        monkeypatch.setenv("_X_AMZN_TRACE_ID", f"Root={ROOT};Parent={PARENT};Sampled=1")
        yield daemon


def heard(daemon: socket.socket) -> dict[str, Any]:
    header, _, document = daemon.recv(64_000).partition(b"\n")
    assert json.loads(header) == {"format": "json", "version": 1}
    part: dict[str, Any] = json.loads(document)
    return part


@observed
def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    with boundary():
        about(RUN)
        if event["fails"]:
            raise TransientError("asm-unreachable", "planted")
        return {"answer": "planted"}


def test_a_trace_is_found_by_the_run(daemon: socket.socket) -> None:
    handler({"fails": False, "name": "planted"}, Context())

    part = heard(daemon)
    assert (part["trace_id"], part["parent_id"], part["type"]) == (ROOT, PARENT, "subsegment")
    assert part["annotations"]["run_id"] == RUN
    assert len(part["id"]) == 16
    assert part["end_time"] >= part["start_time"]
    assert "fault" not in part
    assert "planted" not in json.dumps(part)


def test_a_failure_is_marked_without_a_word_of_it(daemon: socket.socket) -> None:
    with pytest.raises(TransientError):
        handler({"fails": True}, Context())

    part = heard(daemon)
    assert part["fault"] is True
    assert "planted" not in json.dumps(part)


def test_each_message_of_a_batch_has_a_part_of_its_own_in_that_of_the_function(daemon: socket.socket) -> None:
    message = tracer.capture_method(about, capture_response=False)

    observed(lambda event, _context: [message(run) for run in event["runs"]])({"runs": ["r1", "r2"]}, Context())

    first, second, whole = (heard(daemon) for _ in range(3))
    assert [part["annotations"]["run_id"] for part in (first, second)] == ["r1", "r2"]
    assert {first["parent_id"], second["parent_id"]} == {whole["id"]}


@pytest.mark.parametrize("trace", ["", f"Root={ROOT};Parent={PARENT};Sampled=0"])
def test_nothing_is_sent_of_what_is_not_traced(
    daemon: socket.socket, monkeypatch: pytest.MonkeyPatch, trace: str
) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", trace)
    daemon.settimeout(0.05)

    handler({"fails": False}, Context())

    with pytest.raises(TimeoutError):
        daemon.recv(1)


def test_without_a_daemon_the_function_works_as_ever(daemon: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_XRAY_DAEMON_ADDRESS", "no such place")

    assert handler({"fails": False}, Context()) == {"answer": "planted"}
