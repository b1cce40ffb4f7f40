"""A dry run over the deployed stack: by the API, a form of S3 and the function, and nothing of it anywhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from local.sample import write_sample
from rosterbridge.flows.models import RunStatus
from tests.support.administration import Administration
from tests.support.http_client import SECONDS, HttpClient
from tests.support.stack import StackUnderTest, wait_for


@pytest.fixture
def client(administration: Administration, stack: StackUnderTest) -> HttpClient:
    return administration.client(administration.user(stack.local.organization_id))


def looked_at(client: HttpClient, stack: StackUnderTest, flow_id: str, path: Path) -> dict[str, Any]:
    """Post a file as a browser does, and return what was found."""
    target = f"/v1/organizations/{stack.local.organization_id}/dry-runs"
    asked = {"flow_id": flow_id, "file_name": path.name, "file_bytes": path.stat().st_size}
    begun = client.made(target, asked)
    form = begun["upload"]
    with path.open("rb") as file:
        posted = httpx.post(form["url"], data=form["fields"], files={"file": file}, timeout=SECONDS, trust_env=False)
    assert posted.status_code == 204, posted.text

    def ended() -> dict[str, Any] | None:
        found: dict[str, Any] = client.read(f"{target}/{begun['id']}")
        return found if found["status"] in {"done", "failed"} else None

    return wait_for(ended, "the dry run ends")


def test_a_file_is_told_to_be_sent_held_or_rejected_and_nothing_else_happens(
    stack: StackUnderTest, client: HttpClient, tmp_path: Path
) -> None:
    sender = stack.create_flow(guard={})
    flow_id = sender.created.flow.id
    stack.upload(write_sample(tmp_path / "first.zip"), sender)
    assert stack.wait_for_run(sender).status is RunStatus.SUCCEEDED
    landed = {path.name for path in stack.received.iterdir()}
    (tmp_path / "broken.zip").write_bytes(b"no ZIP at all")

    same = looked_at(client, stack, flow_id, tmp_path / "first.zip")
    half = looked_at(client, stack, flow_id, write_sample(tmp_path / "half.zip", students=60))
    broken = looked_at(client, stack, flow_id, tmp_path / "broken.zip")

    assert (same["status"], same["verdict"], same["report"]["accepted"]) == ("done", "send", True)
    assert (half["status"], half["verdict"], half["counts"]["students_removed"]) == ("done", "hold", 60)
    assert "60 students would be deactivated" in half["summary"]
    assert (broken["status"], broken["verdict"], broken["error"]) == ("done", "reject", "not-a-zip")
    (run,) = stack.runs(sender)
    assert run.rows is not None
    assert run.rows["students.csv"] == 120
    project = f"/v1/organizations/{stack.local.organization_id}/projects/{sender.project_id}/runs"
    assert [line["rows"] for line in client.read(project)["items"]] == [run.rows]
    assert {path.name for path in stack.received.iterdir()} == landed
