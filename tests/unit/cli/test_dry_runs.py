"""``flows dry-run``: a file is posted, looked at and told, and nothing is sent."""

from __future__ import annotations

import email
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from rosterbridge.flows.models import DryRun
from tests.support.api import belongings
from tests.support.command_line import Line, call

ORGANIZATION, FLOW = belongings("north")["organization_id"], belongings("north")["flow_id"]


class Bucket:
    """Takes the form as S3 does, and has the file looked at, which ends as ``found`` says."""

    def __init__(self, line: Line, **found: Any) -> None:
        self._line, self._found, self._api = line, found, line.answer
        self.status = 204
        self.posted: list[tuple[str, bytes]] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        if not str(request.url).startswith("https://objects.invalid/"):
            return self._api(request)
        assert "authorization" not in request.headers
        head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
        parts: Any = email.message_from_bytes(head + request.read()).get_payload()
        self.posted = [
            (part.get_param("name", header="content-disposition"), part.get_payload(decode=True)) for part in parts
        ]
        accounts = self._line.world.accounts
        (waiting,) = [one for one in accounts.list(DryRun, ORGANIZATION) if one.status == "waiting"]
        accounts.put(waiting.model_copy(update=self._found))
        return httpx.Response(self.status)


@pytest.fixture
def package(home: Path) -> Path:
    path = home / "next.zip"
    path.write_bytes(b"the file")
    return path


def bucket(line: Line, monkeypatch: pytest.MonkeyPatch, **found: Any) -> Bucket:
    made = Bucket(line, **found)
    monkeypatch.setattr(line, "answer", made.answer)
    monkeypatch.setattr("rosterbridge.cli.dry_runs.POLL_SECONDS", 0)
    return made


@pytest.mark.parametrize(
    ("found", "said", "code"),
    [
        ({"status": "done", "verdict": "send", "summary": "Nothing is removed."}, "would be sent", 0),
        ({"status": "done", "verdict": "hold", "summary": "31 students"}, "would be held  31 students", 1),
        ({"status": "done", "verdict": "reject", "error": "not-a-zip"}, "would be rejected", 1),
        ({"status": "failed", "error": "dry-run-interrupted"}, "failed", 3),
    ],
)
def test_a_file_is_posted_and_what_was_found_is_told_by_word_and_exit_code(
    north: Line, package: Path, monkeypatch: pytest.MonkeyPatch, found: dict[str, Any], said: str, code: int
) -> None:
    posted = bucket(north, monkeypatch, counts={"students_removed": 31}, **found)

    result = call("flows", "dry-run", FLOW, package)

    assert result.exit_code == code, result.output
    assert said in result.stdout
    assert "students_removed 31" in result.stdout
    assert posted.posted[-1] == ("file", b"the file")  # S3 reads no field after it
    assert "key" in dict(posted.posted)


def test_as_json_it_is_the_apis_own_answer(north: Line, package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket(north, monkeypatch, status="done", verdict="send")

    told = json.loads(call("flows", "dry-run", FLOW, package, "--json").stdout)

    assert (told["verdict"], told["file_name"], told["upload"]) == ("send", "next.zip", None)


def test_a_store_that_refuses_the_file_is_a_service_that_failed(
    north: Line, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket(north, monkeypatch).status = 403

    result = call("flows", "dry-run", FLOW, package)

    assert result.exit_code == 3
    assert "upload-refused" in result.output
