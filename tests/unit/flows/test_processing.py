"""Validation and conversion: what is found, what is kept, what is passed on."""

from __future__ import annotations

import gzip
import io
import os
import tempfile
import zipfile
from contextlib import suppress
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import rosterbridge.roster
from rosterbridge.errors import NotFoundError, PermanentError, TransientError
from rosterbridge.flows.models import Flow, Project, RunStatus, StepName
from rosterbridge.flows.processing import MOST_OPTIONS
from rosterbridge.roster.documents import report_from_json
from rosterbridge.roster.options import ConversionOptions
from rosterbridge.roster.report import Report
from tests.support import flows, rosters
from tests.support.fakes import Calls, Failing
from tests.support.pipeline import GOOD, Pipeline, converted


def test_a_good_upload_is_accepted_and_its_report_stored() -> None:
    pipeline = Pipeline()

    answer = pipeline.validate()

    assert answer.outcome == "accepted"
    assert answer.report is not None
    assert answer.report == pipeline.run.report
    assert answer.report.key == f"runs/{pipeline.received.id}/report.json"
    report = report_from_json(pipeline.objects.get_text(answer.report))
    assert (report.accepted, report.format) == (True, "oneroster-1.1")
    step = pipeline.step("validate")
    assert (step.outcome, step.code, step.message, pipeline.run.summary) == (
        "succeeded",
        None,
        report.summary,
        report.summary,
    )
    assert (step.counts["users_read"], step.counts["students.csv"]) == (6, 3)
    assert step.ended_at is not None
    assert step.ended_at > step.started_at
    assert pipeline.run.status is RunStatus.VALIDATING


def test_a_bad_upload_is_an_answer_and_no_error() -> None:
    pipeline = Pipeline(b"no zip at all")

    answer = pipeline.validate()

    assert answer.outcome == "rejected"
    assert answer.report is not None
    report = report_from_json(pipeline.objects.get_text(answer.report))
    assert report.codes == ("not-a-zip",)
    step = pipeline.step("validate")
    assert (step.outcome, step.code) == ("rejected", "not-a-zip")
    assert pipeline.run.summary == step.message == report.summary


def test_a_good_upload_is_converted_to_what_apple_takes() -> None:
    pipeline = Pipeline()
    pipeline.validate()

    answer = pipeline.convert()

    assert answer.outcome == "converted"
    assert pipeline.run.result is not None
    assert pipeline.run.provenance is not None
    origins = gzip.decompress(pipeline.objects.content(pipeline.run.provenance)).decode().splitlines()
    assert origins[:2] == ["file,line,source,source_lines", "students.csv,2,users.csv,4"]
    with zipfile.ZipFile(io.BytesIO(pipeline.objects.content(pipeline.run.result))) as archive:
        assert len(archive.namelist()) == 6
    step = pipeline.step("convert")
    assert (step.outcome, step.counts["students.csv"]) == ("succeeded", 3)
    assert pipeline.run.rows == {name: count for name, count in step.counts.items() if name != "bytes"}
    assert step.counts["bytes"] == len(pipeline.objects.content(pipeline.run.result))


def test_a_clean_package_of_apples_own_format_passes_unchanged() -> None:
    content = rosters.zip_bytes(rosters.asm())
    pipeline = converted(content=content)

    assert pipeline.run.result is not None
    assert pipeline.objects.content(pipeline.run.result) == content
    assert pipeline.step("convert").message == "Passed on unchanged."


def test_conversion_that_disagrees_with_validation_fails() -> None:
    pipeline = Pipeline(b"no zip at all")

    with pytest.raises(PermanentError, match="conversion-differs"):
        pipeline.convert()

    assert (pipeline.step("convert").outcome, pipeline.step("convert").code) == ("failed", "conversion-differs")
    assert pipeline.run.result is None


@pytest.mark.parametrize("name", ["validate", "convert"])
def test_with_saving_data_the_steps_before_keep_what_they_read_and_by_which_options(name: StepName) -> None:
    pipeline = Pipeline(save_data=True)
    pipeline.accounts.put(flows.flow(id="flow-1", options=ConversionOptions(max_dropped=0.1, schools=("school-1",))))

    with suppress(PermanentError):  # no school of that id: what is asked counts here
        pipeline.validate() if name == "validate" else pipeline.convert()

    request = pipeline.shown(name).request
    assert (request["method"], request["source"], request["bytes"]) == (
        name,
        f"runs/{pipeline.received.id}/source.zip",
        len(GOOD),
    )
    assert set(request["options"]) == {field.name for field in fields(ConversionOptions)}
    assert (request["options"]["max_dropped"], request["options"]["schools"]) == (0.1, ["school-1"])


@pytest.mark.parametrize(("entries", "shown"), [(100, True), (200, False)])
def test_options_of_unusual_length_are_no_part_of_what_is_saved(entries: int, shown: bool) -> None:
    pipeline = Pipeline(save_data=True)
    schools = tuple(f"{number:0255}" for number in range(entries))
    assert (entries * 255 < MOST_OPTIONS) == shown
    pipeline.accounts.put(flows.flow(id="flow-1", options=ConversionOptions(schools=schools)))

    pipeline.validate()

    assert ("options" in pipeline.shown("validate").request) == shown
    assert pipeline.shown("validate").request["bytes"] == len(GOOD)


def test_what_breaks_unforeseen_is_recorded_without_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_arguments: Any, **_named: Any) -> Report:
        raise ValueError("could not parse 'planted'")

    monkeypatch.setattr(rosterbridge.roster, "validate", breaks)
    pipeline = Pipeline(save_data=True)

    with pytest.raises(ValueError, match="planted"):
        pipeline.validate()

    step = pipeline.step("validate")
    assert (step.outcome, step.code) == ("failed", "unexpected-error")
    assert "planted" not in pipeline.run.model_dump_json()


def test_a_flow_and_a_project_of_another_organization_are_not_used() -> None:
    pipeline = Pipeline()
    for kind, identity in ((Flow, "flow-1"), (Project, "project-1")):
        pipeline.lose(kind, identity)
    pipeline.accounts.put(
        flows.flow(id="flow-1", organization_id="district-2"),
        flows.project(id="project-1", organization_id="district-2", save_data=True),
    )

    with pytest.raises(PermanentError, match="flow-missing"):
        pipeline.validate()

    assert not pipeline.step("validate").saved


def test_a_flow_or_an_upload_that_is_gone_says_so() -> None:
    without_flow, without_upload = Pipeline(), Pipeline()
    without_flow.lose(Flow, "flow-1")
    without_upload.objects.delete(without_upload.received.source)

    for pipeline, code in ((without_flow, "flow-missing"), (without_upload, "object-missing")):
        with pytest.raises(PermanentError, match=code):
            pipeline.validate()
        assert pipeline.step("validate").code == code


def test_a_run_without_a_record_says_so() -> None:
    with pytest.raises(NotFoundError, match="run-missing"):
        Pipeline().processor().validate("0" * 32)


@pytest.mark.parametrize("number", range(7))
@pytest.mark.parametrize("after", [False, True])
def test_a_step_that_breaks_at_any_point_can_be_done_again(number: int, after: bool) -> None:
    pipeline = Pipeline()
    calls = Calls(number, TransientError("aws-unreachable"), after=after)
    ports = {
        name: Failing(port, calls)
        for name, port in (("accounts", pipeline.accounts), ("runs", pipeline.runs), ("objects", pipeline.objects))
    }

    with pytest.raises(TransientError):
        pipeline.processor(**ports).validate(pipeline.received.id)
    answer = pipeline.validate()

    assert answer.outcome == "accepted"
    assert answer.report is not None
    assert (pipeline.step("validate").outcome, pipeline.step("validate").code) == ("succeeded", None)
    assert pipeline.objects.keys("runs") == [
        f"runs/{pipeline.received.id}/{name}" for name in ("report.json", "source.zip")
    ]


def test_what_a_step_left_that_was_killed_is_removed_by_a_later_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    dead, alive, other = (tmp_path / name for name in ("run-dead", "run-alive", "else"))
    for folder, minutes in ((dead, 16), (alive, 10), (other, 60)):
        folder.mkdir()
        (folder / "input.zip").write_bytes(b"a roster")
        then = (flows.AT - timedelta(minutes=minutes)).timestamp()
        os.utime(folder, (then, then))

    Pipeline().validate()

    assert sorted(path.name for path in tmp_path.iterdir()) == ["else", "run-alive"]
