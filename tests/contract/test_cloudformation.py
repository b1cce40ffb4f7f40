"""The answer that a stack waits for, as it goes over the wire."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from rosterbridge.adapters.cloudformation import answer_stack
from rosterbridge.errors import TransientError
from tests.support.custom_resource import SERVER_ID, Stack


@pytest.fixture
def stack() -> Iterator[Stack]:
    """Take answers as S3 does: what was not signed must not be there."""

    class Bucket(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            self.send_response(400 if self.headers.get("content-type") else waiting.status)
            self.end_headers()
            waiting.answers.append(json.loads(body))

        def log_message(self, *_: Any) -> None:
            """Stay quiet."""

    with HTTPServer(("127.0.0.1", 0), Bucket) as server:
        waiting = Stack(server.server_port)
        thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield waiting
        server.shutdown()
        thread.join()


def test_a_stack_hears_what_it_waits_for(stack: Stack) -> None:
    answer_stack(stack.request("Create"), physical_id=SERVER_ID, data={"Fingerprints": "SHA256:x"})

    (answer,) = stack.answers
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", SERVER_ID)
    assert answer["Data"] == {"Fingerprints": "SHA256:x"}
    assert stack.request("Create").items() >= {name: answer[name] for name in ("StackId", "RequestId")}.items()


def test_a_stack_hears_of_a_failure(stack: Stack) -> None:
    answer_stack(stack.request("Create"), physical_id=SERVER_ID, failure="host-keys-unreadable")

    (answer,) = stack.answers
    assert (answer["Status"], answer["Reason"]) == ("FAILED", "host-keys-unreadable")


@pytest.mark.parametrize("port", [None, 1])
def test_an_answer_that_does_not_arrive_is_an_error_that_shows_no_address(
    stack: Stack, port: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    stack.status = 403

    with pytest.raises(TransientError, match=r"^aws-unreachable: cloudformation (403|\w+Error)$"):
        answer_stack(stack.request("Create", port=port), physical_id=SERVER_ID)

    assert "planted" not in caplog.text
