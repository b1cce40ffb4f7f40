"""An object has appeared in a home folder: is it an upload, and which runs does it start?"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from rosterbridge.errors import NotFoundError
from rosterbridge.flows.messages import message
from rosterbridge.flows.models import FileAccount, Flow, ObjectRef, Project, Run, RunStatus, Step
from rosterbridge.flows.ports import AccountStore, ObjectStore, RunStore, Workflow
from rosterbridge.flows.run_files import all_put_aside, run_object
from rosterbridge.flows.signing_in import HOME_PREFIX

# What SFTP clients call a file that they have not finished
TEMPORARY_SUFFIXES = (".filepart", ".part", ".tmp", ".partial", ".crdownload")
HOME_DEPTH = 2  # home/<file account id>/<the client's own path>
SWITCHED_OFF = "flow-switched-off"


@dataclass(frozen=True)
class Uploaded:
    """One version of an object that S3 says was created; ``size`` in bytes."""

    ref: ObjectRef
    size: int
    at: datetime


@dataclass(frozen=True)
class Receiver:
    """What receiving needs; ``run_bucket`` keeps the runs' files, ``keep_runs`` the time that a record lives."""

    accounts: AccountStore
    runs: RunStore
    objects: ObjectStore
    workflow: Workflow
    run_bucket: str
    keep_runs: timedelta

    def receive(self, uploaded: Uploaded) -> list[str]:
        """Start a run for each flow of the account and take the object out of the home; return the run ids.

        The same event, delivered again at any point, changes nothing more: ids come from the object version, each
        step may be repeated, and the object is removed last.
        """
        if not is_upload(uploaded.ref.key, uploaded.size):
            return []
        flows = self.accounts.flows_of_file_account(_file_account_id(uploaded.ref.key))
        if not flows or not self.objects.exists(uploaded.ref):
            return []
        try:
            started = [self._start(uploaded, flow) for flow in flows]
        except NotFoundError:  # a repeated event finished between the check and the copy
            return []
        self._note(uploaded, flows[0])
        self.objects.delete(uploaded.ref)
        return started

    def _start(self, uploaded: Uploaded, flow: Flow) -> str:
        project = self.accounts.get(Project, flow.organization_id, flow.project_id)
        save_data = bool(project and project.save_data)
        run = new_run(uploaded, flow, self.run_bucket, self.keep_runs, save_data=save_data)
        self.objects.copy(uploaded.ref, run.source)
        # the flow may have been switched since an earlier try: its record counts
        stored = self.runs.create(all_put_aside(self.objects, run))
        if not stored.status.final:
            self.workflow.start(stored.id, stored.source)
        return stored.id

    def _note(self, uploaded: Uploaded, flow: Flow) -> None:
        account = self.accounts.get(FileAccount, flow.organization_id, flow.file_account_id)
        if account is not None:
            self.accounts.note_upload(account, uploaded.at)


def is_upload(key: str, size: int) -> bool:
    """Tell an upload from a folder, an empty object, a hidden or an unfinished file."""
    parts = key.split("/")
    if key.endswith("/") or size == 0 or len(parts) <= HOME_DEPTH or parts[0] != HOME_PREFIX:
        return False
    hidden = any(part.startswith((".", "~")) for part in parts[HOME_DEPTH:])
    return not hidden and not key.lower().endswith(TEMPORARY_SUFFIXES)


def _file_account_id(key: str) -> str:
    return key.split("/")[1]


def run_id(ref: ObjectRef, flow_id: str) -> str:
    """Return the id that this object version has as a run of this flow, always the same."""
    identity = "\n".join((ref.bucket, ref.key, ref.version_id or "", flow_id))
    return hashlib.sha256(identity.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Opening:
    """What a run begins with; ``size`` in bytes, ``origin`` is where its file comes from."""

    identity: str
    flow: Flow
    file_name: str
    size: int
    at: datetime
    origin: ObjectRef
    rerun_of: str | None = None


def new_run(uploaded: Uploaded, flow: Flow, run_bucket: str, keep: timedelta, *, save_data: bool) -> Run:
    """Return the record of a run that starts now; that of a switched-off flow is final at once."""
    opening = Opening(
        identity=run_id(uploaded.ref, flow.id),
        flow=flow,
        file_name=uploaded.ref.key.rsplit("/", 1)[-1],
        size=uploaded.size,
        at=uploaded.at,
        origin=uploaded.ref,
    )
    run = open_run(opening, run_bucket, keep, save_data=save_data)
    return run if flow.enabled else _switched_off(run)


def open_run(opening: Opening, run_bucket: str, keep: timedelta, *, save_data: bool) -> Run:
    """Return a run whose file was received, with its first step's request and response if they are to be saved."""
    flow = opening.flow
    source = run_object(run_bucket, opening.identity, "source.zip")
    return Run(
        id=opening.identity,
        organization_id=flow.organization_id,
        project_id=flow.project_id,
        flow_id=flow.id,
        flow_name=flow.name,
        file_account_id=flow.file_account_id,
        status=RunStatus.RECEIVED,
        received_at=opening.at,
        file_name=opening.file_name,
        file_bytes=opening.size,
        source=source,
        steps=(_step(opening, source, save_data=save_data),),
        expires_at=opening.at + keep,
        rerun_of=opening.rerun_of,
    )


def _step(opening: Opening, source: ObjectRef, *, save_data: bool) -> Step:
    saved = {
        "request": {
            "method": "rerun" if opening.rerun_of else "upload",
            "source": opening.origin.key,
            "bytes": opening.size,
        },
        "response": {"target": source.key, "bytes": opening.size},
    }
    return Step(
        name="receive",
        started_at=opening.at,
        ended_at=opening.at,
        outcome="succeeded",
        counts={"bytes": opening.size},
        **(saved if save_data else {}),
    )


def _switched_off(run: Run) -> Run:
    why = message(SWITCHED_OFF)
    steps = tuple(
        step.model_copy(update={"outcome": "rejected", "code": SWITCHED_OFF, "message": why}) for step in run.steps
    )
    return run.model_copy(
        update={
            "status": RunStatus.REJECTED,
            "ended_at": run.received_at,
            "summary": why,
            "error": SWITCHED_OFF,
            "steps": steps,
        }
    )
