"""A step in a container: the function's own code is fetched, run in a process, and answered for."""

from __future__ import annotations

import json
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from containers import step

EVENT = json.dumps({"run_id": "0" * 32})
HANDLER = """
import os
import layer

def lambda_handler(event, context):
    return {**event, "table": os.environ["RUN_TABLE"], "from": layer.NAME, "as": context.function_name}
"""
REFUSES = """
class PermanentError(Exception): ...

def lambda_handler(event, context):
    raise PermanentError("full-set-expired")
"""
DIES = "import os\ndef lambda_handler(event, context): os.kill(os.getpid(), 9)\n"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where the ZIPs lie that Lambda gives links to."""
    for name, (member, text) in {
        "code": ("handler.py", HANDLER),
        "layer": ("python/layer.py", "NAME = 'the layer'"),
    }.items():
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr(member, text)
    return tmp_path


class Functions:
    """Knows one live function with one layer."""

    def __init__(self, place: Path) -> None:
        self._place = place

    def get_function(self, **named: str) -> Any:
        assert named == {"FunctionName": "rosterbridge-prod-convert", "Qualifier": "live"}
        variables = {"RUN_TABLE": "Runs", "POWERTOOLS_SERVICE_NAME": "rosterbridge-convert"}
        configuration = {"Layers": [{"Arn": "arn:layer"}], "Environment": {"Variables": variables}}
        return {"Code": {"Location": (self._place / "code").as_uri()}, "Configuration": configuration}

    def get_layer_version_by_arn(self, **named: str) -> Any:
        assert named == {"Arn": "arn:layer"}
        return {"Content": {"Location": (self._place / "layer").as_uri()}}


class States:
    """Hears the answers."""

    def __init__(self) -> None:
        self.heard: list[dict[str, str]] = []

    def send_task_success(self, **told: str) -> None:
        self.heard.append(told)

    def send_task_failure(self, **told: str) -> None:
        self.heard.append(told)


def handler(folder: Path, text: str) -> Path:
    (folder / "task").mkdir()
    (folder / "task" / "handler.py").write_text(text)
    return folder


def never() -> None:
    raise AssertionError("no sign of life is due")


def test_the_live_code_runs_with_its_layers_and_settings(place: Path) -> None:
    folder = place / "unpacked"
    variables = step.fetch(Functions(place), "rosterbridge-prod-convert", folder)

    assert step.handle(folder, variables, EVENT, never) == {
        "output": {"run_id": "0" * 32, "table": "Runs", "from": "the layer", "as": "rosterbridge-convert"}
    }


def test_what_the_handler_raises_is_told_as_lambda_tells_it(tmp_path: Path) -> None:
    states = States()
    step.tell(states, "token", step.handle(handler(tmp_path, REFUSES), {}, EVENT, never))

    (told,) = states.heard
    assert (told["taskToken"], told["error"]) == ("token", "PermanentError")
    assert json.loads(told["cause"]) == {"errorMessage": "full-set-expired", "errorType": "PermanentError"}


@pytest.mark.parametrize("text", [DIES, "import no_such_module\n"])
def test_a_handler_that_dies_is_told_as_one_of_lambdas(tmp_path: Path, text: str) -> None:
    states = States()
    step.tell(states, "token", step.handle(handler(tmp_path, text), {}, EVENT, never))

    (told,) = states.heard
    assert told["error"] == "Runtime.ExitError"
    assert json.loads(told["cause"])["errorType"] == "Runtime.ExitError"


def test_an_answer_is_told_as_it_is() -> None:
    states = States()
    step.tell(states, "token", {"output": {"outcome": "converted"}})

    assert states.heard == [{"taskToken": "token", "output": '{"outcome": "converted"}'}]


def test_a_long_step_gives_signs_of_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step, "BEAT_SECONDS", 0.05)
    beats: list[None] = []
    slow = handler(tmp_path, "import time\ndef lambda_handler(event, context): time.sleep(0.4)\n")

    assert step.handle(slow, {}, EVENT, lambda: beats.append(None)) == {"output": None}
    assert len(beats) > 1


def test_a_step_that_nobody_waits_for_any_more_stops_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step, "BEAT_SECONDS", 0.05)
    wrote = tmp_path / "wrote"
    work = f"time.sleep(1); pathlib.Path({str(wrote)!r}).touch()"
    text = f"import pathlib, time\ndef lambda_handler(event, context): {work}\n"

    def refuse() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        step.handle(handler(tmp_path, text), {}, EVENT, refuse)

    time.sleep(1.2)
    assert not wrote.exists()
