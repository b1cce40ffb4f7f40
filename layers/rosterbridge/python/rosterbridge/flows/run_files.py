"""Where a run keeps its files; request and response of its steps are among them, and so end with them."""

from __future__ import annotations

import json
import re

from rosterbridge.errors import NotFoundError
from rosterbridge.flows.models import ObjectRef, Run, Step, StepName
from rosterbridge.flows.ports import ObjectStore

DRY_RUNS, DRY_RUN_SOURCE = "dry-runs", "source.zip"


def run_folders(run: str) -> tuple[str, str]:
    """Return what the keys of a run's own files begin with, and of those that are made of them."""
    return f"runs/{run}/", f"made/{run}/"


def run_object(bucket: str, run: str, name: str) -> ObjectRef:
    """Return where a run keeps one of its files."""
    return ObjectRef(bucket=bucket, key=f"{run_folders(run)[0]}{name}")


def made_object(bucket: str, run: str, name: str) -> ObjectRef:
    """Return where a file lies for a day that is made of a run's files when somebody asks for it."""
    return ObjectRef(bucket=bucket, key=f"{run_folders(run)[1]}{name}")


def dry_run_folder(organization_id: str) -> str:
    """Return what the keys of all files of an organization's dry runs begin with."""
    return f"{DRY_RUNS}/{organization_id}/"


def dry_run_object(bucket: str, organization_id: str, dry_run: str, name: str) -> ObjectRef:
    """Return where a dry run keeps one of its files."""
    return ObjectRef(bucket=bucket, key=f"{dry_run_folder(organization_id)}{dry_run}/{name}")


def dry_run_of(key: str) -> tuple[str, str] | None:
    """Return organization and id of the dry run whose upload lies there; None for any other key."""
    found = re.fullmatch(rf"{DRY_RUNS}/([\w-]+)/([\w-]+)/{re.escape(DRY_RUN_SOURCE)}", key)
    return (found[1], found[2]) if found else None


def saved_object(bucket: str, run: str, step: StepName) -> ObjectRef:
    """Return where request and response of a step lie."""
    return run_object(bucket, run, f"steps/{step}.json")


def put_aside(objects: ObjectStore, bucket: str, run_id: str, step: Step) -> Step:
    """Store request and response apart; return the step for the record, which says that there are some."""
    text = json.dumps({"request": step.request, "response": step.response}, sort_keys=True)
    objects.put_text(text, saved_object(bucket, run_id, step.name))
    return step.model_copy(update={"request": {}, "response": {}, "saved": True})


def all_put_aside(objects: ObjectStore, run: Run) -> Run:
    """Store request and response of each step of a new run apart."""
    return run.model_copy(
        update={
            "steps": tuple(
                put_aside(objects, run.source.bucket, run.id, step) if step.request or step.response else step
                for step in run.steps
            )
        }
    )


def with_data(objects: ObjectStore, run: Run) -> Run:
    """Return the run with request and response of its steps, as far as they are kept still."""
    return run.model_copy(update={"steps": tuple(_with_data(objects, run, step) for step in run.steps)})


def _with_data(objects: ObjectStore, run: Run, step: Step) -> Step:
    if not step.saved:
        return step
    try:
        saved = json.loads(objects.get_text(saved_object(run.source.bucket, run.id, step.name)))
    except NotFoundError:  # saved data is kept for a shorter time than the history
        return step
    return step.model_copy(update={name: saved[name] for name in ("request", "response")})
